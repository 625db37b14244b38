"""The write action over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from conjunct.actions.write.schemas import BatchAnswer, DryRun, WriteAnswer, WriteFailure, WriteRequest
from conjunct.actions.write.service import WriteService
from conjunct.actions.write.telling import dry_run as dry_run_of
from conjunct.core.http import api_router, json_bytes, problems_as_text
from conjunct.tenants import CallerDep, WritableProjectId
from conjunct.tenants.audit import unaudited

router = api_router(tags=["Write"])


async def _service(request: Request) -> WriteService:
    service: WriteService = request.app.state.writes
    return service


Writes = Annotated[WriteService, Depends(_service)]
IntegrationId = Annotated[str, Path(alias="integrationId", description="The integration's id or name.")]
ObjectName = Annotated[str, Path(alias="objectName", description="The object's name, the provider's or yours.")]

DryRunWish = Annotated[
    bool, Query(alias="dryRun", description="Tell what would be sent to the provider, and write nothing.")
]


@router.post(
    "/projects/{projectIdOrName}/integrations/{integrationId}/objects/{objectName}",
    operation_id="writeRecords",
    response_model=WriteAnswer | BatchAnswer | DryRun,
    responses={
        **problems_as_text(400),
        422: {
            "description": "The records could not be written, or not so.",
            "model": WriteFailure | BatchAnswer,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        },
    },
)
@unaudited  # each is an operation, with a log of its own
async def write_records(
    request: Request,
    caller: CallerDep,
    project_id: WritableProjectId,
    integration_id: IntegrationId,
    object_name: ObjectName,
    body: WriteRequest,
    writes: Writes,
    dry_run: DryRunWish = False,
) -> Response:
    """Create, update or delete records of a customer. Where none was written, it answers 422.

    With the mode asynchronous, it answers the id of the operation that tells what became of them.
    """
    caller.confine(body.group_ref)
    key = request.headers.get("Idempotency-Key")
    if key is not None and body.idempotency_key is None:
        body = body.model_copy(update={"idempotency_key": key})
    if dry_run:
        return json_bytes(dry_run_of(await writes.preview(project_id, integration_id, object_name, body)).to_wire())
    operation_id, outcome = await writes.write(project_id, integration_id, object_name, body)
    if outcome is None:
        return json_bytes(WriteAnswer(operation_id=operation_id).to_wire())
    return json_bytes(outcome.answer(operation_id).to_wire(), 200 if outcome.succeeded else 422)
