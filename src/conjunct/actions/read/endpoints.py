"""The read action over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Depends, Path, Request, Response
from pydantic import TypeAdapter

from conjunct.actions.read.overview import ReadOverview
from conjunct.actions.read.schemas import DeliverRequest, PauseRequest, ReadRequest, ReadResultAsync, ReadStatus
from conjunct.actions.read.service import ReadService
from conjunct.core.http import Transaction, api_router, json_bytes, problems_as_json
from conjunct.installations import Installations
from conjunct.operations import BackfillProgress, Operations
from conjunct.tenants import ProjectId

router = api_router(tags=["Read"])
STATUSES = TypeAdapter(list[ReadStatus])
progress_router = api_router(tags=["Operation"])

_INTEGRATION = "/projects/{projectIdOrName}/integrations/{integrationId}"
_INSTALLATION = _INTEGRATION + "/installations/{installationId}"


async def _service(request: Request) -> ReadService:
    service: ReadService = request.app.state.reads
    return service


async def _overview(request: Request) -> ReadOverview:
    overview: ReadOverview = request.app.state.read_overview
    return overview


Overview = Annotated[ReadOverview, Depends(_overview)]
Reads = Annotated[ReadService, Depends(_service)]
IntegrationId = Annotated[str, Path(alias="integrationId", description="The integration's id or name.")]
InstallationId = Annotated[str, Path(alias="installationId", description="The installation's id.")]
ObjectName = Annotated[str, Path(alias="objectName", description="The object's name, the provider's or yours.")]


# Before the one that would take `contacts:deliverResults` for the name of an object.
@router.post(
    _INTEGRATION + "/objects/{objectName}:deliverResults",
    operation_id="deliverResults",
    status_code=204,
    responses=problems_as_json(400, 500),
)
async def deliver_results(
    project_id: ProjectId,
    integration_id: IntegrationId,
    object_name: ObjectName,
    body: DeliverRequest,
    session: Transaction,
    reads: Reads,
    installations: Installations,
) -> Response:
    """Deliver so many pages of an object whose pages are held: at once those that there are, then those to come."""
    state = await installations.require_by_group(session, project_id, integration_id, body.group_ref)
    await reads.deliver(session, state, object_name, body.pages)
    return Response(status_code=204)


@router.post(
    _INTEGRATION + "/objects/{objectName}",
    operation_id="triggerRead",
    status_code=201,
    response_model=ReadResultAsync,
    responses=problems_as_json(400, 500),
)
async def trigger_read(
    project_id: ProjectId,
    integration_id: IntegrationId,
    object_name: ObjectName,
    body: ReadRequest,
    session: Transaction,
    reads: Reads,
    installations: Installations,
) -> ReadResultAsync:
    """Read an object of one group now, in the background."""
    state = await installations.require_by_group(session, project_id, integration_id, body.group_ref)
    operation_id = await reads.trigger(
        session, state, object_name, since=body.since_timestamp, until=body.until_timestamp
    )
    return ReadResultAsync(operation_id=operation_id)


@router.post(_INSTALLATION + ":pause", operation_id="pauseReads", status_code=204)
async def pause_reads(
    project_id: ProjectId,
    integration_id: IntegrationId,
    installation_id: InstallationId,
    session: Transaction,
    reads: Reads,
    installations: Installations,
    body: Annotated[PauseRequest | None, Body()] = None,
) -> Response:
    """Pause the scheduled reads of an installation, whole or by object."""
    state = await installations.require(session, project_id, integration_id, installation_id)
    await reads.pause(session, state, body.objects if body else None, body.note if body else None)
    return Response(status_code=204)


@router.post(_INSTALLATION + ":unpause", operation_id="unpauseReads", status_code=204)
async def unpause_reads(
    project_id: ProjectId,
    integration_id: IntegrationId,
    installation_id: InstallationId,
    session: Transaction,
    reads: Reads,
    installations: Installations,
    body: Annotated[PauseRequest | None, Body()] = None,
) -> Response:
    """Let paused scheduled reads go on from where they were."""
    state = await installations.require(session, project_id, integration_id, installation_id)
    await reads.unpause(session, state, body.objects if body else None)
    return Response(status_code=204)


@progress_router.get(_INSTALLATION + "/reads", operation_id="listReads", response_model=list[ReadStatus])
async def list_reads(
    project_id: ProjectId,
    integration_id: IntegrationId,
    installation_id: InstallationId,
    session: Transaction,
    overview: Overview,
    installations: Installations,
) -> Response:
    """How the reads of each object stand: when the next comes, how far they have come, who paused them and why."""
    state = await installations.require(session, project_id, integration_id, installation_id)
    told = await overview.of(session, state)
    return json_bytes(STATUSES.dump_json(told, by_alias=True, exclude_none=True))


@progress_router.get(
    _INSTALLATION + "/objects/{objectName}/backfill-progress",
    operation_id="getBackfillProgress",
    response_model=BackfillProgress,
)
async def get_backfill_progress(
    project_id: ProjectId,
    integration_id: IntegrationId,
    installation_id: InstallationId,
    object_name: ObjectName,
    session: Transaction,
    reads: Reads,
    installations: Installations,
    operations: Operations,
) -> Response:
    """How many records of an object's backfill have been read, of how many."""
    state = await installations.require(session, project_id, integration_id, installation_id)
    operation_id = await reads.backfill_operation(session, state, object_name)
    return json_bytes(await operations.progress(session, project_id, operation_id))
