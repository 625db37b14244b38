"""An attempt at an asynchronous write.

Before a request goes out, it is committed which records are in it; after its answer, what became of them. So a process
that ends in between leaves behind which records nobody knows about: those are sent again only where twice comes to
once, and told as unknown otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.write.deadlines import RECONNECT_DELAY
from conjunct.actions.write.ending import OVER, Ender
from conjunct.actions.write.fitting import AcceptedWrite, accepted
from conjunct.actions.write.results import Results
from conjunct.actions.write.shaping import shape
from conjunct.actions.write.store import Kept, WriteStore
from conjunct.connections import ConnectionService
from conjunct.connectors import (
    Connector,
    ProviderError,
    UnknownObject,
    WriteFault,
    WriteInterrupted,
    WriteNotSupported,
    WriteQuery,
    Written,
)
from conjunct.connectors.formats import UnusableValue
from conjunct.connectors.write_outcomes import fault_of, state_after
from conjunct.core.database import Database
from conjunct.core.persisting import persistently
from conjunct.core.problems import Problem
from conjunct.core.telemetry import bind
from conjunct.installations import InstallationNotFound, InstallationService
from conjunct.kit.clock import Clock
from conjunct.queue import Done, Engine, Job, Outcome, Yield

NOTE_SECONDS = 10.0
"""How long one attempt to note an answer may last."""

PATIENCE = 10.0
"""Seconds that a request waits for the provider's limits before its write makes room for others."""

_NOT_ACCEPTED = "The provider does not accept the connection's credentials; the customer must connect again."
_ENDED_OFTEN = (
    "Again and again, attempts ended without a word: their workers died, or failed in a way that their logs tell."
)
_THROTTLED = "The provider asked us to slow down."


@dataclass(frozen=True, slots=True)
class _Task:
    """A write with all that it needs; no transaction is open any more."""

    job: Job
    kept: Kept
    accepted: AcceptedWrite
    connector: Connector = field(repr=False)


