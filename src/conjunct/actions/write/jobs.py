"""The write action's jobs: `write.run` does a write, `write.gathered` closes a batch, `write.sweep` ends what is over.

The sweep is for writes that nothing else ends: synchronous ones whose process was killed, asynchronous ones that wait
behind others beyond their deadline, or whose job is gone.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.write.accepting import GATHERED, RUN, Acceptor
from conjunct.actions.write.ending import OVER, Ender
from conjunct.actions.write.repository import WriteRepository
from conjunct.actions.write.runner import Runner
from conjunct.actions.write.store import WriteStore
from conjunct.core.database import Database
from conjunct.installations import InstallationService
from conjunct.kit.clock import Clock
from conjunct.operations import LogLine, OperationService
from conjunct.queue import Done, Engine, Handler, Job, Outcome, Schedule

SWEEP = "write.sweep"
BATCH = 100

GRACE = timedelta(minutes=1)
"""How long after a deadline whoever has it to keep may still do so."""

LONGEST_ATTEMPT = timedelta(hours=2)
"""A write that seems to run for so long beyond its deadline has lost its job."""

CUT_OFF = "Its process ended before the provider's answer was heard; it is not known what was written."


async def ensure_sweep(engine: Engine, session: AsyncSession) -> None:
    """Have the worker sweep once a minute."""
    await engine.put_schedule(session, Schedule("", SWEEP, SWEEP, SWEEP, SWEEP, "* * * * *"))


class WriteJobs:
    """Handlers of the write action's jobs."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        installations: InstallationService,
        operations: OperationService,
        acceptor: Acceptor,
        store: WriteStore,
        runner: Runner,
        ender: Ender,
        clock: Clock,
    ) -> None:
        self._database = database
        self._engine = engine
        self._installations = installations
        self._operations = operations
        self._acceptor = acceptor
        self._store = store
        self._runner = runner
        self._ender = ender
        self._clock = clock

    def handlers(self) -> dict[str, Handler]:
        """The handlers by job kind."""
        return {RUN: self._runner.run, GATHERED: self._gathered, SWEEP: self._sweep}

    async def _gathered(self, job: Job) -> Outcome:
        async with self._database.transaction() as session:
            await self._engine.fence(session, job)
            await self._close(session, job.tenant, job.ref_id)
        return Done()

    async def _close(self, session: AsyncSession, project_id: str, operation_id: str) -> None:
        batch = await WriteRepository(session).run(project_id, operation_id)
        if batch is not None and batch.state == "gathering":
            await self._acceptor.close(session, batch)

    async def _sweep(self, _job: Job) -> Outcome:
        before, after = self._clock.now() - GRACE, ""
        while True:
            async with self._database.transaction() as session:
                found = await WriteRepository(session).overdue(before, after=after, limit=BATCH)
            for row in found:
                async with self._database.transaction() as session:
                    await self._end_overdue(session, row.project_id, row.installation_id, row.operation_id)
            if len(found) < BATCH:
                return Done()
            after = found[-1].operation_id

    async def _end_overdue(
        self, session: AsyncSession, project_id: str, installation_id: str, operation_id: str
    ) -> None:
        if not await self._installations.keep(session, project_id, installation_id):
            return
        row = await WriteRepository(session).run(project_id, operation_id)
        now = self._clock.now()
        if row is None or row.deadline >= now - GRACE:
            return
        if row.state == "gathering":
            await self._acceptor.close(session, row)
        elif row.state == "synchronous":
            await self._end_cut_off(session, project_id, operation_id, row.object_name)
        elif await self._is_idle(session, project_id, operation_id) or row.deadline < now - LONGEST_ATTEMPT:
            kept = await self._store.load(session, project_id, operation_id)
            if kept is not None:
                results = kept.results.lost(kept.sending)
                await self._ender.record_end(session, kept, results, results.trouble or OVER)

    async def _is_idle(self, session: AsyncSession, project_id: str, operation_id: str) -> bool:
        """Whether its job does not run; it is taken away then."""
        return await self._engine.cancel(session, tenant=project_id, kind=RUN, ref_ids=[operation_id]) > 0

    async def _end_cut_off(self, session: AsyncSession, project_id: str, operation_id: str, object_name: str) -> None:
        await self._operations.log(session, project_id, operation_id, [LogLine("ERROR", CUT_OFF)])
        await self._operations.finish(
            session, project_id, operation_id, status="failure", result=f"[{object_name}] {CUT_OFF}"
        )
        await WriteRepository(session).remove(project_id, operation_id)
