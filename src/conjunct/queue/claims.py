"""Taking jobs to run: at most a tenant's share, every tenant in turn; those that have had a turn come last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Literal, Protocol

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.queue import metrics
from conjunct.queue.jobs import Job

OWED = 10
"""While ready jobs wait too, one job in so many is one that yielded: those make room for others, but never starve."""

State = Literal["ready", "yielded"]
"""Which jobs a claim takes."""

_LOCK_CLASS = 0x434A  # "CJ": the two-number advisory locks of claims

# Tells too whether any job has yielded, so that no claim need look for them where there are none.
_LOCK = text("""
select exists (select from job where state = 'yielded') as any_yielded, pg_advisory_xact_lock(:lock_class, :shard)
""")

# One walk over the tenants that have ready jobs: as many tenants below their cap as there are jobs to claim, from
# where the last claim ended. Each gives an equal share, so the work is bounded by `size` whatever the backlogs are.
# A row locked by someone who cancels it is passed by. The platform's own jobs, whose tenant is '', come first.
# `between` and the array keep the planner, which cannot know how few rows it is about, to the indexes: it would read
# all jobs in the order of their ids where most are one tenant's.
_CLAIM = """
with recursive args as materialized (
    select cast(:worker as text) as worker, cast(:size as int) as size, cast(:lease as interval) as lease,
        cast(:cap as int) as cap, cast(:after as text) as after, cast(:shard as int) as shard,
        cast(:shards as int) as shards
),
busy as materialized (
    select tenant, count(*) as running from job where state = 'running' group by tenant
),
capped as materialized (
    select coalesce(array_agg(busy.tenant), '{{}}') as tenants from busy, args where busy.running >= args.cap
),
walk as (
    select coalesce(
        (select tenant from job where state = '{state}' and tenant = '' and args.after = '' limit 1),
        (select tenant from job where state = '{state}' and tenant > args.after order by tenant limit 1)
    ) as tenant, 0 as opened
    from args
    union all
    select
        (
            select job.tenant from job
            where job.state = '{state}' and job.tenant > walk.tenant order by job.tenant limit 1
        ),
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
            where job.state = '{state}' and job.tenant between share.tenant and share.tenant
            order by job.tenant, job.id limit least(share.fair, share.room)
            for update skip locked
        ) oldest
    ) candidate
    order by candidate.turn, candidate.id
    limit (select size from args)
)
update job
set state = 'running', worker = args.worker, lease_until = now() + args.lease, attempts = job.attempts + 1
from args
where job.id = any(array(select id from chosen))
returning job.id, job.tenant, job.lane, job.kind, job.ref_id, job.attempts, job.max_attempts,
    cast(extract(epoch from now() - job.run_at) as float8) as waited, (
    select case when bool_or(walk.tenant is null) then '' else max(walk.tenant) filter (where opened < size) end
    from walk cross join args
) as reached
"""


def statement(state: State) -> str:
    """The claim of jobs of that state, which is written out for the index that it has."""
    return _CLAIM.format(state=state)


_CLAIMS: dict[State, TextClause] = {"ready": text(statement("ready")), "yielded": text(statement("yielded"))}


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
    state: State = "ready",
) -> Claim:
    """Take up to `size` jobs of that state of this shard's tenants after `after`; none may run over `tenant_cap`."""
    await _lock(session, shard)
    return await _claim(
        session,
        worker=worker,
        size=size,
        lease=lease,
        tenant_cap=tenant_cap,
        after=after,
        shard=shard,
        shards=shards,
        state=state,
    )


async def _lock(session: AsyncSession, shard: int) -> bool:
    """Have the shard's claims wait until this transaction ends; tells whether any job may have yielded.

    One claim at a time in a shard, or two workers would both give a tenant its last free place. The lock comes in a
    statement of its own, for what the claim sees must be newer than the claim before it.
    """
    any_yielded: bool = (await session.execute(_LOCK, {"lock_class": _LOCK_CLASS, "shard": shard})).one().any_yielded
    return any_yielded


async def _claim(
    session: AsyncSession,
    *,
    worker: str,
    size: int,
    lease: timedelta,
    tenant_cap: int,
    after: str = "",
    shard: int,
    shards: int,
    state: State,
) -> Claim:
    rows = (
        await session.execute(
            _CLAIMS[state],
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
    if state == "ready":
        for row in rows:
            metrics.WAIT.observe(max(row.waited, 0.0), row.kind)
    return Claim(jobs, rows[0].reached if rows else "")


@dataclass(frozen=True, slots=True)
class Reached:
    """The tenants after which claims of one state go on: of all tenants, and of those that run nothing."""

    after: str = ""
    after_idle: str = ""


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a worker's claims in a shard go on.

    `scarce` when the last one left no place free; `passed` is how many ready jobs have gone before those that yielded,
    and count until one of these has gone too.
    """

    ready: Reached = Reached()
    yielded: Reached = Reached()
    scarce: bool = False
    passed: int = 0


class _Take(Protocol):
    async def __call__(self, *, state: State, size: int, tenant_cap: int, after: str = ...) -> Claim: ...


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

    Ready jobs come first, so that whoever comes new need not wait for a turn of all the long jobs that go on for ever.
    """
    any_yielded = await _lock(session, shard)
    take = partial(_claim, session, worker=worker, lease=lease, shard=shard, shards=shards)

    async def following(state: State, size: int, reached: Reached) -> tuple[list[Job], Reached]:
        return await _following(take, state, size, tenant_cap, reached, scarce=walk.scarce)

    owed = min((walk.passed + size) // OWED, size) if walk.scarce and any_yielded else 0
    paid, yielded = await following("yielded", owed, walk.yielded)
    first, ready = await following("ready", size - len(paid), walk.ready)
    left = size - len(paid) - len(first) if any_yielded else 0
    later, yielded = await following("yielded", left, yielded)
    jobs = [*paid, *first, *later]
    scarce = len(jobs) >= size
    if not scarce or later or len(paid) < owed or not any_yielded:  # none that yielded is passed by
        return jobs, Walk(ready, yielded, scarce)
    passed = min(max(walk.passed + len(first) - OWED * len(paid), 0), OWED)
    return jobs, Walk(ready, yielded, scarce, passed)


async def _following(
    take: _Take, state: State, size: int, tenant_cap: int, reached: Reached, *, scarce: bool
) -> tuple[list[Job], Reached]:
    """The next jobs of a state, up to `size`.

    While places are scarce, tenants that run nothing come first, one job of each. Otherwise, where long jobs hold the
    places, the short ones of another tenant would each wait until it is that tenant's turn again.
    """
    jobs: list[Job] = []
    after, after_idle = reached.after, reached.after_idle
    if scarce and size:
        idle = await take(state=state, size=size, tenant_cap=1, after=after_idle)
        jobs, after_idle = idle.jobs, idle.reached
        if reached.after_idle and len(jobs) < size:
            idle = await take(state=state, size=size - len(jobs), tenant_cap=1)
            jobs, after_idle = [*jobs, *idle.jobs], idle.reached
    if len(jobs) < size:
        found = await take(state=state, size=size - len(jobs), tenant_cap=tenant_cap, after=after)
        jobs, after = [*jobs, *found.jobs], found.reached
    return jobs, Reached(after, after_idle)
