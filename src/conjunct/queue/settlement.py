"""How attempts end. Every statement is fenced: it changes a job only while this very attempt is the running one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.queue import lanes
from conjunct.queue.jobs import Dead, Done, Job, LeaseLost, Outcome, Retry, Yield
from conjunct.queue.submission import CHANNEL

LONGEST_DELAY = timedelta(days=365)
LONGEST_ERROR = 2000

_FENCE = text("""
select 1 from job
where id = :id and worker = :worker and attempts = :attempts and state = 'running'
for no key update
""")

_DONE = text("""
delete from job
using unnest(cast(:ids as bigint[]), cast(:attempts as int[])) as ended(id, attempts)
where job.id = ended.id and job.attempts = ended.attempts and job.worker = :worker and job.state = 'running'
returning job.id
""")

_RETRY = text("""
update job
set state = 'delayed', run_at = now() + ended.after, worker = null, lease_until = null, error = ended.error,
    max_attempts = max_attempts + ended.forgiven
from unnest(
    cast(:ids as bigint[]), cast(:attempts as int[]), cast(:afters as interval[]), cast(:errors as text[]),
    cast(:forgiven as int[])
) as ended(id, attempts, after, error, forgiven)
where job.id = ended.id and job.attempts = ended.attempts and job.worker = :worker and job.state = 'running'
""")

_DEAD = text("""
update job set state = 'dead', ended_at = now(), worker = null, lease_until = null, error = ended.error
from unnest(cast(:ids as bigint[]), cast(:attempts as int[]), cast(:errors as text[]))
    as ended(id, attempts, error)
where job.id = ended.id and job.attempts = ended.attempts and job.worker = :worker and job.state = 'running'
""")

# Those that yielded are claimed in the order of their ids, so the new one puts it behind the others. It also tells this
# attempt from the next, which has the same number.
_YIELD = text(f"""
with yielded as (
    update job
    set id = default, state = 'yielded', run_at = now(), worker = null, lease_until = null, attempts = job.attempts - 1
    from unnest(cast(:ids as bigint[]), cast(:attempts as int[])) as ended(id, attempts)
    where job.id = ended.id and job.attempts = ended.attempts and job.worker = :worker and job.state = 'running'
    returning job.id
)
select count(*), pg_notify('{CHANNEL}', 'ready') from yielded
""")  # noqa: S608 - the channel is a constant

_RELEASE = text(f"""
with released as (
    update job set state = 'ready', worker = null, lease_until = null, attempts = attempts - 1
    where worker = :worker and state = 'running'
    returning id
)
select count(*), pg_notify('{CHANNEL}', 'ready') from released
""")  # noqa: S608 - the channel is a constant


async def fence(session: AsyncSession, job: Job) -> None:
    """Make sure, until this transaction ends, that the job is still this attempt's; raises `LeaseLost` if not."""
    found = await session.scalar(_FENCE, {"id": job.id, "worker": job.worker, "attempts": job.attempts})
    if found is None:
        raise LeaseLost(f"attempt {job.attempts} at {job.kind} {job.ref_id} is no longer the running one")


async def finish(session: AsyncSession, job: Job) -> None:
    """Finish the job with this transaction; raises `LeaseLost` when it is no longer this attempt's.

    The handler then returns `Done()`, which finds nothing left to do but to promote the lane if this could not.
    """
    arguments = {"ids": [job.id], "attempts": [job.attempts], "worker": job.worker}
    if await session.scalar(_DONE, arguments) is None:
        raise LeaseLost(f"attempt {job.attempts} at {job.kind} {job.ref_id} is no longer the running one")
    if job.lane is not None:
        await lanes.promote(session, [job.lane])


def decide(job: Job, outcome: Outcome) -> Outcome:
    """The outcome that counts: a counted retry after the last attempt is the end."""
    if isinstance(outcome, Retry) and outcome.counted and job.attempts >= job.max_attempts:
        return Dead(outcome.error)
    return outcome


async def settle(session: AsyncSession, worker: str, ended: Sequence[tuple[Job, Outcome]]) -> set[str]:
    """Record how these attempts ended, and promote the next of their lanes.

    An attempt that is no longer the running one is passed over. Returns the lanes that could not be promoted now.
    """
    done = [job for job, outcome in ended if isinstance(outcome, Done)]
    retried = [(job, outcome) for job, outcome in ended if isinstance(outcome, Retry)]
    yielded = [job for job, outcome in ended if isinstance(outcome, Yield)]
    dead = [(job, outcome) for job, outcome in ended if isinstance(outcome, Dead)]
    if done:
        await session.execute(_DONE, {"worker": worker, **_attempts(done)})
    if retried:
        await session.execute(
            _RETRY,
            {
                "worker": worker,
                **_attempts(job for job, _ in retried),
                "afters": [min(max(retry.after, timedelta()), LONGEST_DELAY) for _, retry in retried],
                "errors": [storable(retry.error) for _, retry in retried],
                "forgiven": [0 if retry.counted else 1 for _, retry in retried],
            },
        )
    if yielded:
        await session.execute(_YIELD, {"worker": worker, **_attempts(yielded)})
    if dead:
        await session.execute(
            _DEAD,
            {
                "worker": worker,
                **_attempts(job for job, _ in dead),
                "errors": [storable(end.error) for _, end in dead],
            },
        )
    emptied = [job.lane for job, outcome in ended if job.lane is not None and not isinstance(outcome, Retry | Yield)]
    return await lanes.promote(session, emptied)


async def release(session: AsyncSession, worker: str) -> int:
    """Give back all that the worker still holds, as if it had not been claimed; returns how many jobs."""
    return int((await session.execute(_RELEASE, {"worker": worker})).scalar_one())


def storable(error: str) -> str:
    """The error as Postgres takes it: no NUL, valid UTF-8, of bounded length."""
    return error[:LONGEST_ERROR].replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _attempts(jobs: Iterable[Job]) -> dict[str, list[int]]:
    pairs = [(job.id, job.attempts) for job in jobs]
    return {"ids": [id_ for id_, _ in pairs], "attempts": [attempts for _, attempts in pairs]}
