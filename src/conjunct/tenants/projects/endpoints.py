"""Projects over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from conjunct.core.http import DatabaseDep, Transaction, api_router, json_bytes
from conjunct.core.paging import PagerDep
from conjunct.tenants.audit import note_change, record_change
from conjunct.tenants.dependencies import AuthenticatorDep, BuilderDep, CallerDep, FrontendProjectId, ProjectId
from conjunct.tenants.projects.schemas import CreateProject, UpdateProject
from conjunct.tenants.projects.service import ProjectService
from conjunct.tenants.schemas import Project

router = api_router(tags=["Project"])

_COLLECTION = "/projects"
_ONE = _COLLECTION + "/{projectIdOrName}"


async def _service(request: Request) -> ProjectService:
    service: ProjectService = request.app.state.projects
    return service


Projects = Annotated[ProjectService, Depends(_service)]


@router.get(_COLLECTION, operation_id="listProjects", response_model=list[Project])
async def list_projects(caller: CallerDep, projects: Projects, database: DatabaseDep, pager: PagerDep) -> Response:
    """The projects that your credential opens, oldest first: one for a key, those of the org for a builder."""
    caller.require("frontend")
    async with database.reading() as reading:
        return pager.answer(await projects.list_json(reading, caller, pager.page))


@router.post(_COLLECTION, operation_id="createProject", status_code=201, response_model=Project)
async def create_project(
    caller: BuilderDep, given: CreateProject, projects: Projects, session: Transaction
) -> Response:
    """Make a project in your org. It has no API key yet."""
    return json_bytes(await projects.create(session, caller, given), 201)


@router.get(_ONE, operation_id="getProject", response_model=Project)
async def get_project(
    project_id: FrontendProjectId,
    projects: Projects,
    database: DatabaseDep,
    entitlements: Annotated[bool, Query(alias="includeEntitlements", description="Show what it may use.")] = False,
) -> Response:
    """One project."""
    async with database.reading() as reading:
        return json_bytes(await projects.get_json(reading, project_id, entitlements=entitlements))


@router.patch(_ONE, operation_id="updateProject", response_model=Project)
async def update_project(
    project_id: ProjectId,
    given: UpdateProject,
    projects: Projects,
    database: DatabaseDep,
    authenticator: AuthenticatorDep,
) -> Response:
    """Rename a project, or the app that customers see."""
    async with database.transaction() as session:
        changed = await projects.update(session, project_id, given.update_mask, given.project)
        note_change(resource_id=project_id)
        await record_change(session)
    authenticator.forget()  # after the commit: a request in between would remember what was
    return json_bytes(changed)
