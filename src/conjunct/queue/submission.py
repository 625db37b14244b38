"""Putting jobs in, and taking them out again before they run; always on the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.queue import lanes
from conjunct.queue.jobs import NewJob
from conjunct.queue.models import JobRow

CHANNEL = "conjunct_queue"
"""Notifications say what there is to do: `ready` (claim) or `delayed` (look at the clock)."""

_ENQUEUE = text(f"""
with new as materialized (
    select n.*, row_number() over (partition by n.lane order by n.place) as turn
    from unnest(
        cast(:tenants as text[]), cast(:lanes as text[]), cast(:kinds as text[]), cast(:ref_ids as text[]),
        cast(:run_ats as timestamptz[]), cast(:max_attempts as int[]), cast(:uniques as bool[])
    ) with ordinality as n(tenant, lane, kind, ref_id, run_at, max_attempts, is_unique, place)
),
front as (
    insert into job (tenant, lane, kind, ref_id, state, run_at, max_attempts)
    select tenant, lane, kind, ref_id, case when run_at > now() then 'delayed' else 'ready' end,
        coalesce(run_at, now()), max_attempts
    from new
    where lane is null
        or (turn = 1 and not exists (select from job w where w.lane = new.lane and w.state = 'waiting'))
    order by place
    on conflict (lane) where lane is not null and state in ('ready', 'yielded', 'running', 'delayed') do nothing
    returning lane, state
),
behind as (
    insert into job (tenant, lane, kind, ref_id, state, run_at, max_attempts)
    select tenant, lane, kind, ref_id, 'waiting', coalesce(run_at, now()), max_attempts
    from new
    where lane is not null and not is_unique
        and not (turn = 1 and lane in (select lane from front where lane is not null))
    order by place
    returning id
),
told as (
    select pg_notify('{CHANNEL}', state) from (select distinct state from front) states
)
select (select count(*) from front) + (select count(*) from behind), (select count(*) from told)
""")  # noqa: S608 - the channel is a constant


_HASTEN = text(f"""
with hastened as (
    update job set state = 'ready', run_at = now()
    where tenant = :tenant and ref_id = :ref_id and kind = :kind and state = 'delayed'
    returning id
)
select count(*), pg_notify('{CHANNEL}', 'ready') from hastened
""")  # noqa: S608 - the channel is a constant


async def enqueue(session: AsyncSession, jobs: Sequence[NewJob]) -> int:
    """Add the jobs when the session's transaction commits; returns how many, without the unique ones skipped."""
    if not jobs:
        return 0
    shared = [job.lane for job in jobs if job.lane is not None and not job.unique]  # a unique job never waits
    if shared:
        await lanes.share(session, shared)
    result = await session.execute(
        _ENQUEUE,
        {
            "tenants": [job.tenant for job in jobs],
            "lanes": [job.lane for job in jobs],
            "kinds": [job.kind for job in jobs],
            "ref_ids": [job.ref_id for job in jobs],
            "run_ats": [job.run_at for job in jobs],
            "max_attempts": [job.max_attempts for job in jobs],
            "uniques": [job.unique for job in jobs],
        },
    )
    return int(result.scalar_one())


async def cancel(
    session: AsyncSession,
    *,
    tenant: str,
    kind: str | None = None,
    lane: str | None = None,
    ref_ids: Collection[str] | None = None,
) -> int:
    """Remove the tenant's jobs that do not run yet and match all that is given; returns how many."""
    matching = [JobRow.tenant == tenant]
    if kind is not None:
        matching.append(JobRow.kind == kind)
    if lane is not None:
        matching.append(JobRow.lane == lane)
    if ref_ids is not None:
        matching.append(JobRow.ref_id.in_(ref_ids))
    # Each branch is written as its index has it, so that neither reads the whole table.
    ready = select(JobRow.id).where(text("state = 'ready'"), *matching)
    yielded = select(JobRow.id).where(text("state = 'yielded'"), *matching)
    held = select(JobRow.id).where(text("state in ('delayed', 'waiting')"), *matching)
    found = union_all(ready, yielded, held).subquery()
    removed = await session.scalars(
        delete(JobRow)
        .where(JobRow.id.in_(select(found.c.id)), text("state in ('ready', 'yielded', 'delayed', 'waiting')"))
        .returning(JobRow.lane)
        .execution_options(synchronize_session=False)
    )
    gone = removed.all()
    await lanes.promote(session, (name for name in gone if name is not None))
    return len(gone)


async def hasten(session: AsyncSession, *, tenant: str, kind: str, ref_id: str) -> int:
    """Let the tenant's delayed jobs on this row run now instead of later; returns how many. They keep their lanes."""
    return int((await session.execute(_HASTEN, {"tenant": tenant, "kind": kind, "ref_id": ref_id})).scalar_one())
