"""Taking jobs to run: at most a tenant's share, every tenant in turn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.queue import metrics
from conjunct.queue.jobs import Job

_LOCK_CLASS = 0x434A  # "CJ": the two-number advisory locks of claims

_LOCK = text("select pg_advisory_xact_lock(:lock_class, :shard)")

# One walk over the tenants that have ready jobs: as many tenants below their cap as there are jobs to claim, from
# where the last claim ended. Each gives an equal share, so the work is bounded by `size` whatever the backlogs are.
# A row locked by someone who cancels it is passed by. The platform's own jobs, whose tenant is '', come first.
_CLAIM = text("""
with recursive args as materialized (
    select cast(:worker as text) as worker, cast(:size as int) as size, cast(:lease as interval) as lease,
        cast(:cap as int) as cap, cast(:after as text) as after, cast(:shard as int) as shard,
        cast(:shards as int) as shards
),
busy as materialized (
    select tenant, count(*) as running from job where state = 'running' group by tenant
),
capped as materialized (
    select coalesce(array_agg(busy.tenant), '{}') as tenants from busy, args where busy.running >= args.cap
),
walk as (
    select coalesce(
        (select tenant from job where state = 'ready' and tenant = '' and args.after = '' limit 1),
        (select tenant from job where state = 'ready' and tenant > args.after order by tenant limit 1)
    ) as tenant, 0 as opened
    from args
    union all
    select
        (select job.tenant from job where job.state = 'ready' and job.tenant > walk.tenant order by job.tenant limit 1),
        walk.opened + (
            walk.tenant <> all((select tenants from capped)::text[])
            and mod(hashtext(walk.tenant) & 65535, args.shards) = args.shard
        )::int
    from walk cross join args
    where walk.tenant is not null and walk.opened < args.size
),
share as materialized (
    select walk.tenant, args.cap - coalesce(busy.running, 0) as room,
        (args.size + count(*) over () - 1) / count(*) over () as fair
    from walk cross join args left join busy on busy.tenant = walk.tenant
    where walk.tenant is not null and walk.opened < args.size
        and coalesce(busy.running, 0) < args.cap and mod(hashtext(walk.tenant) & 65535, args.shards) = args.shard
),
chosen as materialized (
    select candidate.id
    from share cross join lateral (
        select oldest.id, row_number() over (order by oldest.id) as turn
        from (
            select job.id from job
            where job.state = 'ready' and job.tenant = share.tenant
            order by job.id limit least(share.fair, share.room)
            for update skip locked
        ) oldest
    ) candidate
    order by candidate.turn, candidate.id
    limit (select size from args)
)
update job
set state = 'running', worker = args.worker, lease_until = now() + args.lease, attempts = job.attempts + 1
from chosen cross join args
where job.id = chosen.id and job.state = 'ready'
returning job.id, job.tenant, job.lane, job.kind, job.ref_id, job.attempts, job.max_attempts,
    cast(extract(epoch from now() - job.run_at) as float8) as waited, (
    select case when bool_or(walk.tenant is null) then '' else max(walk.tenant) filter (where opened < size) end
    from walk cross join args
) as reached
""")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim gave, and the tenant after which the next claim goes on ("" to begin anew)."""

    jobs: list[Job]
    reached: str


async def claim(
    session: AsyncSession,
    *,
    worker: str,
    size: int,
    lease: timedelta,
    tenant_cap: int,
    after: str = "",
    shard: int = 0,
    shards: int = 1,
) -> Claim:
    """Take up to `size` ready jobs of this shard's tenants that follow `after`; none may run over `tenant_cap`."""
    # One claim at a time in a shard, or two workers would both give a tenant its last free place. The lock comes in
    # a statement of its own, for what the claim sees must be newer than the claim before it.
    await session.execute(_LOCK, {"lock_class": _LOCK_CLASS, "shard": shard})
    rows = (
        await session.execute(
            _CLAIM,
            {
                "worker": worker,
                "size": size,
                "lease": lease,
                "cap": tenant_cap,
                "after": after,
                "shard": shard,
                "shards": shards,
            },
        )
    ).all()
    jobs = [
        Job(row.id, row.tenant, row.lane, row.kind, row.ref_id, row.attempts, row.max_attempts, worker) for row in rows
    ]
    jobs.sort(key=lambda job: job.id)
    for row in rows:
        metrics.WAIT.observe(max(row.waited, 0.0), row.kind)
    return Claim(jobs, rows[0].reached if rows else "")


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a worker's claims in a shard go on; `scarce` when the last one left no place free."""

    after: str = ""
    after_idle: str = ""
    scarce: bool = False


async def claim_on(
    session: AsyncSession,
    walk: Walk,
    *,
    worker: str,
    size: int,
    lease: timedelta,
    tenant_cap: int,
    shard: int,
    shards: int,
) -> tuple[list[Job], Walk]:
    """Claim on from there; gives the jobs, and where the next claim goes on.

    While places are scarce, tenants that run nothing come first, one job of each. Otherwise, where long jobs hold the
    places, the short ones of another tenant would each wait until it is that tenant's turn again.
    """
    take = partial(claim, session, worker=worker, lease=lease, shard=shard, shards=shards)
    jobs: list[Job] = []
    after_idle = walk.after_idle
    if walk.scarce:
        idle = await take(size=size, tenant_cap=1, after=after_idle)
        jobs, after_idle = idle.jobs, idle.reached
        if walk.after_idle and len(jobs) < size:
            idle = await take(size=size - len(jobs), tenant_cap=1)
            jobs, after_idle = [*jobs, *idle.jobs], idle.reached
    after = walk.after
    if len(jobs) < size:
        found = await take(size=size - len(jobs), tenant_cap=tenant_cap, after=after)
        jobs, after = [*jobs, *found.jobs], found.reached
    return jobs, Walk(after, after_idle, scarce=len(jobs) >= size)
