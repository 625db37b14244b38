"""The transaction in which what was handed over counts."""

from __future__ import annotations

import time

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.read.checkpoints import HandOver
from conjunct.actions.read.ending import Ender
from conjunct.actions.read.reading import Reading, RunGone, require_way
from conjunct.actions.read.repository import ReadRepository
from conjunct.actions.read.runs import Progress
from conjunct.core.database import Database
from conjunct.delivery import DeliveryService, DestinationNotFound
from conjunct.installations import InstallationService
from conjunct.kit.clock import Clock
from conjunct.operations import OperationService
from conjunct.queue import Engine

PROGRESS_SECONDS = 1.0


class Commit:
    """Commits hand-overs of one reading: attempts, undelivered messages, checkpoint, and at the end the run's end."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        installations: InstallationService,
        operations: OperationService,
        delivery: DeliveryService,
        ender: Ender,
        clock: Clock,
        reading: Reading,
    ) -> None:
        self._database = database
        self._engine = engine
        self._installations = installations
        self._operations = operations
        self._delivery = delivery
        self._ender = ender
        self._clock = clock
        self._reading = reading
        self._reported = time.monotonic()

    async def __call__(self, handed_over: HandOver) -> None:
        """Commit in one transaction, fenced. Raises as `Reader.read`, `LeaseLost`, or `Blocked` after the commit."""
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
            repository = ReadRepository(session)
            now, last = self._clock.now(), handed_over.last
            if not await repository.checkpoint(run.project_id, run.operation_id, progress, now, last=last):
                raise RunGone
            if reports and not last:
                await self._report(session, progress)
            await self._operations.log(session, run.project_id, run.operation_id, handed_over.lines)
            if handed_over.last:
                await self._ender.succeed(session, self._reading.job, run, progress)
        if not handed_over.last and kept:
            await self._require_way()

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

    async def _require_way(self) -> None:
        async with self._database.transaction() as session:
            await require_way(session, self._delivery, self._reading)
