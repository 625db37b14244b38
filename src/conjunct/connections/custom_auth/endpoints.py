"""Custom authentication in several steps, over HTTP."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import Depends, Header, Request, Response

from conjunct.connections.custom_auth.schemas import CustomAuthConnectRequest, CustomAuthConnectResponse
from conjunct.connections.custom_auth.service import CustomAuthFlows
from conjunct.connections.custom_auth.state import SentOn, Start
from conjunct.connections.endpoints import Connections
from conjunct.connections.projects import named_project
from conjunct.core.http import DatabaseDep, api_router, json_bytes
from conjunct.core.problems import InvalidRequest, Issue
from conjunct.tenants import AuthenticatorDep, Caller, CallerDep

router = api_router(tags=["Connection"])


async def _flows(request: Request) -> CustomAuthFlows:
    flows: CustomAuthFlows = request.app.state.custom_auth
    return flows


CustomAuth = Annotated[CustomAuthFlows, Depends(_flows)]


@router.post("/custom-auth/connect", operation_id="customAuthConnect", response_model=CustomAuthConnectResponse)
async def custom_auth_connect(
    caller: CallerDep,
    authenticator: AuthenticatorDep,
    body: CustomAuthConnectRequest,
    flows: CustomAuth,
    connections: Connections,
    database: DatabaseDep,
    origin: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """Begin a custom authentication of several steps, or go on with it: gives a redirect, or the connection."""
    project_id = await named_project(authenticator, caller, body.project_id_or_name)
    if body.session_id is not None:
        params = body.callback_params or {}
        outcome = await flows.resume(
            project_id, body.session_id, params, group_ref=caller.group_ref, consumer_ref=caller.consumer_ref
        )
    else:
        outcome = await flows.begin(project_id, _start(caller, body, origin))
    if isinstance(outcome, SentOn):
        return json_bytes(orjson.dumps({"redirect": {"url": outcome.url, "sessionId": outcome.session_id}}))
    async with database.reading() as reading:
        connection = await connections.get_json(reading, project_id, outcome.connection_id)
    return json_bytes(f'{{"connection":{connection}}}')


def _start(caller: Caller, body: CustomAuthConnectRequest, origin: str | None) -> Start:
    group_ref, consumer_ref = caller.confine(body.group_ref), caller.confine_consumer(body.consumer_ref)
    if body.provider is None or group_ref is None or consumer_ref is None:
        given = {"provider": body.provider, "groupRef": group_ref, "consumerRef": consumer_ref}
        missing = [Issue(name, "it is required on the first call") for name, value in given.items() if value is None]
        names = ", ".join(issue.name for issue in missing)
        raise InvalidRequest(f"The first call of a flow needs more: {names}.", issues=missing)
    return Start(
        provider=body.provider,
        group_ref=group_ref,
        group_name=body.group_name,
        consumer_ref=consumer_ref,
        consumer_name=body.consumer_name,
        metadata=body.provider_metadata,
        provider_app_id=body.provider_app_id,
        values=body.custom_auth or {},
        origin=origin,
    )
