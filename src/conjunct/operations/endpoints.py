"""Operations over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request, Response

from conjunct.core.http import DatabaseDep, api_router, json_bytes
from conjunct.operations.schemas import Log, Operation
from conjunct.operations.service import OperationService
from conjunct.tenants import ProjectId

router = api_router(tags=["Operation"])


async def _service(request: Request) -> OperationService:
    service: OperationService = request.app.state.operations
    return service


Operations = Annotated[OperationService, Depends(_service)]
OperationId = Annotated[str, Path(alias="operationId", description="The operation's id.")]


@router.get(
    "/projects/{projectIdOrName}/operations/{operationId}", operation_id="getOperation", response_model=Operation
)
async def get_operation(
    project_id: ProjectId, operation_id: OperationId, operations: Operations, database: DatabaseDep
) -> Response:
    """One operation, with its status, summary and progress."""
    async with database.reading() as connection:
        return json_bytes(await operations.get(connection, project_id, operation_id))


@router.get(
    "/projects/{projectIdOrName}/operations/{operationId}/logs",
    operation_id="listOperationLogs",
    response_model=list[Log],
)
async def list_operation_logs(
    project_id: ProjectId, operation_id: OperationId, operations: Operations, database: DatabaseDep
) -> Response:
    """The newest 1,000 lines of an operation's log, oldest first."""
    async with database.reading() as connection:
        return json_bytes(await operations.logs(connection, project_id, operation_id))
