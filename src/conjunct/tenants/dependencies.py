"""Who is calling, as endpoints ask for it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from conjunct.core.problems import Forbidden
from conjunct.tenants.access import Authenticator
from conjunct.tenants.caller import Caller

_header = APIKeyHeader(name="X-Api-Key", scheme_name="APIKeyHeader", auto_error=False)
_bearer = HTTPBearer(scheme_name="Bearer", bearerFormat="JWT", auto_error=False)


async def authenticator(request: Request) -> Authenticator:
    """The process's authenticator."""
    found: Authenticator = request.app.state.authenticator
    return found


async def caller_of(request: Request) -> Caller:
    """The caller, for what passes every request and so cannot tell whether the endpoint wants a credential."""
    scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
    bearer = token if scheme.lower() == "bearer" and token else None
    found = await authenticator(request)
    return await found.authenticate(api_key=request.headers.get("X-Api-Key"), bearer=bearer)


AuthenticatorDep = Annotated[Authenticator, Depends(authenticator)]


async def current_caller(
    request: Request,
    found: AuthenticatorDep,
    api_key: Annotated[str | None, Depends(_header)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """The caller that the request's credential belongs to; `request.state.caller` tells it to what comes after."""
    caller = await found.authenticate(api_key=api_key, bearer=bearer.credentials if bearer else None)
    request.state.caller = caller
    return caller


CallerDep = Annotated[Caller, Depends(current_caller)]
ProjectIdOrName = Annotated[str, Path(alias="projectIdOrName", description="The project's id or name.")]


async def opened_project(
    request: Request, found: AuthenticatorDep, caller: CallerDep, project_id_or_name: ProjectIdOrName
) -> str:
    """The id of the project in the path, opened with a credential of the scope `full`.

    `request.state.project_id` tells it to what comes after.
    """
    caller.require("full")
    return await _open(request, found, caller, project_id_or_name)


async def opened_project_frontend(
    request: Request, found: AuthenticatorDep, caller: CallerDep, project_id_or_name: ProjectIdOrName
) -> str:
    """The id of the project in the path, opened with any credential that has a scope.

    A customer's JWT passes here: the endpoint keeps it to its own group (`Confinement`).
    """
    caller.require("frontend")
    return await _open(request, found, caller, project_id_or_name)


async def opened_project_to_write(
    request: Request, found: AuthenticatorDep, caller: CallerDep, project_id_or_name: ProjectIdOrName
) -> str:
    """The id of the project in the path, opened with a credential that may write to customers' accounts.

    Where the project lets frontends write, a customer's JWT passes here: the endpoint keeps it to its own group.
    """
    caller.require_use("write")
    return await _open(request, found, caller, project_id_or_name)


async def _open(request: Request, found: Authenticator, caller: Caller, project_id_or_name: str) -> str:
    project_id = await found.open_project(caller, project_id_or_name)
    request.state.project_id = project_id
    return project_id


async def confinement(caller: CallerDep) -> str | None:
    """The one group that the caller may see, if confined to one."""
    return caller.group_ref


async def current_builder(caller: CallerDep) -> Caller:
    """The builder who is calling; `Forbidden` for other credentials."""
    if caller.kind != "builder":
        raise Forbidden(
            "This is about orgs and people, which only builders may see and change.",
            remedy="Send a builder's token as Authorization: Bearer; `conjunct admin create-token EMAIL` makes one.",
        )
    return caller


ProjectId = Annotated[str, Depends(opened_project)]
FrontendProjectId = Annotated[str, Depends(opened_project_frontend)]
WritableProjectId = Annotated[str, Depends(opened_project_to_write)]
Confinement = Annotated[str | None, Depends(confinement)]
BuilderDep = Annotated[Caller, Depends(current_builder)]
