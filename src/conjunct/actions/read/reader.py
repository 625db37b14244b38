"""The read loop: fetch a page, hand its records over, move the checkpoint; the next page is fetched meanwhile.

No transaction is open while a provider or a destination is called. A checkpoint commits together with what of its
pages must still be delivered. Memory holds a few pages, whatever the size of the read.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.read.checkpoints import Checkpoints, HandOver
from conjunct.actions.read.ending import Ender
from conjunct.actions.read.failures import Wait, decide
from conjunct.actions.read.messages import Envelope, Large, pack
from conjunct.actions.read.repository import ReadRepository
from conjunct.actions.read.runs import Place, Progress, Run, hold_of
from conjunct.connections import ConnectionState
from conjunct.connectors import Connector, LoopGuard, Page, ProviderError, ReadQuery
from conjunct.core.database import Database
from conjunct.delivery import Channel, DeliveryService, DestinationNotFound, Message, Result
from conjunct.installations import InstallationService, MappingPlan, ReadObject, named_fields
from conjunct.kit.clock import Clock
from conjunct.operations import LogLine, OperationService
from conjunct.queue import Engine, Job

PROGRESS_SECONDS = 1.0
MAX_LOGGED_FAILURES = 10

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """A run with all that it needs. With `then_deleted`, deleted records follow the live ones."""

    job: Job
    run: Run
    connection: ConnectionState
    read_object: ReadObject
    plan: MappingPlan
    query: ReadQuery
    connector: Connector
    channel: Channel
    envelope: Envelope
    then_deleted: bool = False

    def fetch(self, place: Place) -> asyncio.Task[Page]:
        """The page there, being asked for."""
        # Deleted records are associated with nothing any more.
        query = replace(self.query, deleted=True, associations=()) if place.deleted else self.query
        return asyncio.create_task(self.connector.read_page(query, place.token))

    @property
    def holds(self) -> bool:
        """Whether its pages wait to be asked for, instead of being delivered."""
        return self.read_object.delivery_mode == "onRequest"

    @property
    def hold(self) -> str:
        """The hold that they wait in."""
        return hold_of(self.run.installation_id, self.run.object_name)


class SpoolFull(Exception):
    """So much waits for the destination, or to be asked for, that the read waits for it."""


class RunGone(Exception):
    """The run is no more: its installation was deleted."""


class Reader:
    """Reads from a run's checkpoint to its end."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        installations: InstallationService,
        operations: OperationService,
        delivery: DeliveryService,
        ender: Ender,
        clock: Clock,
    ) -> None:
        self._database = database
        self._engine = engine
        self._installations = installations
        self._operations = operations
        self._delivery = delivery
        self._ender = ender
        self._clock = clock

    async def read(self, reading: Reading) -> None:
        """Do the run.

        Raises:
            ProviderError: with everything committed that was handed over before.
            DestinationNotFound: what could not be delivered could not be kept for it either.
            SpoolFull: see there.
            RunGone: see there.
        """
        query = reading.query
        fields = await named_fields(reading.connector, query.object, query.fields)
        reading = replace(reading, query=replace(query, fields=fields))
        commit = _Commit(
            self._database,
            self._engine,
            self._installations,
            self._operations,
            self._delivery,
            self._ender,
            reading,
        )
        checkpoints = Checkpoints(commit)
        try:
            await self._follow(reading, checkpoints)
        except ProviderError:
            await checkpoints.drain()
            raise
        finally:
            await checkpoints.abandon()

    async def _follow(self, reading: Reading, checkpoints: Checkpoints) -> None:
        fetching = reading.fetch(reading.run.progress.place)
        circles = LoopGuard()
        channel = reading.channel
        try:
            progress = await _estimated(reading)
            while True:
                page = await fetching
                here = progress.place
                following = here.following(page.next, then_deleted=reading.then_deleted)
                if page.next is not None:
                    circles.check(page.next)
                else:
                    circles = LoopGuard()  # the tokens of deleted records may be those of live ones
                if following is not None:
                    fetching = reading.fetch(following)
                    await asyncio.sleep(0)  # the request goes out before this page's records are worked on
                if channel.is_stale(self._clock.now()):
                    channel = await self._reopen(reading)
                messages = await self._messages(reading, channel, progress, page)
                results, held = await self._hand_over(reading, channel, messages)
                lines = _failed_records(reading.run, progress, page)
                progress = progress.after_page(following, records=len(page.records), failed=len(page.failed))
                await checkpoints.add(HandOver(progress, results, lines, last=following is None, held=held))
                if following is None:
                    await checkpoints.drain()
                    return
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)

    async def _hand_over(
        self, reading: Reading, channel: Channel, messages: list[Message]
    ) -> tuple[list[Result], list[Message]]:
        """What became of the messages, and those that are to be held."""
        if reading.holds:
            return [], messages
        return await self._delivery.attempt(channel, messages), []

    async def _messages(self, reading: Reading, channel: Channel, progress: Progress, page: Page) -> list[Message]:
        messages = []
        entry = reading.plan.deleted_entry if progress.place.deleted else reading.plan.entry
        at_most = reading.read_object.page_size if reading.holds else None
        for packed in pack(reading.envelope, progress.page, map(entry, page.records), at_most=at_most):
            if isinstance(packed, Large):
                payload = await self._delivery.store_payload(channel, packed.message_id, packed.content)
                messages.append(reading.envelope.message_by_link(packed.message_id, payload))
            else:
                messages.append(packed)
        return messages

    async def _reopen(self, reading: Reading) -> Channel:
        async with self._database.transaction() as session:
            return await self._delivery.open_channel(session, reading.run.project_id, reading.read_object.destination)


