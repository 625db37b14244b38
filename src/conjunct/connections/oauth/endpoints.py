"""The beginning of OAuth flows over HTTP. Their end is a page: `conjunct.web`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import PlainTextResponse

from conjunct.connections.endpoints import ConnectionId
from conjunct.connections.oauth.schemas import ConnectRequest
from conjunct.connections.oauth.service import OAuthFlows
from conjunct.connections.projects import named_project
from conjunct.core.http import Transaction, api_router
from conjunct.tenants import AuthenticatorDep, CallerDep, FrontendProjectId

router = api_router(tags=["OAuth"])


async def _flows(request: Request) -> OAuthFlows:
    flows: OAuthFlows = request.app.state.oauth_flows
    return flows


Flows = Annotated[OAuthFlows, Depends(_flows)]


@router.post("/oauth-connect", operation_id="oauthConnect", response_class=PlainTextResponse)
async def oauth_connect(
    caller: CallerDep, authenticator: AuthenticatorDep, body: ConnectRequest, flows: Flows, transaction: Transaction
) -> str:
    """The URL to send a customer to, so that they connect: as plain text."""
    project_id = await named_project(authenticator, caller, body.project_id_or_name or body.project_id)
    caller.confine(body.group_ref)
    caller.confine_consumer(body.consumer_ref)
    return await flows.begin(transaction, project_id, body)


@router.patch(
    "/projects/{projectIdOrName}/connections/{connectionId}:oauth-update",
    operation_id="oauthUpdate",
    response_class=PlainTextResponse,
)
async def oauth_update(
    project_id: FrontendProjectId, connection_id: ConnectionId, flows: Flows, transaction: Transaction
) -> str:
    """The URL to send a customer to, so that they agree anew to a connection: as plain text."""
    return await flows.begin_update(transaction, project_id, connection_id)
