"""Custom authentication in several steps, over HTTP.

No provider of the catalog has such steps yet, so that every request is answered by what to do instead.
"""

from __future__ import annotations

from typing import Annotated, Any, NoReturn

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from conjunct.connections.credential_kinds import accepted_kinds
from conjunct.connections.endpoints import Connections
from conjunct.connections.fields import Ref, ShortText
from conjunct.connections.projects import named_project
from conjunct.connections.schemas import Connection, ProviderMetadata
from conjunct.connectors import Definition
from conjunct.core.http import api_router
from conjunct.core.problems import InvalidRequest, Issue
from conjunct.tenants import AuthenticatorDep, CallerDep

router = api_router(tags=["Connection"])


class NoMultiStepAuth(InvalidRequest):
    """The provider is not connected in several steps, or there is no such flow to go on with."""

    slug = "no-multi-step-auth"
    title = "There is no such authentication in several steps"


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class CustomAuthConnectRequest(_Shape):
    """The beginning of a flow, with its inputs; or its next step, with the session and what the provider sent back."""

    project_id_or_name: Ref = Field(description="Your project's id or name.")
    provider: Ref | None = None
    group_ref: Ref | None = Field(None, description="Your reference for the customer.")
    group_name: ShortText | None = None
    consumer_ref: Ref | None = Field(None, description="Your reference for the person.")
    consumer_name: ShortText | None = None
    provider_metadata: ProviderMetadata | None = None
    provider_app_id: Ref | None = None
    custom_auth: dict[str, Any] | None = Field(None, repr=False)
    session_id: Ref | None = None
    callback_params: Annotated[dict[Ref, ShortText], Field(max_length=100)] | None = Field(None, repr=False)


class RedirectResponse(_Shape):
    """Where to send the customer, and the session to come back with."""

    url: str
    session_id: str


class CustomAuthConnectResponse(_Shape):
    """Either the next step or the connection."""

    redirect: RedirectResponse | None = None
    connection: Connection | None = None


@router.post("/custom-auth/connect", operation_id="customAuthConnect", response_model=CustomAuthConnectResponse)
async def custom_auth_connect(
    caller: CallerDep, authenticator: AuthenticatorDep, body: CustomAuthConnectRequest, connections: Connections
) -> Response:
    """Begin a custom authentication of several steps, or go on with it. No provider here has one yet."""
    await named_project(authenticator, caller, body.project_id_or_name)
    if body.session_id is not None:
        detail = "There is no session of this id: it is over, or never was."
        raise NoMultiStepAuth(
            detail, remedy="Begin again without sessionId.", issues=[Issue("sessionId", detail, value=body.session_id)]
        )
    group_ref, consumer_ref = caller.confine(body.group_ref), caller.confine_consumer(body.consumer_ref)
    given = {"provider": body.provider, "groupRef": group_ref, "consumerRef": consumer_ref}
    missing = [Issue(name, "it is required on the first call") for name, value in given.items() if value is None]
    if body.provider is None or missing:
        names = ", ".join(issue.name for issue in missing)
        raise InvalidRequest(f"The first call of a flow needs more: {names}.", issues=missing)
    _refuse(connections.definition(body.provider))


def _refuse(definition: Definition) -> NoReturn:
    kinds = accepted_kinds(definition.auth)
    if kinds == ("oauth2AuthorizationCode",):
        remedy = "Send the customer through POST /v1/oauth-connect."
    elif kinds:
        remedy = f"Send {' or '.join(kinds)} to connections:generate."
    else:
        remedy = "The provider cannot be connected yet."
    detail = f"{definition.display} is not connected in several steps."
    raise NoMultiStepAuth(detail, remedy=remedy, issues=[Issue("provider", detail, value=definition.name)])
