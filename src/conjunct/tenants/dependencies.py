"""Who is calling, as endpoints ask for it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.security import APIKeyHeader

from conjunct.tenants.access import Authenticator, Caller

_header = APIKeyHeader(name="X-Api-Key", scheme_name="APIKeyHeader", auto_error=False)


async def current_caller(request: Request, api_key: Annotated[str | None, Depends(_header)]) -> Caller:
    """The caller that the request's credential belongs to."""
    authenticator: Authenticator = request.app.state.authenticator
    return await authenticator.authenticate(api_key)


async def opened_project(
    caller: Annotated[Caller, Depends(current_caller)],
    project_id_or_name: Annotated[str, Path(alias="projectIdOrName", description="The project's id or name.")],
) -> str:
    """The id of the project in the path, opened with a credential of the scope `full`."""
    caller.require("full")
    return caller.open_project(project_id_or_name)


async def opened_project_frontend(
    caller: Annotated[Caller, Depends(current_caller)],
    project_id_or_name: Annotated[str, Path(alias="projectIdOrName", description="The project's id or name.")],
) -> str:
    """The id of the project in the path, opened with a credential of the scope `frontend` or `full`."""
    caller.require("frontend")
    return caller.open_project(project_id_or_name)


CallerDep = Annotated[Caller, Depends(current_caller)]
ProjectId = Annotated[str, Depends(opened_project)]
FrontendProjectId = Annotated[str, Depends(opened_project_frontend)]
