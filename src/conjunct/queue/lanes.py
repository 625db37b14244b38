"""Lanes: who enters an empty lane, and who comes next when its front is gone.

Whoever puts a job behind a lane's front holds the lane's lock shared until commit; whoever promotes the next job
takes it exclusively, and never waits for it. So a promotion never overlooks a job whose transaction is about to
commit, and a long transaction that enqueued holds nobody up: the worker that could not promote tries again, and a
sweep finds the lanes of workers that died in between.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_SHARE = text("""
select pg_advisory_xact_lock_shared(hashtextextended(lane, 7))
from (select unnest(cast(:lanes as text[])) as lane order by 1) lanes
""")

_TRY = text("""
select lane from unnest(cast(:lanes as text[])) as lane
where pg_try_advisory_xact_lock(hashtextextended(lane, 7))
""")

_PROMOTE = text("""
update job
set state = case when job.run_at > now() then 'delayed' else 'ready' end, run_at = greatest(job.run_at, now())
from (
    select (
        select next.id from job next where next.lane = free.lane and next.state = 'waiting' order by next.id limit 1
    ) as id
    from unnest(cast(:lanes as text[])) as free(lane)
    where not exists (
        select from job front where front.lane = free.lane and front.state in ('ready', 'yielded', 'running', 'delayed')
    )
) next
where job.id = next.id and job.state = 'waiting'
""")

_STRANDED = text("""
with recursive lanes as (
    (select lane from job where state = 'waiting' order by lane limit 1)
    union all
    select (select job.lane from job where job.state = 'waiting' and job.lane > lanes.lane order by job.lane limit 1)
    from lanes where lanes.lane is not null
)
select lane from lanes
where lane is not null and not exists (
    select from job front where front.lane = lanes.lane and front.state in ('ready', 'yielded', 'running', 'delayed')
)
limit 200
""")


async def share(session: AsyncSession, lanes: Iterable[str]) -> None:
    """Keep these lanes from being promoted until this transaction ends."""
    await session.execute(_SHARE, {"lanes": sorted(set(lanes))})


async def promote(session: AsyncSession, lanes: Iterable[str]) -> set[str]:
    """Let the oldest waiting job of every lane without a front go ahead.

    Returns the lanes that could not be looked at, because a transaction that enqueues on them is still open.
    """
    wanted = sorted(set(lanes))
    if not wanted:
        return set()
    # Two statements, since a statement does not see what was committed after it began, while it got its locks.
    free = list((await session.scalars(_TRY, {"lanes": wanted})).all())
    await session.execute(_PROMOTE, {"lanes": free})
    return set(wanted).difference(free)


async def promote_stranded(session: AsyncSession) -> None:
    """Promote in lanes whose front was finished by a process that died before it could promote the next."""
    await promote(session, (await session.scalars(_STRANDED)).all())
