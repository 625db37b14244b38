"""Revisions, plans and rollbacks over HTTP: what Conjunct has beyond the API specification."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response
from sqlalchemy import text

from conjunct.core.http import DatabaseDep, Transaction, api_router, json_bytes
from conjunct.core.paging import PagerDep
from conjunct.integrations import history, schemas
from conjunct.integrations.change_schemas import Difference, Plan
from conjunct.integrations.deploys import PREVIOUS
from conjunct.integrations.endpoints import Destructive, IntegrationId, Integrations, Reader
from conjunct.integrations.planning import DeployPlanner
from conjunct.tenants import CallerDep, ProjectId
from conjunct.tenants.audit import unaudited

history_router = api_router(tags=["Integration"])


async def _planner(request: Request) -> DeployPlanner:
    planner: DeployPlanner = request.app.state.deploy_planner
    return planner


RevisionId = Annotated[str, Path(alias="revisionId", description="The revision's id.")]

_INTEGRATION = "/projects/{projectIdOrName}/integrations/{integrationId}"
# Postgres itself keeps a plan from writing, and lets it see one moment of the database.
_ONLY_READ = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


@history_router.get(
    _INTEGRATION + "/revisions", operation_id="listRevisions", response_model=list[schemas.NumberedRevision]
)
async def list_revisions(
    project_id: ProjectId, integration: IntegrationId, database: DatabaseDep, pager: PagerDep
) -> Response:
    """All revisions of an integration, newest first."""
    async with database.reading() as connection:
        return pager.answer(await history.list_revisions(connection, project_id, integration, pager.page))


# Before the revision itself, whose pattern would take the verb for a part of the id.
@history_router.get(
    _INTEGRATION + "/revisions/{revisionId}:diff", operation_id="diffRevision", response_model=Difference
)
async def diff_revision(
    project_id: ProjectId,
    integration: IntegrationId,
    revision_id: RevisionId,
    session: Transaction,
    against: Annotated[
        str, Query(max_length=200, description="The id of another revision, `previous` or `latest`.")
    ] = PREVIOUS,
) -> Difference:
    """What a revision changes of the one before, of the latest, or of any other."""
    return await history.compare_revisions(session, project_id, integration, revision_id, against)


@history_router.get(
    _INTEGRATION + "/revisions/{revisionId}", operation_id="getRevision", response_model=schemas.NumberedRevision
)
async def get_revision(
    project_id: ProjectId, integration: IntegrationId, revision_id: RevisionId, database: DatabaseDep
) -> Response:
    """One revision of an integration."""
    async with database.reading() as connection:
        return json_bytes(await history.get_revision(connection, project_id, integration, revision_id))


@history_router.post(
    _INTEGRATION + ":rollback",
    operation_id="rollbackIntegration",
    status_code=201,
    response_model=schemas.NumberedRevision,
)
async def rollback_integration(
    caller: CallerDep,
    project_id: ProjectId,
    integration: IntegrationId,
    body: schemas.Rollback,
    service: Integrations,
    session: Transaction,
) -> Response:
    """Deploy an earlier revision again, as a new one that installations follow."""
    revision_id = await service.roll_back(
        session, project_id, integration, body.revision_id, destructive=body.destructive, created_by=caller.actor
    )
    return json_bytes(await history.get_revision(session, project_id, integration, revision_id), 201)


@history_router.post(
    "/projects/{projectIdOrName}/integrations:plan", operation_id="planIntegrations", response_model=Plan
)
@unaudited
async def plan_integrations(
    project_id: ProjectId,
    source: schemas.Source,
    reader: Reader,
    planner: Annotated[DeployPlanner, Depends(_planner)],
    database: DatabaseDep,
    destructive: Destructive = False,
) -> Plan:
    """What deploying a manifest would change, and for whom. Nothing is changed."""
    manifest = (await reader.read(project_id, source)).manifest
    async with database.transaction() as session:
        await session.execute(_ONLY_READ)
        return await planner.plan(session, project_id, manifest, destructive=destructive)
