"""The engine: all that the rest of Conjunct sees of the queue, and its implementation on Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.queue import schedules, settlement, submission, upkeep
from conjunct.queue.jobs import Handler, Job, NewJob
from conjunct.queue.pulse import Pulse
from conjunct.queue.schedules import Schedule
from conjunct.queue.turns import Turns
from conjunct.queue.worker import Options, Worker


@dataclass(frozen=True, slots=True)
class Stats:
    """Jobs by state, and for how many seconds the longest-waiting ready job has been so (0 without one)."""

    ready: int
    yielded: int
    running: int
    delayed: int
    waiting: int
    dead: int
    lag_seconds: float


class Engine(Protocol):
    """Background work. What takes a session happens when the session's transaction commits, or not at all.

    `pulse` tells whether the worker of this process lives, where it runs one.
    """

    pulse: Pulse

    async def enqueue(self, session: AsyncSession, jobs: Sequence[NewJob]) -> int:
        """Add jobs; returns how many, without the unique ones that were skipped."""
        ...

    async def cancel(
        self,
        session: AsyncSession,
        *,
        tenant: str,
        kind: str | None = None,
        lane: str | None = None,
        ref_ids: Collection[str] | None = None,
    ) -> int:
        """Remove the tenant's jobs that do not run yet and match all that is given; returns how many."""
        ...

    async def hasten(self, session: AsyncSession, *, tenant: str, kind: str, ref_id: str) -> int:
        """Let the tenant's delayed jobs on this row run now instead of later; returns how many."""
        ...

    async def fence(self, session: AsyncSession, job: Job) -> None:
        """Let this transaction commit only as the job's running attempt; raises `LeaseLost` when it is not."""
        ...

    async def finish(self, session: AsyncSession, job: Job) -> None:
        """Finish the job with this transaction; raises `LeaseLost`. The handler returns `Done()` afterwards."""
        ...

    async def is_turn_over(self, job: Job, ran: float) -> bool:
        """Whether a job that has run for so many seconds shall make room now, by `Yield`.

        That is when others wait for its place, or its worker is to stop. Cheap enough to be asked again and again; a
        yes is to be heeded.
        """
        ...

    async def put_schedule(self, session: AsyncSession, *schedules: Schedule) -> None:
        """Add or replace schedules by their keys; raises `BadSchedule`."""
        ...

    async def remove_schedules(self, session: AsyncSession, tenant: str, keys: Collection[str]) -> int:
        """Remove the tenant's schedules of these keys; returns how many there were."""
        ...

    async def next_times(self, session: AsyncSession, tenant: str, keys: Collection[str]) -> dict[str, datetime]:
        """When the tenant's schedules of these keys are due next."""
        ...

    async def run_worker(self, handlers: Mapping[str, Handler], stop: asyncio.Event) -> None:
        """Run jobs by their kinds until `stop` is set and the running ones have ended or been given back."""
        ...

    async def workers(self, session: AsyncSession) -> int:
        """How many workers there are, on all hosts."""
        ...

    async def stats(self, session: AsyncSession) -> Stats:
        """How much there is to do, for all tenants together."""
        ...


class PostgresEngine:
    """The engine on the tables of `models`. The database's clock is the only one that it goes by."""

    def __init__(self, database: Database, options: Options | None = None) -> None:
        self._database = database
        self._options = options or Options()
        self.pulse = Pulse(self._options.longest_turn)
        self._turns = Turns(database, self._options.tenant_cap)

    async def enqueue(self, session: AsyncSession, jobs: Sequence[NewJob]) -> int:
        """See `Engine`."""
        return await submission.enqueue(session, jobs)

    async def cancel(
        self,
        session: AsyncSession,
        *,
        tenant: str,
        kind: str | None = None,
        lane: str | None = None,
        ref_ids: Collection[str] | None = None,
    ) -> int:
        """See `Engine`."""
        return await submission.cancel(session, tenant=tenant, kind=kind, lane=lane, ref_ids=ref_ids)

    async def hasten(self, session: AsyncSession, *, tenant: str, kind: str, ref_id: str) -> int:
        """See `Engine`."""
        return await submission.hasten(session, tenant=tenant, kind=kind, ref_id=ref_id)

    async def fence(self, session: AsyncSession, job: Job) -> None:
        """See `Engine`."""
        await settlement.fence(session, job)

    async def finish(self, session: AsyncSession, job: Job) -> None:
        """See `Engine`."""
        await settlement.finish(session, job)

    async def is_turn_over(self, job: Job, ran: float) -> bool:
        """See `Engine`."""
        return await self._turns.is_over(job, ran)

    async def put_schedule(self, session: AsyncSession, *schedules_: Schedule) -> None:
        """See `Engine`."""
        await schedules.put_schedule(session, *schedules_)

    async def remove_schedules(self, session: AsyncSession, tenant: str, keys: Collection[str]) -> int:
        """See `Engine`."""
        return await schedules.remove_schedules(session, tenant, keys)

    async def next_times(self, session: AsyncSession, tenant: str, keys: Collection[str]) -> dict[str, datetime]:
        """See `Engine`."""
        return await schedules.next_times(session, tenant, keys)

    async def run_worker(self, handlers: Mapping[str, Handler], stop: asyncio.Event) -> None:
        """See `Engine`. Connections of its own keep the leases alive when handlers use up the pool."""
        lease = self._options.lease.total_seconds()
        database = Database(self._database.dsn, pool_size=4, application_name="conjunct-worker", idle=lease)
        self._turns.follow(stop)
        try:
            await Worker(database, handlers, self._options, self.pulse).run(stop)
        finally:
            self._turns.leave(stop)
            await database.dispose()

    async def workers(self, session: AsyncSession) -> int:
        """See `Engine`. Those that were not heard of for three leases are dead."""
        return await upkeep.count_workers(session, self._options.lease * 3)

    async def stats(self, session: AsyncSession) -> Stats:
        """See `Engine`. Reads the indexes of all states, so ask for it every few seconds, not every request."""
        row = (await session.execute(_STATS)).one()
        return Stats(*row)


_STATS = text("""
select
    (select count(*) from job where state = 'ready'),
    (select count(*) from job where state = 'yielded'),
    (select count(*) from job where state = 'running'),
    (select count(*) from job where state = 'delayed'),
    (select count(*) from job where state = 'waiting'),
    (select count(*) from job where state = 'dead'),
    (select coalesce(greatest(cast(extract(epoch from now() - min(run_at)) as float8), 0), 0)
     from job where state = 'ready')
""")
