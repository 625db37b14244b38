"""Removing the checkpoints of runs that have ended: what users see of a run is its operation."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.kit.clock import Clock
from conjunct.queue import Done, Engine, Handler, Job, Outcome, Schedule

SWEEP = "read.sweep"
BATCH = 5000
KEPT = timedelta(days=1)
"""For whoever looks into what a run did."""

# Ids tell the order of time, so that the oldest rows are the first of the primary key and no index on time is needed.
# What somebody has locked is passed by, as its installation is just being deleted.
_SWEEP = text("""
with batch as (
    select operation_id, create_time < :before as is_old from read_run
    where not active order by operation_id limit :size
),
removed as (
    delete from read_run where operation_id in (
        select operation_id from read_run
        where operation_id in (select operation_id from batch where is_old) for update skip locked
    )
    returning 1
)
select count(*) from removed
""")


async def sweep(session: AsyncSession, before: datetime) -> int:
    """Remove ended runs that began before that, of all projects, as upkeep has no tenant. Gives how many, bounded."""
    return int((await session.execute(_SWEEP, {"before": before, "size": BATCH})).scalar_one())


async def ensure_sweep(engine: Engine, session: AsyncSession) -> None:
    """Have the worker sweep once an hour."""
    await engine.put_schedule(session, Schedule("", SWEEP, SWEEP, SWEEP, SWEEP, "43 * * * *"))


def sweep_handler(database: Database, clock: Clock) -> dict[str, Handler]:
    """The handler of the sweep, by its kind. Each batch is a transaction, so that nobody waits for it."""

    async def handle(_job: Job) -> Outcome:
        before = clock.now() - KEPT
        while True:
            async with database.transaction() as session:
                removed = await sweep(session, before)
            if removed < BATCH:
                return Done()

    return {SWEEP: handle}
