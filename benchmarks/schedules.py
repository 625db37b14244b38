"""What 100,000 schedules cost: all due at once, and none due."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from sqlalchemy import text

from benchmarks.jobs import OPTIONS, PROCESSES, processes, scratch, until, workers_present
from benchmarks.report import Row
from conjunct.core.database import Database
from conjunct.queue import Done, Job, Outcome, PostgresEngine, Schedule
from conjunct.queue.submission import CHANNEL

SCHEDULES = 100_000
TENANTS = 1000
IDLE_SECONDS = 10
START_BUDGET = 10
IDLE_BUDGET = 0.01


async def run(database_url: str) -> list[Row]:
    """Measure on a database of its own on that server."""
    async with scratch(database_url) as database:
        bare = await _put(database)
        idle = await _idle(database)
        started = await _all_due(database)
    return [
        Row(
            path=f"{SCHEDULES:,} schedules due at once, till all have run",
            measured=f"{started:.1f} s",
            baseline=f"{bare:.1f} s (insert as many rows into the table of jobs, and delete them)",
            ratio=bare / started,
            budget=f"≤ {START_BUDGET} s",
            ok=started <= START_BUDGET,
        ),
        Row(
            path=f"an idle worker with {SCHEDULES:,} schedules, with its share of Postgres",
            measured=f"{idle:.2%} of a core",
            baseline="",
            ratio=None,
            budget=f"≤ {IDLE_BUDGET:.0%}",
            ok=idle <= IDLE_BUDGET,
        ),
    ]


async def _put(database: Database) -> float:
    """Put the schedules; returns how many seconds the database needs for bare rows of their jobs."""
    engine = PostgresEngine(database)
    for first in range(0, SCHEDULES, 10_000):
        async with database.transaction() as session:
            await engine.put_schedule(
                session,
                *[
                    Schedule(f"p{n % TENANTS}", f"s{n}", f"p{n % TENANTS}/s{n}", "bench.nothing", str(n), "0 0 1 1 *")
                    for n in range(first, first + 10_000)
                ],
            )
    start = time.perf_counter()
    async with database.transaction() as session:
        await session.execute(
            text(
                "insert into job (tenant, lane, kind, ref_id, state, max_attempts) "
                "select tenant, lane, kind, ref_id, 'ready', 1 from schedule"
            )
        )
    async with database.transaction() as session:
        await session.execute(text("delete from job"))
    return time.perf_counter() - start


async def _idle(database: Database) -> float:
    """The share of a core that one worker and its connections use while nothing is due."""
    with processes(_work, database.dsn, 1) as pids:
        await workers_present(database, 1)
        await asyncio.sleep(1)
        async with database.transaction() as session:
            backends = await session.scalars(
                text(
                    "select pid from pg_stat_activity "
                    "where application_name in ('conjunct-worker', 'conjunct-listener') "
                    "and datname = current_database()"
                )
            )
        measured = [*pids, *(pid for pid in backends if _is_postgres(pid))]
        before, start = sum(map(_cpu_seconds, measured)), time.perf_counter()
        await asyncio.sleep(IDLE_SECONDS)
        used, passed = sum(map(_cpu_seconds, measured)) - before, time.perf_counter() - start
    async with database.transaction() as session:
        await session.execute(text("truncate worker"))
    return used / passed


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process of this machine (Linux); raises `OSError` when it has ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _is_postgres(pid: int) -> bool:
    """Whether the backend runs on this machine; elsewhere its share cannot be seen."""
    name = Path(f"/proc/{pid}/comm")
    return name.exists() and name.read_text().startswith("postgres")


async def _all_due(database: Database) -> float:
    """Seconds from the moment that all are due until each has made its job and the job has run."""
    with processes(_work, database.dsn, PROCESSES) as _:
        await workers_present(database, PROCESSES)
        async with database.transaction() as session:
            await session.execute(text("update schedule set next_at = now()"))
            # Workers sleep until the next moment that they know of; here it has changed behind their backs.
            await session.execute(text(f"select pg_notify('{CHANNEL}', 'delayed')"))
        start = time.perf_counter()
        await until(
            database,
            "select not exists (select from schedule where next_at <= now()) and not exists (select from job)",
        )
        return time.perf_counter() - start


async def _work(dsn: str) -> None:
    database = Database(dsn, pool_size=2)

    async def nothing(_job: Job) -> Outcome:
        return Done()

    await PostgresEngine(database, OPTIONS).run_worker({"bench.nothing": nothing}, asyncio.Event())
