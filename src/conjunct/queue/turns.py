"""When a long job shall make room: others have waited for its place for a while, or its worker is to stop."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from sqlalchemy import text

from conjunct.core.database import Database
from conjunct.queue.jobs import Job

TURN = 3.0
"""Seconds that a job may run however many wait: with `ASKED_EVERY` less than the 5 s within which a read begins."""

ASKED_EVERY = 1.0
"""Seconds between two looks at who waits, however many jobs ask."""

WAITED = 1.0
"""Seconds after which a ready job counts as one that nobody has a place for: free workers claim within milliseconds."""

MOST_TENANTS = 200

# The first job of each tenant in an index tells how long the tenant has waited: one step in the index each.
_WAITING = """
with recursive oldest as (
    (select tenant, run_at from job where state = '{state}' order by tenant, id limit 1)
    union all
    select next.tenant, next.run_at
    from oldest cross join lateral (
        select job.tenant, job.run_at from job
        where job.state = '{state}' and job.tenant > oldest.tenant order by job.tenant, job.id limit 1
    ) next
),
busy as (select tenant, count(*) as running from job where state = 'running' group by tenant)
select oldest.tenant, coalesce(busy.running, 0) as running, (
    select count(*) from (
        select from job where job.state = '{state}' and job.tenant = oldest.tenant limit cast(:cap as int)
    ) first
) as waits
from (select * from oldest limit {most}) oldest left join busy on busy.tenant = oldest.tenant
where oldest.run_at < now() - make_interval(secs => :waited)
"""
_LOOKS = [text(_WAITING.format(state=state, most=MOST_TENANTS)) for state in ("ready", "yielded")]


class Turns:
    """Tells the long jobs of this process whether to make room. As many are told so as jobs wait, not all at once."""

    def __init__(self, database: Database, tenant_cap: int) -> None:
        self._database = database
        self._tenant_cap = tenant_cap
        self._stops: list[asyncio.Event] = []
        self._asked_at = float("-inf")
        self._for_anyone = 0
        self._within: Counter[str] = Counter()

    def follow(self, stop: asyncio.Event) -> None:
        """Have every job make room once that is set, as long as the worker that it stops is there."""
        self._stops.append(stop)

    def leave(self, stop: asyncio.Event) -> None:
        """Forget a worker that has stopped."""
        self._stops.remove(stop)

    async def is_over(self, job: Job, ran: float) -> bool:
        """Whether this job, which has run for so many seconds, shall make room. A yes is counted."""
        if any(stop.is_set() for stop in self._stops):
            return True
        if ran < TURN:
            return False
        if time.monotonic() - self._asked_at >= ASKED_EVERY:
            self._asked_at = time.monotonic()  # one asks for all
            await self._look()
        if self._within[job.tenant]:
            self._within[job.tenant] -= 1
            return True
        if self._for_anyone:
            self._for_anyone -= 1
            return True
        return False

    async def _look(self) -> None:
        async with self._database.reading() as connection:
            values = {"cap": self._tenant_cap, "waited": WAITED}
            rows = [row for look in _LOOKS for row in (await connection.execute(look, values)).all()]
        waiting, running = Counter[str](), dict[str, int]()
        for tenant, runs, waits in rows:
            waiting[tenant] += waits
            running[tenant] = runs
        self._for_anyone, self._within = 0, Counter()
        for tenant, waits in waiting.items():
            room = self._tenant_cap - running[tenant]
            if room > 0:
                self._for_anyone += min(waits, room)
            else:  # only its own jobs hold it up
                self._within[tenant] = waits