class Runner:
    """Does asynchronous writes, from what is known of them to their ends."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        installations: InstallationService,
        connections: ConnectionService,
        store: WriteStore,
        ender: Ender,
        clock: Clock,
    ) -> None:
        self._database = database
        self._engine = engine
        self._installations = installations
        self._connections = connections
        self._store = store
        self._ender = ender
        self._clock = clock

    async def run(self, job: Job) -> Outcome:
        """Do one attempt at a write."""
        begun = time.monotonic()
        with bind(operation_id=job.ref_id, project_id=job.tenant):
            kept = await self._resume(job)
            if kept is None:
                return Done()  # its installation was deleted, or it has ended
            if not kept.results.left:
                return await self._ender.end(job, kept, kept.results)
            if self._clock.now() >= kept.deadline:
                return await self._ender.end(job, kept, kept.results, kept.results.trouble or OVER)
            if job.attempts >= job.max_attempts:
                return await self._ender.end(job, kept, kept.results, _ENDED_OFTEN)
            try:
                found = await self._prepare(job, kept)
                return await self._write(found, begun) if isinstance(found, _Task) else found
            except InstallationNotFound:
                return Done()
            except Problem as problem:
                # What the write stands on is gone or no longer fits: the config, the provider, the credentials.
                return await self._ender.wait_or_end(job, kept, kept.results, problem)

    async def _resume(self, job: Job) -> Kept | None:
        """The write as it is; with what was on its way when the attempt before ended without a word."""
        async with self._database.transaction() as session:
            await self._engine.fence(session, job)
            kept = await self._store.load(session, job.tenant, job.ref_id)
            if kept is None or not kept.sending:
                return kept
            results = kept.results.lost(kept.sending)
            await self._store.note_results(session, kept, results)
            return replace(kept, results=results, sending=())

    async def _prepare(self, job: Job, kept: Kept) -> _Task | Outcome:
        """What to do by the config as it is now; or a wait, where the connection is not to be used for now."""
        async with self._database.transaction() as session:
            state = await self._installations.load(session, kept.project_id, kept.installation_id)
            allowed = accepted(state, kept.asked_name, kept.request)
            connection = await self._connections.find(session, kept.project_id, state.connection_id)
            if connection is None:
                return Done()
            connector = await self._connections.connector_over(
                session, connection, module=state.module, patience=PATIENCE
            )
        if connection.status == "bad_credentials":
            return await self._ender.wait(job, kept, kept.results, _NOT_ACCEPTED, RECONNECT_DELAY)
        now = self._clock.now()
        if connection.throttled_until is not None and connection.throttled_until > now:
            return await self._ender.wait(job, kept, kept.results, _THROTTLED, connection.throttled_until - now)
        return _Task(job, kept, allowed, connector)

    async def _write(self, task: _Task, begun: float) -> Outcome:
        """Write what is left, request by request, until something stands in the way."""
        job, kept = task.job, task.kept
        try:
            query = await shape(task.accepted, kept.operation_id, task.connector)
            size = task.connector.write_manner(query).at_once
        except ProviderError as error:
            return await self._ender.wait_or_end(job, kept, kept.results, error)
        except (UnknownObject, WriteNotSupported, UnusableValue) as refusal:
            return await self._ender.end(job, kept, kept.results, refusal.detail)
        results = kept.results
        for places in _chunks(results.left, size):
            if places[0] != results.left[0] and await self._engine.is_turn_over(job, time.monotonic() - begun):
                return Yield()
            results, obstacle = await self._send(task, query, places, results)
            if obstacle is not None:
                return await self._ender.wait_or_end(job, kept, results, obstacle)
        if results.left:
            return await self._ender.wait_or_end(job, kept, results, None)
        return await self._ender.end(job, kept, results)

    async def _send(
        self, task: _Task, query: WriteQuery, places: Sequence[int], results: Results
    ) -> tuple[Results, ProviderError | Problem | None]:
        """Write these records; what is known then, and what stood in the way of all that follow, if anything did."""
        kept = task.kept
        part = replace(query, entries=tuple(query.entries[place] for place in places))
        manner = task.connector.write_manner(part)
        async with self._database.transaction() as session:
            await self._engine.fence(session, task.job)
            await self._store.note_sending(session, kept, list(zip(places, manner.repeatable, strict=True)))
        told, obstacle = await _call(task.connector, part)
        trouble = None if obstacle is None else str(obstacle)
        results = results.heard(places, told, trouble, all_or_none=query.all_or_none)

        async def note(session: AsyncSession) -> None:
            await self._engine.fence(session, task.job)
            await self._store.note_results(session, kept, results)

        # An answer that was heard is not to be forgotten because the database is away for a while.
        await persistently(self._database, note, attempt_seconds=NOTE_SECONDS, operation_id=kept.operation_id)
        return results, obstacle


async def _call(connector: Connector, query: WriteQuery) -> tuple[Sequence[Written], ProviderError | Problem | None]:
    """What became of the records, and what stood in the way of those that were not looked at."""
    try:
        return await connector.write(query), None
    except WriteInterrupted as interrupted:
        return interrupted.results, interrupted.cause
    except ProviderError as error:
        # Nothing was written, for sure: it was refused, or not looked at.
        if state_after(error) == "refused":
            return _all(query, Written("refused", faults=(fault_of(error),))), None
        return _all(query, Written("untried", faults=(fault_of(error),))), error
    except (UnknownObject, WriteNotSupported, UnusableValue) as refusal:
        return _all(query, Written("refused", faults=(WriteFault(refusal.detail),))), None
    except Problem as problem:  # the credentials could not be had, before anything was sent
        return _all(query, Written("untried", faults=(WriteFault(problem.detail),))), problem


def _all(query: WriteQuery, told: Written) -> list[Written]:
    return [replace(told, id=entry.id) for entry in query.entries]


def _chunks(places: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(places), size):
        yield places[start : start + size]
