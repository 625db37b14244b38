"""Removing kept messages: those whose time is over, and the oldest where there are too many bytes of them.

What is removed is noted in the feed, so that a reader who has not come so far is told.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.delivery import kept
from conjunct.delivery.destinations import destination_type
from conjunct.kit.clock import Clock
from conjunct.queue import Done, Handler, Job, Outcome

BATCH = 5000

# Upkeep has no tenant.
_FEEDS_WITH_UNPLACED = text("""
select d.project_id, d.id from destination d
where exists (
    select from delivery_kept k where k.project_id = d.project_id and k.destination_id = d.id and k.place is null
)
order by d.id
""")

# A message's time is over by what its destination asks for now.
_FEEDS_WITH_EXPIRED = text("""
select d.project_id, d.id, d.before from (
    select project_id, id, cast(:now as timestamptz) - make_interval(hours => keep_hours) as before from destination
) d
where (
    select k.create_time <= d.before from delivery_kept k
    where k.project_id = d.project_id and k.destination_id = d.id and k.place is not null
    order by k.place limit 1
)
order by d.id
""")

# Only from the beginning of the feed on, so that nothing is left before a place that was removed.
_REMOVE_EXPIRED = text("""
with oldest as (
    select id, place, create_time from delivery_kept
    where project_id = :project_id and destination_id = :destination_id and place is not null
    order by place limit :batch
),
expired as (
    select id from (
        select id, bool_and(create_time <= :before) over (order by place) as is_over from oldest
    ) each_one
    where is_over
),
removed as (
    delete from delivery_kept where project_id = :project_id and id in (select id from expired)
    returning place
),
noted as (
    update delivery_feed set removed_place = greatest(removed_place, (select max(place) from removed))
    where destination_id = :destination_id and exists (select from removed)
)
select count(*) from removed
""")

# The index on places has the sizes.
_FEEDS_WITH_TOO_MUCH = text("""
select k.project_id, k.destination_id, k.bytes - :limit_bytes as excess, d.type from (
    select project_id, destination_id, sum(size) as bytes from delivery_kept where place is not null
    group by project_id, destination_id
) k
join destination d on d.project_id = k.project_id and d.id = k.destination_id
where k.bytes > :limit_bytes
order by k.destination_id
""")

_REMOVE_OLDEST = text("""
with removed as (
    delete from delivery_kept where (project_id, id) in (
        select project_id, id from (
            select project_id, id, sum(size) over (order by place) - size as before from delivery_kept
            where project_id = :project_id and destination_id = :destination_id and place <= :up_to
        ) oldest
        where before < :excess
    )
    returning place
)
update delivery_feed set removed_place = greatest(removed_place, (select max(place) from removed))
where destination_id = :destination_id and exists (select from removed)
""")


def sweep_handler(database: Database, clock: Clock, limit_bytes: int) -> Handler:
    """The handler that does all of it, in small transactions."""

    async def handle(_job: Job) -> Outcome:
        await place_all(database)
        while True:
            async with database.transaction() as session:
                if await remove_expired(session, clock.now()) == 0:
                    break
        async with database.transaction() as session:
            await trim(session, limit_bytes)
        return Done()

    return handle


async def place_all(database: Database) -> None:
    """Give places to all messages: only what has one is removed, and most feeds of webhooks nobody pulls."""
    async with database.transaction() as session:
        feeds = (await session.execute(_FEEDS_WITH_UNPLACED)).all()
    for project_id, destination_id in feeds:
        more = True
        while more:
            async with database.transaction() as session:
                more = await kept.place_new(session, project_id, destination_id)


async def remove_expired(session: AsyncSession, now: datetime) -> int:
    """Remove some of the messages whose time is over, of all projects; how many."""
    count = 0
    for project_id, destination_id, before in (await session.execute(_FEEDS_WITH_EXPIRED, {"now": now})).all():
        await kept.lock_feed(session, project_id, destination_id)
        values = {"project_id": project_id, "destination_id": destination_id, "before": before, "batch": BATCH}
        count += int(await session.scalar(_REMOVE_EXPIRED, values) or 0)
    return count


async def trim(session: AsyncSession, limit_bytes: int) -> None:
    """Remove the oldest messages of feeds that have more bytes than the limit.

    Where nothing is sent, only what a reader has gone on from: its producers wait for the rest to be pulled.
    """
    for project_id, destination_id, excess, type_name in (
        await session.execute(_FEEDS_WITH_TOO_MUCH, {"limit_bytes": limit_bytes})
    ).all():
        feed = await kept.lock_feed(session, project_id, destination_id)
        up_to = feed.last_place if destination_type(type_name).pushes else feed.pulled_place
        values = {"project_id": project_id, "destination_id": destination_id, "up_to": up_to, "excess": excess}
        await session.execute(_REMOVE_OLDEST, values)
