"""Removing operations that are old, with their logs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.kit.clock import Clock
from conjunct.queue import Done, Engine, Handler, Job, Outcome, Schedule

SWEEP = "operation.sweep"
BATCH = 2000

# Ids tell the order of time, so that the oldest rows are the first of the primary key and no index on time is needed.
# Rows that stay are passed once a sweep: the next batch begins after this one. The newest operation of an installation
# tells how it is doing. What somebody has locked is passed by, as its installation is just being deleted.
_SWEEP = text("""
with batch as (
    select id, create_time < :before as is_old from operation where id > :after order by id limit :size
),
removed as (
    delete from operation where id in (
        select old.id from operation old
        where old.id in (select id from batch where is_old) and old.status <> 'in_progress' and not old.lasting
            and exists (
                select from operation newer where newer.installation_id = old.installation_id and newer.id > old.id
            )
        for update of old skip locked
    )
    returning 1
)
select case when count(*) = :size and bool_and(is_old) then max(id) end, (select count(*) from removed) from batch
""")


@dataclass(frozen=True, slots=True)
class Swept:
    """How many operations were removed, and after which id there may be more; None when there are none."""

    removed: int
    last: str | None


async def sweep(session: AsyncSession, before: datetime, after: str = "") -> Swept:
    """Remove operations begun before that, of all projects, as upkeep has no tenant; a bounded number."""
    last, removed = (await session.execute(_SWEEP, {"before": before, "after": after, "size": BATCH})).one()
    return Swept(removed, last)


async def ensure_sweep(engine: Engine, session: AsyncSession) -> None:
    """Have the worker sweep once an hour."""
    await engine.put_schedule(session, Schedule("", SWEEP, SWEEP, SWEEP, SWEEP, "13 * * * *"))


def sweep_handler(database: Database, clock: Clock, kept: timedelta) -> dict[str, Handler]:
    """The handler of the sweep, by its kind. Each batch is a transaction, so that nobody waits for it."""

    async def handle(_job: Job) -> Outcome:
        before, after = clock.now() - kept, ""
        while True:
            async with database.transaction() as session:
                swept = await sweep(session, before, after)
            if swept.last is None:
                return Done()
            after = swept.last

    return {SWEEP: handle}
