"""A worker process for the crash tests: `crashing_worker.py DSN`. Each job writes its attempt, then takes a while."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

import structlog
from sqlalchemy import text

from conjunct.core.database import Database
from conjunct.queue import Done, Job, Options, Outcome, PostgresEngine

OPTIONS = Options(
    slots=10,
    lease=timedelta(seconds=1.5),
    heartbeat=timedelta(seconds=0.3),
    poll=timedelta(seconds=0.2),
    drain=timedelta(seconds=5),
)


async def main(dsn: str) -> None:
    database = Database(dsn)
    engine = PostgresEngine(database, OPTIONS)

    async def effect(job: Job) -> Outcome:
        await asyncio.sleep(0.02)
        async with database.transaction() as session:
            await session.execute(
                text("insert into effect (ref_id, worker, attempts) values (:ref_id, :worker, :attempts)"),
                {"ref_id": job.ref_id, "worker": job.worker, "attempts": job.attempts},
            )
            await engine.finish(session, job)
        return Done()

    async def hang(_job: Job) -> Outcome:
        await asyncio.Event().wait()
        return Done()

    await engine.run_worker({"effect": effect, "hang": hang}, asyncio.Event())


structlog.configure(processors=[structlog.processors.LogfmtRenderer()])  # quick: no drawn tracebacks
asyncio.run(main(sys.argv[1]))
