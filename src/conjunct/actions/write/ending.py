"""How an attempt at an asynchronous write ends: it is done, waits, or is given up."""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.write.deadlines import wait_after
from conjunct.actions.write.notices import WriteNotices
from conjunct.actions.write.repository import WriteRepository
from conjunct.actions.write.results import Results
from conjunct.actions.write.store import Kept
from conjunct.actions.write.telling import WriteOutcome, repeats_line, written_line
from conjunct.connectors import ProviderError
from conjunct.core.database import Database
from conjunct.core.problems import Problem
from conjunct.installations import InstallationService
from conjunct.kit.clock import Clock
from conjunct.operations import LogLine, OperationService
from conjunct.queue import Done, Engine, Job, Outcome, Retry

OVER = "Its deadline is over."
MOST_TOLD = 100
"""Records that the log of an asynchronous write tells of one by one: nothing else does."""

SELDOM = 10
"""From so many waits on, the log tells of every so many only."""

log = structlog.get_logger(__name__)


class Ender:
    """Records what became of attempts."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        installations: InstallationService,
        operations: OperationService,
        notices: WriteNotices,
        clock: Clock,
    ) -> None:
        self._database = database
        self._engine = engine
        self._installations = installations
        self._operations = operations
        self._notices = notices
        self._clock = clock

    async def wait_or_end(
        self, job: Job, kept: Kept, results: Results, error: ProviderError | Problem | None, *, is_try: bool = True
    ) -> Outcome:
        """Have the rest tried again when that may help, within the deadline; else end it.

        Without an error, records have faults that pass. With `is_try`, the attempt counts.
        """
        left = kept.deadline - self._clock.now()
        delay = wait_after(error, tries=kept.tries, left=left)
        reason = results.trouble if error is None else str(error)
        if delay is None:
            return await self.end(job, kept, results, reason)
        return await self._wait(job, kept, reason, delay, is_try=is_try)

    async def wait(self, job: Job, kept: Kept, results: Results, reason: str, delay: timedelta) -> Outcome:
        """Have a write wait that was not even begun; or end it when the deadline comes first."""
        if delay >= kept.deadline - self._clock.now():
            return await self.end(job, kept, results, reason)
        return await self._wait(job, kept, reason, delay, is_try=False)

    async def _wait(self, job: Job, kept: Kept, reason: str | None, delay: timedelta, *, is_try: bool) -> Outcome:
        tries = kept.tries + 1
        async with self._database.transaction() as session:
            if not await self._installations.keep(session, kept.project_id, kept.installation_id):
                return Done()
            await self._engine.fence(session, job)
            await WriteRepository(session).change(kept.project_id, kept.operation_id, tries=tries)
            if is_try:
                await self._operations.report_retry(
                    session, kept.project_id, kept.operation_id, attempts=tries, at=self._clock.now()
                )
            if tries <= SELDOM or tries % SELDOM == 0:
                said = f"Not all is written yet; the rest is tried again in {delay.total_seconds():.0f} s."
                line = LogLine("WARNING", said, error=reason, details={"deadline": kept.deadline.isoformat()})
                await self._operations.log(session, kept.project_id, kept.operation_id, [line])
        log.info("write.waits", reason=reason, seconds=round(delay.total_seconds(), 1), tries=tries)
        return Retry(delay, reason or "some records were not written", counted=False)

    async def end(self, job: Job, kept: Kept, results: Results, reason: str | None = None) -> Outcome:
        """End the write, for that reason if not all is done; the job and what is kept of it go in the transaction."""
        async with self._database.transaction() as session:
            is_there = await self._installations.keep(session, kept.project_id, kept.installation_id)
            await self._engine.finish(session, job)
            if is_there:
                await self.record_end(session, kept, results, reason)
        return Done()

    async def record_end(self, session: AsyncSession, kept: Kept, results: Results, reason: str | None) -> None:
        """Tell what became of a write, and forget what it was; once. Its installation must be kept."""
        if not await WriteRepository(session).remove(kept.project_id, kept.operation_id):
            return
        results = results.ended(reason)
        is_done = all(written.success for written in results.written)
        outcome = WriteOutcome(
            kept.request.type, kept.request.batch is not None, results.written, None if is_done else results.trouble
        )
        lines = [*outcome.log_lines(MOST_TOLD), *written_line(outcome), *repeats_line(results.repeated)]
        await self._operations.log(session, kept.project_id, kept.operation_id, lines)
        await self._operations.finish(
            session,
            kept.project_id,
            kept.operation_id,
            status="success" if outcome.succeeded else "failure",
            result=outcome.summary(kept.object_name),
        )
        await self._notices.ended(session, kept, outcome)
        log.info("write.ended", done=outcome.done, records=len(outcome.results), repeated=len(results.repeated))
