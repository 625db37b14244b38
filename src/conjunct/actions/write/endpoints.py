"""The write action over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request, Response

from conjunct.actions.write.schemas import BatchAnswer, WriteAnswer, WriteFailure, WriteRequest
from conjunct.actions.write.service import WriteService
from conjunct.core.http import api_router, json_bytes, problems_as_text
from conjunct.tenants import ProjectId
from conjunct.tenants.audit import unaudited

router = api_router(tags=["Write"])


async def _service(request: Request) -> WriteService:
    service: WriteService = request.app.state.writes
    return service


Writes = Annotated[WriteService, Depends(_service)]
IntegrationId = Annotated[str, Path(alias="integrationId", description="The integration's id or name.")]
ObjectName = Annotated[str, Path(alias="objectName", description="The object's name, the provider's or yours.")]


@router.post(
    "/projects/{projectIdOrName}/integrations/{integrationId}/objects/{objectName}",
    operation_id="writeRecords",
    response_model=WriteAnswer | BatchAnswer,
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
    project_id: ProjectId,
    integration_id: IntegrationId,
    object_name: ObjectName,
    body: WriteRequest,
    writes: Writes,
) -> Response:
    """Create, update or delete records of a customer. Where none was written, it answers 422.

    With the mode asynchronous, it answers the id of the operation that tells what became of them.
    """
    operation_id, outcome = await writes.write(project_id, integration_id, object_name, body)
    if outcome is None:
        return json_bytes(WriteAnswer(operation_id=operation_id).to_wire())
    return json_bytes(outcome.answer(operation_id).to_wire(), 200 if outcome.succeeded else 422)
