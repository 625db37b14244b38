"""The project of an operation whose path names none."""

from __future__ import annotations

from conjunct.core.problems import InvalidRequest, Issue
from conjunct.tenants import Authenticator, Caller


async def named_project(authenticator: Authenticator, caller: Caller, project: str | None) -> str:
    """The id of the project that a body names, opened with a credential that has a scope.

    Raises `Forbidden`, `InvalidRequest` where none is named, and `NotFound` as for a project in a path.
    """
    caller.require("frontend")
    if project is None:
        raise InvalidRequest(
            "The request names no project.",
            remedy="Send projectIdOrName.",
            issues=[Issue("projectIdOrName", "it is required")],
        )
    return await authenticator.open_project(caller, project)
