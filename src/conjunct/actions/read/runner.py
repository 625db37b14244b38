"""The read run: fetch a page, hand its records over, move the checkpoint; prefetch the next page meanwhile.

No transaction is open while a provider or a destination is called. A page's checkpoint commits together with what of
it must still be delivered, so that a crash anywhere repeats one page at most, under the same message ids. Memory
holds two pages, whatever the size of the read.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.read.ending import Ender
from conjunct.actions.read.failures import Wait, decide
from conjunct.actions.read.mapping import MappingPlan, plan_mapping
from conjunct.actions.read.messages import Envelope, Large, make_envelope, pack
from conjunct.actions.read.repository import ReadRepository
from conjunct.actions.read.runs import Progress, Run
from conjunct.connections import ConnectionService
from conjunct.connectors import Connector, LoopGuard, Page, ProviderError, ReadQuery
from conjunct.core.database import Database
from conjunct.core.telemetry import bind
from conjunct.delivery import Channel, DeliveryService, DestinationNotFound, Message
from conjunct.installations import InstallationService, InstallationState, ReadObject
from conjunct.kit.clock import Clock
from conjunct.operations import LogLine, OperationService
from conjunct.queue import Done, Engine, Job, Outcome, Retry

PROGRESS_SECONDS = 1.0
SPOOL_WAIT = timedelta(seconds=30)
MAX_LOGGED_FAILURES = 10

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A run with all that it needs."""

    run: Run
    state: InstallationState
    read_object: ReadObject
    plan: MappingPlan
    query: ReadQuery
    connector: Connector
    channel: Channel
    envelope: Envelope


class SpoolFull(Exception):
    """The destination has fallen so far behind that its reads wait for it."""


