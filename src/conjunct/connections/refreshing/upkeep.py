"""Upkeep of tokens: those in use are renewed ahead of their end, those that die unused are kept alive.

Once a minute a sweep looks for what is due by the next one, and has a job of the connection's own project renew it: a
project with many connections takes its fair share of the workers and no more.
"""

from __future__ import annotations

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.problems import ConnectionNotFound, RefreshNotPossible
from conjunct.connections.refreshing.due import BATCH, DueRenewals
from conjunct.connections.refreshing.refresher import Refresher
from conjunct.core.database import Database
from conjunct.core.problems import Problem
from conjunct.queue import Done, Engine, Handler, Job, NewJob, Outcome, Schedule

SWEEP = "connection.sweep"
REFRESH = "connection.refresh"

log = structlog.get_logger(__name__)


async def ensure_renewals(engine: Engine, session: AsyncSession) -> None:
    """Have the worker look every minute for what is due."""
    await engine.put_schedule(session, Schedule("", SWEEP, SWEEP, SWEEP, SWEEP, "* * * * *"))


def renewal_handlers(database: Database, engine: Engine, refresher: Refresher) -> dict[str, Handler]:
    """The handlers of the sweep and of one connection's renewal, by their kinds."""
    renewals = _Renewals(database, engine, refresher)
    return {SWEEP: renewals.sweep, REFRESH: renewals.refresh}


class _Renewals:
    def __init__(self, database: Database, engine: Engine, refresher: Refresher) -> None:
        self._database = database
        self._engine = engine
        self._refresher = refresher

    async def sweep(self, _job: Job) -> Outcome:
        """Store answers that were left in files, and enqueue what is due."""
        refresher = self._refresher
        await refresher.recover(self._database)
        await refresher.files.sweep(refresher.clock.now() - refresher.times.files_kept)
        by, after, due = refresher.clock.now() + refresher.times.horizon, "", [("", "")] * BATCH
        while len(due) == BATCH:
            async with self._database.transaction() as session:
                due = list(await DueRenewals(session).page(by, after))
                await self._engine.enqueue(session, [_job_of(*each) for each in due])
            after = due[-1][1] if due else after
        async with self._database.transaction() as session:
            await DueRenewals(session).tidy()
        return Done()

    async def refresh(self, job: Job) -> Outcome:
        """Renew one connection's credentials, if they still are due.

        What cannot be done now is due again later, as is written where it failed.
        """
        refresher = self._refresher
        by = refresher.clock.now() + refresher.times.horizon
        async with self._database.reading() as reading:
            version = await DueRenewals(reading).version(job.tenant, job.ref_id, by)
        if version is None:
            return Done()
        try:
            await refresher.renew(self._database, job.tenant, job.ref_id, version)
        except RefreshNotPossible:
            async with self._database.transaction() as session:
                await DueRenewals(session).never(job.tenant, job.ref_id, version)
        except ConnectionNotFound:
            pass
        except Problem as problem:
            log.info("connection.not_refreshed", connection_id=job.ref_id, problem=problem.slug)
        return Done()


def _job_of(project_id: str, connection_id: str) -> NewJob:
    lane = f"{project_id}:{REFRESH}:{connection_id}"
    return NewJob(project_id, REFRESH, connection_id, lane=lane, max_attempts=1, unique=True)
