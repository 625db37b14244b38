"""The audit log over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response
from pydantic import AwareDatetime

from conjunct.core.http import DatabaseDep, api_router, in_utc
from conjunct.core.paging import BoundedPagerDep
from conjunct.core.problems import NotFound
from conjunct.tenants.audit.schemas import AuditEntry
from conjunct.tenants.audit.service import AuditLog, Filters
from conjunct.tenants.dependencies import BuilderDep, ProjectId

router = api_router(tags=["Audit log"])

_Text = Annotated[str | None, Query(max_length=500)]


async def _log(request: Request) -> AuditLog:
    log: AuditLog = request.app.state.audit_log
    return log


async def _filters(
    actor: Annotated[_Text, Query(description="Only what this actor did.")] = None,
    action: Annotated[_Text, Query(description="Only this action, such as `updateInstallation`.")] = None,
    resource_kind: Annotated[
        _Text, Query(alias="resourceKind", description="Only changes of this kind of resource, such as `destination`.")
    ] = None,
    resource_id: Annotated[_Text, Query(alias="resourceId", description="Only changes of this resource.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="Only from this moment on.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Only before this moment.")] = None,
) -> Filters:
    return Filters(actor, action, resource_kind, resource_id, in_utc("since", since), in_utc("until", until))


LogDep = Annotated[AuditLog, Depends(_log)]
FiltersDep = Annotated[Filters, Depends(_filters)]


@router.get("/projects/{projectIdOrName}/audit-log", operation_id="listAuditEntries", response_model=list[AuditEntry])
async def list_audit_entries(
    project_id: ProjectId, log: LogDep, filters: FiltersDep, database: DatabaseDep, pager: BoundedPagerDep
) -> Response:
    """Who changed what in the project, newest first, a page of 100 unless `pageSize` says otherwise."""
    async with database.reading() as connection:
        return pager.answer(await log.of_project(connection, project_id, pager.page, filters))


@router.get("/orgs/{orgId}/audit-log", operation_id="listOrgAuditEntries", response_model=list[AuditEntry])
async def list_org_audit_entries(
    caller: BuilderDep,
    org_id: Annotated[str, Path(alias="orgId", description="The org's id.")],
    log: LogDep,
    filters: FiltersDep,
    database: DatabaseDep,
    pager: BoundedPagerDep,
) -> Response:
    """Who changed what in your org besides its projects: its name, people and invites, and which projects it has."""
    if caller.org_id != org_id:
        raise NotFound(f"There is no org {org_id!r} that you belong to.", remedy="getMyInfo shows your org.")
    async with database.reading() as connection:
        return pager.answer(await log.of_org(connection, org_id, pager.page, filters))
