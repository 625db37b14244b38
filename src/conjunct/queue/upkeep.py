"""What any worker does for all: release delayed jobs, take over from dead workers, clear away what is old."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.queue import lanes
from conjunct.queue.jobs import Job
from conjunct.queue.submission import CHANNEL

STAGE_BATCH = 2000

_STAGE = text(f"""
with due as (
    select id from job where state = 'delayed' and run_at <= now() order by run_at limit {STAGE_BATCH}
    for update skip locked
),
staged as (
    update job set state = 'ready' from due where job.id = due.id returning job.id
),
told as (select pg_notify('{CHANNEL}', 'ready') where exists (select from staged))
select (select count(*) from staged), (select count(*) from told)
""")  # noqa: S608 - constants

_REAP = text("""
with lost as (
    select id, worker, attempts >= max_attempts as hopeless from job
    where state = 'running' and lease_until < now()
    limit 500 for update skip locked
)
update job
set state = case when hopeless then 'dead' else 'ready' end,
    ended_at = case when hopeless then now() end,
    error = 'worker ' || lost.worker || ' stopped in the middle of attempt ' || job.attempts,
    worker = null, lease_until = null
from lost where job.id = lost.id
returning job.id, job.tenant, job.kind, job.ref_id, job.lane, job.state, lost.worker
""")

_NEXT_DUE = text("""
select cast(extract(epoch from least(
    (select min(run_at) from job where state = 'delayed'), (select min(next_at) from schedule)
) - clock_timestamp()) as float8)
""")

# A job that its own handler's transaction has locked is passed by, not waited for; the next beat has it.
_EXTEND = text("""
with held as (
    select id from job where id = any(cast(:ids as bigint[])) and worker = :worker and state = 'running'
    order by id for no key update skip locked
)
update job set lease_until = now() + cast(:lease as interval) from held where job.id = held.id
""")

_LOST = text("""
select job.id, held.attempts
from unnest(cast(:ids as bigint[]), cast(:attempts as int[])) as held(id, attempts)
join job on job.id = held.id
where job.worker is distinct from :worker or job.attempts <> held.attempts or job.state <> 'running'
""")

_PRESENT = text("""
insert into worker (id, host, pid) values (:id, :host, :pid)
on conflict (id) do update set beat_at = now()
""")

_PURGE = text("""
with old as (
    select id from job where state = 'dead' and ended_at < now() - cast(:kept as interval)
    order by ended_at limit 1000 for update skip locked
),
gone as (delete from worker where beat_at < now() - cast(:forgotten as interval))
delete from job using old where job.id = old.id
""")


async def stage(session: AsyncSession) -> int:
    """Make delayed jobs ready whose time has come; returns how many, `STAGE_BATCH` when there may be more."""
    return int((await session.execute(_STAGE)).scalar_one())


async def reap(session: AsyncSession) -> Sequence[RowMapping]:
    """Take jobs from workers whose lease has run out: ready again, or dead after the last attempt; returns them."""
    rows = (await session.execute(_REAP)).mappings().all()
    await lanes.promote(session, [row["lane"] for row in rows if row["state"] == "dead" and row["lane"] is not None])
    return rows


async def next_due(session: AsyncSession) -> float | None:
    """Seconds until the next delayed job or schedule is due; negative when it is overdue, None without any."""
    seconds: float | None = await session.scalar(_NEXT_DUE)
    return seconds


async def beat(session: AsyncSession, worker: str, held: Sequence[Job], lease: timedelta) -> list[tuple[int, int]]:
    """Say that the worker lives and keep its jobs; returns (id, attempts) of those that others have taken over.

    A job that is gone altogether is not among them: its own handler may have just finished it.
    """
    await session.execute(_PRESENT, {"id": worker, "host": socket.gethostname(), "pid": os.getpid()})
    if not held:
        return []
    ids, attempts = [job.id for job in held], [job.attempts for job in held]
    await session.execute(_EXTEND, {"ids": ids, "worker": worker, "lease": lease})
    lost = await session.execute(_LOST, {"ids": ids, "attempts": attempts, "worker": worker})
    return [(row.id, row.attempts) for row in lost]


async def leave(session: AsyncSession, worker: str) -> None:
    """Take the worker off the list."""
    await session.execute(text("delete from worker where id = :id"), {"id": worker})


async def purge(session: AsyncSession, *, dead_kept: timedelta, workers_forgotten: timedelta) -> None:
    """Remove dead jobs and dead workers that are older than that."""
    await session.execute(_PURGE, {"kept": dead_kept, "forgotten": workers_forgotten})


async def last_heartbeat(session: AsyncSession) -> datetime | None:
    """When any worker was last known to live; None when there is none. For readiness checks."""
    moment: datetime | None = await session.scalar(text("select max(beat_at) from worker"))
    return moment


async def count_workers(session: AsyncSession, heard_within: timedelta) -> int:
    """How many workers were known to live not longer ago than that."""
    statement = text("select count(*) from worker where beat_at > now() - cast(:within as interval)")
    return int(await session.scalar(statement, {"within": heard_within}) or 0)