class Runner:
    """Runs read runs from their checkpoints to their ends."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        installations: InstallationService,
        connections: ConnectionService,
        operations: OperationService,
        delivery: DeliveryService,
        ender: Ender,
        clock: Clock,
    ) -> None:
        self._database = database
        self._engine = engine
        self._installations = installations
        self._connections = connections
        self._operations = operations
        self._delivery = delivery
        self._ender = ender
        self._clock = clock

    async def run(self, job: Job, operation_id: str) -> Outcome:
        """Do one attempt at a run; it goes on from its checkpoint."""
        with bind(operation_id=operation_id, project_id=job.tenant):
            async with self._database.transaction() as session:
                row = await ReadRepository(session).run(job.tenant, operation_id)
            if row is None or not row.active:
                return Done()  # its installation was deleted, or a worker died between its end and the job's
            run = Run.from_row(row)
            try:
                return await self._attempt(job, run)
            except ProviderError as error:
                return await self._ender.after_failure(job, run, error)
            except DestinationNotFound as problem:
                return await self._ender.give_up(job, run, problem.detail)
            except SpoolFull:
                log.info("read.waits_for_destination")
                return Retry(SPOOL_WAIT, "the destination's spool is full", counted=False)

    async def _attempt(self, job: Job, run: Run) -> Outcome:
        async with self._database.transaction() as session:
            state = await self._installations.load_at(session, run.project_id, run.installation_id, run.config_id)
            read_object = state.read_objects.get(run.object_name) if state else None
            if state is None or read_object is None:
                return Done()
            connection = await self._connections.find(session, run.project_id, state.connection_id)
            if connection is not None and connection.throttled_until is not None:
                wait = connection.throttled_until - self._clock.now()
                if wait > timedelta(0):
                    return Retry(wait, "the provider asked us to slow down", counted=False)
            reading = await self._prepare(session, run, state, read_object)
            await self._require_room(session, reading.channel)
        return await self._read(job, reading)

    async def _prepare(
        self, session: AsyncSession, run: Run, state: InstallationState, read_object: ReadObject
    ) -> _Reading:
        connector = await self._connections.connector(session, run.project_id, state.connection_id, module=state.module)
        channel = await self._delivery.open_channel(session, run.project_id, read_object.destination)
        plan = plan_mapping(read_object)
        filters = read_object.backfill.filters if run.read_type == "backfill" else read_object.filters
        query = ReadQuery(
            object=read_object.object_name,
            fields=plan.requested,
            since=run.since,
            until=run.until,
            filters=filters,
        )
        envelope = make_envelope(
            state,
            read_object,
            destination_id=channel.destination_id,
            operation_id=run.operation_id,
            read_type=run.read_type,
            started=run.started,
        )
        return _Reading(run, state, read_object, plan, query, connector, channel, envelope)

    async def _read(self, job: Job, reading: _Reading) -> Outcome:
        connector, query, channel = reading.connector, reading.query, reading.channel
        progress = await self._estimate(reading)
        reported = time.monotonic()
        circles = LoopGuard()
        fetching = asyncio.create_task(connector.read_page(query, progress.next_page))
        try:
            while True:
                page = await fetching
                if page.next is not None:
                    circles.check(page.next)
                    fetching = asyncio.create_task(connector.read_page(query, page.next))
                now = time.monotonic()
                if channel.is_stale(self._clock.now()):
                    channel = await self._reopen(reading)
                report = now - reported > PROGRESS_SECONDS
                reported = now if report else reported
                progress = await self._hand_over(job, reading, channel, progress, page, report=report)
                if page.next is None:
                    return Done()
        finally:
            if not fetching.done():
                fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)

    async def _hand_over(
        self, job: Job, reading: _Reading, channel: Channel, progress: Progress, page: Page, *, report: bool
    ) -> Progress:
        """Deliver a page and move the checkpoint; with the last page, the run ends in the same transaction."""
        run = reading.run
        messages = await self._messages(reading, channel, progress.page, page)
        results = await self._delivery.attempt(channel, messages)
        progress = progress.after_page(page.next, records=len(page.records), failed=len(page.failed))
        async with self._database.transaction() as session:
            if page.next is not None:
                await self._engine.fence(session, job)
            await self._delivery.record(session, results)
            await ReadRepository(session).checkpoint(
                run.project_id,
                run.operation_id,
                next_page=progress.next_page,
                page=progress.page,
                records=progress.records,
                failed=progress.failed,
                estimated=progress.estimated,
            )
            if report or page.next is None:
                await self._operations.report_progress(
                    session,
                    run.project_id,
                    run.operation_id,
                    processed=progress.records,
                    estimated=progress.estimated,
                )
            await self._log_failed_records(session, run, page)
            if page.next is None:
                await self._ender.succeed(session, job, run, reading.state, progress)
        if not all(result.delivered for result in results) and page.next is not None:
            async with self._database.transaction() as session:
                await self._require_room(session, channel)
        return progress

    async def _messages(self, reading: _Reading, channel: Channel, number: int, page: Page) -> list[Message]:
        messages = []
        for packed in pack(reading.envelope, number, map(reading.plan.entry, page.records)):
            if isinstance(packed, Large):
                payload = await self._delivery.store_payload(channel, packed.message_id, packed.content)
                messages.append(reading.envelope.message_by_link(packed.message_id, payload))
            else:
                messages.append(packed)
        return messages

    async def _estimate(self, reading: _Reading) -> Progress:
        """How many records a long read will bring, where the provider tells; the read goes on without it."""
        run, progress = reading.run, reading.run.progress
        if run.read_type == "scheduled" or progress.page > 0:
            return progress
        try:
            estimated = await reading.connector.count(reading.query)
        except ProviderError as error:
            if isinstance(decide(error, tries=0, restarts=0), Wait):
                raise
            log.info("read.no_estimate", error=str(error))
            return progress
        return Progress(progress.next_page, progress.page, progress.records, progress.failed, estimated)

    async def _reopen(self, reading: _Reading) -> Channel:
        async with self._database.transaction() as session:
            return await self._delivery.open_channel(session, reading.run.project_id, reading.read_object.destination)

    async def _require_room(self, session: AsyncSession, channel: Channel) -> None:
        if await self._delivery.spool_is_full(session, channel.project_id, channel.destination_id):
            raise SpoolFull

    async def _log_failed_records(self, session: AsyncSession, run: Run, page: Page) -> None:
        lines = [
            LogLine(
                "WARNING",
                f"A record of {run.object_name} could not be read and was left out.",
                error=failed.reason,
                details={"page": str(run.progress.page), "place": str(failed.index)},
            )
            for failed in page.failed[:MAX_LOGGED_FAILURES]
        ]
        await self._operations.log(session, run.project_id, run.operation_id, lines)