class _Commit:
    """Commits hand-overs of one reading: attempts, undelivered messages, checkpoint, and at the end the run's end."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        installations: InstallationService,
        operations: OperationService,
        delivery: DeliveryService,
        ender: Ender,
        reading: Reading,
    ) -> None:
        self._database = database
        self._engine = engine
        self._installations = installations
        self._operations = operations
        self._delivery = delivery
        self._ender = ender
        self._reading = reading
        self._reported = time.monotonic()

    async def __call__(self, handed_over: HandOver) -> None:
        """Commit in one transaction, fenced. Raises as `Reader.read`, `LeaseLost`, or `SpoolFull` after the commit."""
        run, progress = self._reading.run, handed_over.progress
        kept = bool(handed_over.held) or not all(result.delivered for result in handed_over.results)
        reports = handed_over.last or time.monotonic() - self._reported >= PROGRESS_SECONDS
        async with self._database.transaction() as session:
            # What is written of an operation locks its installation: that lock comes first, as it does for those who
            # change or delete installations, so that neither waits for the other in a circle.
            if (reports or handed_over.lines) and not await self._installations.keep(
                session, run.project_id, run.installation_id
            ):
                raise RunGone
            if not handed_over.last:
                await self._engine.fence(session, self._reading.job)
            await self._delivery.record(session, handed_over.results)
            if handed_over.held:
                await self._delivery.holds.add(session, run.project_id, self._reading.hold, handed_over.held)
            if kept:
                await self._require_kept(session)
            if not await ReadRepository(session).checkpoint(run.project_id, run.operation_id, progress):
                raise RunGone
            if reports:
                await self._report(session, progress)
            await self._operations.log(session, run.project_id, run.operation_id, handed_over.lines)
            if handed_over.last:
                await self._ender.succeed(session, self._reading.job, run, progress)
        if not handed_over.last and kept:
            await self._require_room()

    async def _report(self, session: AsyncSession, progress: Progress) -> None:
        self._reported = time.monotonic()
        run = self._reading.run
        await self._operations.report_progress(
            session, run.project_id, run.operation_id, processed=progress.records, estimated=progress.estimated
        )

    async def _require_kept(self, session: AsyncSession) -> None:
        """Messages are kept with their destination: had it been removed, they would be lost and the run go on."""
        name = self._reading.read_object.destination
        found = await self._delivery.open_channel(session, self._reading.run.project_id, name)
        if found.destination_id != self._reading.channel.destination_id:
            raise DestinationNotFound(name)

    async def _require_room(self) -> None:
        async with self._database.transaction() as session:
            if await is_full(session, self._delivery, self._reading):
                raise SpoolFull


async def is_full(session: AsyncSession, delivery: DeliveryService, reading: Reading) -> bool:
    """Whether too much waits, to be delivered or to be asked for, to read on."""
    channel = reading.channel
    if reading.holds and await delivery.holds.is_full(session, channel.project_id, reading.hold):
        return True
    return await delivery.spool_is_full(session, channel.project_id, channel.destination_id)


async def _estimated(reading: Reading) -> Progress:
    """The run's progress, with how many records a long read will bring where the provider tells."""
    run, progress = reading.run, reading.run.progress
    if run.read_type == "scheduled" or progress.page > 0:
        return progress
    try:
        return replace(progress, estimated=await reading.connector.count(reading.query))
    except ProviderError as error:
        if isinstance(decide(error, tries=0, restarts=0), Wait):
            raise
        log.info("read.no_estimate", error=str(error))  # the read itself will tell what is wrong, if it is
        return progress


def _failed_records(run: Run, progress: Progress, page: Page) -> list[LogLine]:
    return [
        LogLine(
            "WARNING",
            f"A record of {run.object_name} could not be read and was left out.",
            error=failed.reason,
            details={"page": str(progress.page), "place": str(failed.index)},
        )
        for failed in page.failed[:MAX_LOGGED_FAILURES]
    ]
