"""Writes: take what is asked if it may be done, and do it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.write.fitting import AcceptedWrite, accepted
from conjunct.actions.write.schemas import BatchAnswer, ErrorMessage, WriteFailure, WriteRequest, WriteResult
from conjunct.installations import InstallationService
from conjunct.operations import LogLine, NewOperation, OperationService
from conjunct.providers import Catalog


class WriteService:
    """Writes to a customer's account through their installation."""

    def __init__(self, installations: InstallationService, operations: OperationService, catalog: Catalog) -> None:
        self._installations = installations
        self._operations = operations
        self._catalog = catalog

    async def write(
        self, session: AsyncSession, project_id: str, integration: str, object_name: str, request: WriteRequest
    ) -> WriteFailure | BatchAnswer:
        """Do what is asked, as an operation; says how it failed.

        It fails always: that a provider writes an object is derived from its definition (`object_support(…).write`),
        and no definition can say so yet.

        Raises:
            GroupNotInstalled: the group has not installed the integration.
            WriteNotAllowed: the installation does not write the object, or not so.
        """
        state = await self._installations.require_by_group(session, project_id, integration, request.group_ref)
        write = accepted(state, object_name, request)
        provider = self._catalog.get(state.provider)
        return await self._fail(session, write, f"{provider.display} has no way to write {write.object_name!r} here.")

    async def _fail(self, session: AsyncSession, write: AcceptedWrite, reason: str) -> WriteFailure | BatchAnswer:
        state, request = write.state, write.request
        operation_id = await self._operations.start(
            session,
            NewOperation(
                project_id=state.project_id,
                integration_id=state.integration_id,
                installation_id=state.id,
                config_id=state.config_id,
                action_type="write",
                object_name=write.object_name,
            ),
        )
        note = f"The {request.type} of {len(request.entries)} was not tried."
        await self._operations.log(session, state.project_id, operation_id, [LogLine("ERROR", note, error=reason)])
        await self._operations.finish(
            session, state.project_id, operation_id, status="failure", result=f"[{write.object_name}] {reason}"
        )
        errors = [ErrorMessage(message=reason)]
        if request.batch is not None:
            return BatchAnswer(
                operation_id=operation_id, success_count=0, failure_count=len(request.batch), errors=errors
            )
        return WriteFailure(operation_id=operation_id, errors=errors, result=WriteResult(success=False))
