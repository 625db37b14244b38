"""Recurring jobs: rows with a next moment, fired and set again in batches."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.queue import metrics
from conjunct.queue.cron import BadSchedule, next_moment, spread
from conjunct.queue.jobs import NewJob
from conjunct.queue.submission import CHANNEL, enqueue

FIRE_BATCH = 1000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that comes again and again; `key` is unique within the tenant.

    `cron` has five fields, read in `timezone` (an IANA name). It is due within the minute it names, at a second that
    is its own, so that schedules of one minute are spread over it. It makes nothing while its lane is not empty.
    """

    tenant: str
    key: str
    lane: str
    kind: str
    ref_id: str
    cron: str
    timezone: str = "UTC"

    def next_after(self, moment: datetime) -> datetime:
        """The first time later than `moment` at which it is due; raises `BadSchedule`."""
        return next_moment(self.cron, self.timezone, moment, offset=spread(f"{self.tenant}/{self.key}"))


# Putting the same schedule again, as every deploy does, must not move its next moment.
_PUT = text(f"""
with put as (
    insert into schedule (tenant, key, lane, kind, ref_id, cron, timezone, next_at)
    select * from unnest(
        cast(:tenants as text[]), cast(:keys as text[]), cast(:lanes as text[]), cast(:kinds as text[]),
        cast(:ref_ids as text[]), cast(:crons as text[]), cast(:timezones as text[]), cast(:next_ats as timestamptz[])
    )
    on conflict (tenant, key) do update
    set lane = excluded.lane, kind = excluded.kind, ref_id = excluded.ref_id, cron = excluded.cron,
        timezone = excluded.timezone,
        next_at = case
            when (schedule.cron, schedule.timezone) = (excluded.cron, excluded.timezone)
            then coalesce(schedule.next_at, excluded.next_at) else excluded.next_at
        end
    returning 1
)
select count(*), pg_notify('{CHANNEL}', 'delayed') from put
""")  # noqa: S608 - the channel is a constant

_DUE = text(f"""
select tenant, key, lane, kind, ref_id, cron, timezone, now() as moment,
    cast(extract(epoch from now() - next_at) as float8) as late
from schedule
where next_at <= now() order by next_at limit {FIRE_BATCH}
for no key update skip locked
""")  # noqa: S608 - a constant

_REARM = text("""
update schedule set next_at = due.next_at
from unnest(cast(:tenants as text[]), cast(:keys as text[]), cast(:next_ats as timestamptz[]))
    as due(tenant, key, next_at)
where schedule.tenant = due.tenant and schedule.key = due.key
""")


async def put_schedule(session: AsyncSession, *schedules: Schedule) -> None:
    """Add these schedules, or replace those of the same key; raises `BadSchedule`, and then none is put."""
    if not schedules:
        return
    moment: datetime = (await session.execute(text("select clock_timestamp()"))).scalar_one()
    by_key = {(schedule.tenant, schedule.key): schedule for schedule in schedules}
    await session.execute(
        _PUT,
        {
            "tenants": [schedule.tenant for schedule in by_key.values()],
            "keys": [schedule.key for schedule in by_key.values()],
            "lanes": [schedule.lane for schedule in by_key.values()],
            "kinds": [schedule.kind for schedule in by_key.values()],
            "ref_ids": [schedule.ref_id for schedule in by_key.values()],
            "crons": [schedule.cron for schedule in by_key.values()],
            "timezones": [schedule.timezone for schedule in by_key.values()],
            "next_ats": [schedule.next_after(moment) for schedule in by_key.values()],
        },
    )


async def remove_schedules(session: AsyncSession, tenant: str, keys: Collection[str]) -> int:
    """Remove the tenant's schedules of these keys; returns how many there were. Jobs already made stay."""
    removed = await session.scalars(
        text("delete from schedule where tenant = :tenant and key = any(cast(:keys as text[])) returning 1"),
        {"tenant": tenant, "keys": list(keys)},
    )
    return len(removed.all())


async def next_times(session: AsyncSession, tenant: str, keys: Collection[str]) -> dict[str, datetime]:
    """When the tenant's schedules of these keys are due next, of those that there are and that come again."""
    found = await session.execute(
        text(
            "select key, next_at from schedule "
            "where tenant = :tenant and key = any(cast(:keys as text[])) and next_at is not null"
        ),
        {"tenant": tenant, "keys": list(keys)},
    )
    return {row.key: row.next_at for row in found}


async def fire(session: AsyncSession) -> int:
    """Enqueue what is due and set its next moment; returns how many, `FIRE_BATCH` when there may be more.

    A schedule that missed moments, because no worker lived, fires once.
    """
    rows = (await session.execute(_DUE)).all()
    if not rows:
        return 0
    next_ats = [_rearmed(row) for row in rows]
    await enqueue(session, [NewJob(row.tenant, row.kind, row.ref_id, lane=row.lane, unique=True) for row in rows])
    await session.execute(
        _REARM,
        {
            "tenants": [row.tenant for row in rows],
            "keys": [row.key for row in rows],
            "next_ats": next_ats,
        },
    )
    for row in rows:
        metrics.LATE.observe(row.late)
    return len(rows)


def _rearmed(row: Row[Any]) -> datetime | None:
    schedule = Schedule(row.tenant, row.key, row.lane, row.kind, row.ref_id, row.cron, row.timezone)
    try:
        return schedule.next_after(row.moment)
    except BadSchedule as error:  # it was good when it was put: the time zone's rules have changed since
        log.error("schedule.bad", tenant=row.tenant, key=row.key, error=str(error))  # noqa: TRY400
        return None
