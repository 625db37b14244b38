"""Writes: take what is asked if it may be done, do it at the provider, and tell what became of each record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.write.accepting import Acceptor, operation_of
from conjunct.actions.write.fitting import AcceptedWrite, accepted
from conjunct.actions.write.repository import WriteRepository
from conjunct.actions.write.schemas import WriteRequest
from conjunct.actions.write.shaping import shape
from conjunct.actions.write.telling import WriteOutcome
from conjunct.connections import ConnectionService
from conjunct.connectors import (
    Connector,
    HttpRequest,
    ProviderError,
    UnknownObject,
    WriteFault,
    WriteInterrupted,
    WriteNotSupported,
    WriteState,
    Written,
)
from conjunct.connectors.formats import UnusableValue
from conjunct.core.database import Database
from conjunct.core.persisting import persistently
from conjunct.installations import GroupNotInstalled, InstallationService, provider_problem
from conjunct.kit.clock import Clock
from conjunct.operations import OperationService

LONGEST = timedelta(hours=2)
"""After so long, a write within a request was cut off by the end of its process: no request takes so long."""

RECORD_SECONDS = 10.0
"""How long one attempt to record an end may last."""

CUT_OFF = "It ended before the provider's answer was heard; it is not known what was written."


@dataclass(frozen=True, slots=True)
class _Write:
    """A write with all that it needs; no transaction is open any more."""

    accepted: AcceptedWrite
    operation_id: str
    connector: Connector = field(repr=False)


class WriteService:
    """Writes to a customer's account through their installation."""

    def __init__(
        self,
        database: Database,
        installations: InstallationService,
        connections: ConnectionService,
        operations: OperationService,
        acceptor: Acceptor,
        clock: Clock,
    ) -> None:
        self._database = database
        self._installations = installations
        self._connections = connections
        self._operations = operations
        self._acceptor = acceptor
        self._clock = clock

    async def write(
        self, project_id: str, integration: str, object_name: str, request: WriteRequest
    ) -> tuple[str, WriteOutcome | None]:
        """Do what is asked, as an operation: its id, and what became of the records; None as long as that is to come.

        The operation is there before anything is sent, and knows its end after; no transaction is open between.

        Raises:
            GroupNotInstalled: the group has not installed the integration.
            WriteNotAllowed: the installation does not write the object, or not so.
            TooManyPendingWrites: an asynchronous write has no room.
        """
        if request.mode == "asynchronous":
            async with self._database.transaction() as session:
                allowed = await self._allowed(session, project_id, integration, object_name, request)
                return await self._acceptor.accept(session, allowed, object_name), None
        write = await self._prepare(project_id, integration, object_name, request)
        outcome = _all(request, CUT_OFF, "unknown")
        try:
            outcome = await _outcome(write)
        finally:
            # Also when the request is cut off: an operation does not stay open.
            await self._finish(write, outcome)
        return write.operation_id, outcome

    async def preview(
        self, project_id: str, integration: str, object_name: str, request: WriteRequest
    ) -> Sequence[HttpRequest]:
        """The requests that a write would send; nothing is written, and no operation is made.

        Raises as `write`, and what the connector or the provider says to it: CredentialsRefused, ProviderRefused,
        ProviderUnavailable, WriteNotSupported, UnknownObject, UnusableValue.
        """
        async with self._database.transaction() as session:
            allowed = await self._allowed(session, project_id, integration, object_name, request)
            state = allowed.state
            connector = await self._connections.connector(
                session, state.project_id, state.connection_id, module=state.module
            )
        try:
            return await connector.preview_write(await shape(allowed, "dry-run", connector))
        except ProviderError as error:
            raise provider_problem(error, doing="look at what would be written") from None

    async def _allowed(
        self, session: AsyncSession, project_id: str, integration: str, object_name: str, request: WriteRequest
    ) -> AcceptedWrite:
        state = await self._installations.require_by_group(session, project_id, integration, request.group_ref)
        allowed = accepted(state, object_name, request)
        if not await self._installations.keep(session, state.project_id, state.id):
            raise GroupNotInstalled(f"The installation of the group {request.group_ref!r} was just deleted.")
        return allowed

    async def _prepare(self, project_id: str, integration: str, object_name: str, request: WriteRequest) -> _Write:
        async with self._database.transaction() as session:
            allowed = await self._allowed(session, project_id, integration, object_name, request)
            state = allowed.state
            connector = await self._connections.connector(
                session, state.project_id, state.connection_id, module=state.module
            )
            operation_id = await self._operations.start(session, operation_of(allowed))
            # What tells the sweep that it was cut off, should this process be killed.
            await WriteRepository(session).add(
                operation_id=operation_id,
                project_id=state.project_id,
                installation_id=state.id,
                object_name=allowed.object_name,
                asked_name=object_name,
                state="synchronous",
                deadline=self._clock.now() + LONGEST,
                retried_for=timedelta(),
                records=len(request.entries),
                size=0,
            )
        return _Write(allowed, operation_id, connector)

    async def _finish(self, write: _Write, outcome: WriteOutcome) -> None:
        state, operation_id = write.accepted.state, write.operation_id

        async def record(session: AsyncSession) -> None:
            if not await self._installations.keep(session, state.project_id, state.id):
                return  # it was deleted meanwhile, with all its operations
            if not await WriteRepository(session).remove(state.project_id, operation_id):
                return  # it is recorded: this is done again when the answer to a commit was lost
            await self._operations.log(session, state.project_id, operation_id, outcome.log_lines())
            await self._operations.finish(
                session,
                state.project_id,
                operation_id,
                status="success" if outcome.succeeded else "failure",
                result=outcome.summary(write.accepted.object_name),
            )

        # What the provider has answered is not to be forgotten because the database is away for a while.
        await persistently(self._database, record, attempt_seconds=RECORD_SECONDS, operation_id=operation_id)


async def _outcome(write: _Write) -> WriteOutcome:
    request = write.accepted.request
    is_batch = request.batch is not None
    try:
        query = await shape(write.accepted, write.operation_id, write.connector)
        return WriteOutcome(request.type, is_batch, await write.connector.write(query))
    except WriteInterrupted as interrupted:
        return WriteOutcome(request.type, is_batch, interrupted.results, interrupted.cause.message)
    except ProviderError as error:
        return _all(request, error.message)
    except (UnknownObject, WriteNotSupported, UnusableValue) as refusal:
        return _all(request, refusal.detail)


def _all(request: WriteRequest, reason: str, state: WriteState = "untried") -> WriteOutcome:
    """The outcome of a write that failed as a whole."""
    told = Written(state, faults=(WriteFault(reason),))
    return WriteOutcome(request.type, request.batch is not None, [told] * len(request.entries), reason)
