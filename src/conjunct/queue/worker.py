"""A worker: the loops that claim, settle, beat and keep up, until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.kit.ids import new_id
from conjunct.queue import claims, lanes, metrics, schedules, settlement, upkeep
from conjunct.queue.attempts import Attempts
from conjunct.queue.jobs import Handler, Retry
from conjunct.queue.pulse import Pulse
from conjunct.queue.wakeup import Bell

CLAIM_BATCH = 200
SETTLE_BATCH = 200  # each lane of a batch takes a lock, and Postgres's lock table is bounded
SHORTEST_TICK = 0.05  # seconds between two looks at the clock, however often it is asked for
_TURNING = ("claim", "tick", "beat")  # the loops none of whose steps waits for ever
# asyncpg says InternalClientError where the server ends a connection in the moment at which it is used.
UNAVAILABLE = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """How workers run.

    `slots` handlers run at once in a worker, and `tenant_cap` of one tenant at once in all workers. A job whose
    worker is silent for `lease` is taken over; the worker says that it lives every `heartbeat`. `poll` bounds how
    late work is seen when a notification is lost. A stopping worker waits `drain` for its handlers. `shards` divides
    the tenants into groups whose claims do not wait for one another; it must be equal in all workers.
    """

    slots: int = 50
    tenant_cap: int = 25
    lease: timedelta = timedelta(seconds=30)
    heartbeat: timedelta = timedelta(seconds=10)
    poll: timedelta = timedelta(seconds=2)
    drain: timedelta = timedelta(seconds=20)
    dead_kept: timedelta = timedelta(days=14)
    shards: int = 1

    @property
    def longest_turn(self) -> float:
        """Seconds that a loop of a worker takes at most to come round: a few transactions, each given up in time."""
        return (3 * self.lease + self.heartbeat).total_seconds()


class Worker:
    """Runs jobs with the handlers of their kinds. The database given is the worker's own: handlers use another."""

    def __init__(
        self, database: Database, handlers: Mapping[str, Handler], options: Options, pulse: Pulse | None = None
    ) -> None:
        self.id = new_id()
        self._pulse = pulse or Pulse(options.longest_turn)
        self._database = database
        self._options = options
        self._attempts = Attempts(handlers)
        self._bell = Bell()
        self._unpromoted: set[str] = set()
        self._walks = dict.fromkeys(range(options.shards), claims.Walk())

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then drain. Cancelling stops it without waiting for handlers."""
        log.info("worker.started", worker=self.id, slots=self._options.slots)
        metrics.SLOTS.set(self._options.slots)
        try:
            async with asyncio.TaskGroup() as loops:  # what is no database trouble is a fault, and ends the worker
                intake = [
                    loops.create_task(self._forever("claim", self._claim)),
                    loops.create_task(self._forever("tick", self._tick)),
                    loops.create_task(self._forever("listen", lambda: self._bell.listen(self._database.dsn))),
                ]
                outflow = [
                    loops.create_task(self._forever("settle", self._settle)),
                    loops.create_task(self._forever("beat", self._beat)),
                ]
                await stop.wait()
                for task in intake:
                    task.cancel()
                if running := self._attempts.running:
                    log.info("worker.draining", worker=self.id, running=len(running))
                    await asyncio.wait(running, timeout=self._options.drain.total_seconds())
                for task in outflow:
                    task.cancel()
        finally:
            await self._leave()

    async def _claim(self) -> None:
        self._bell.ready.clear()
        free = self._options.slots - len(self._attempts)
        for shard, walk in self._walks.items() if free else ():
            async with self._transaction() as session:
                jobs, reached = await claims.claim_on(
                    session,
                    walk,
                    worker=self.id,
                    size=min(free, CLAIM_BATCH),
                    lease=self._options.lease,
                    tenant_cap=self._options.tenant_cap,
                    shard=shard,
                    shards=self._options.shards,
                )
            for job in jobs:
                self._attempts.start(job)
            metrics.RUNNING.set(len(self._attempts))
            self._walks[shard] = reached
            if jobs or walk.ready.after or walk.yielded.after:  # there may be more, or some before where it began
                self._bell.ready.set()
            free = self._options.slots - len(self._attempts)
            if not free:
                break
        await _wait(self._bell.ready, self._options.poll.total_seconds())

    async def _settle(self) -> None:
        await _wait(self._attempts.news, SHORTEST_TICK if self._unpromoted else None)
        self._attempts.news.clear()
        if not self._attempts.ended:
            self._bell.ready.set()  # an attempt that was dropped frees its slot without an outcome
        while (batch := self._attempts.ended[:SETTLE_BATCH]) or self._unpromoted:
            try:
                async with self._transaction() as session:
                    left = await settlement.settle(session, self.id, batch)
                    left |= await lanes.promote(session, self._unpromoted)
            except UNAVAILABLE:
                self._attempts.news.set()  # the batch is kept: settling it again changes nothing that is stored
                raise
            self._unpromoted = left
            self._attempts.stored(len(batch))
            metrics.RUNNING.set(len(self._attempts))
            self._bell.ready.set()
            if any(isinstance(outcome, Retry) for _, outcome in batch):
                self._bell.delayed.set()
            if not batch:
                break

    async def _beat(self) -> None:
        held = self._attempts.held
        async with self._transaction() as session:
            lost = await upkeep.beat(session, self.id, held, self._options.lease)
        for attempt in lost:
            self._attempts.drop(attempt)
        async with self._transaction() as session:
            await lanes.promote_stranded(session)
            await upkeep.purge(session, dead_kept=self._options.dead_kept, workers_forgotten=self._options.lease * 10)
        await asyncio.sleep(self._options.heartbeat.total_seconds())

    async def _tick(self) -> None:
        self._bell.delayed.clear()
        async with self._transaction() as session:
            staged = await upkeep.stage(session)
            reaped = await upkeep.reap(session)
        for job in reaped:
            log.warning("job.taken_over", **job)
            metrics.TAKEN_OVER.add(job["kind"])
        async with self._transaction() as session:
            fired = await schedules.fire(session)
        if staged or reaped or fired:
            self._bell.ready.set()
        if staged >= upkeep.STAGE_BATCH or fired >= schedules.FIRE_BATCH:
            return
        async with self._transaction() as session:
            due = await upkeep.next_due(session)
        poll = self._options.poll.total_seconds()
        await asyncio.sleep(SHORTEST_TICK)
        await _wait(self._bell.delayed, poll if due is None else min(max(due - SHORTEST_TICK, 0), poll))

    async def _leave(self) -> None:
        """Stop what still runs, store what has ended, and give the rest back for another worker to take at once."""
        running = self._attempts.running
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=self._options.heartbeat.total_seconds())
        try:
            while batch := self._attempts.ended[:SETTLE_BATCH]:
                async with self._transaction() as session:
                    await settlement.settle(session, self.id, batch)
                self._attempts.stored(len(batch))
            async with self._transaction() as session:
                released = await settlement.release(session, self.id)
                await upkeep.leave(session, self.id)
        except UNAVAILABLE as error:
            log.warning("worker.left_without_a_word", worker=self.id, error=_brief(error))
        else:
            log.info("worker.stopped", worker=self.id, released=released)

    async def _forever(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat the step. When the database does not answer, go on trying, less often (0.1 to 5 s)."""
        pause = 0.1
        try:
            while True:
                if name in _TURNING:
                    self._pulse.turn(name)
                try:
                    await step()
                except UNAVAILABLE as error:
                    log.warning("worker.database_unavailable", worker=self.id, loop=name, error=_brief(error))
                    metrics.LOOP_FAILURES.add(name)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 5)
                else:
                    pause = 0.1
        finally:
            self._pulse.end(name)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction that is given up after a lease: a connection that hangs must not hang the worker."""
        async with asyncio.timeout(self._options.lease.total_seconds()), self._database.transaction() as session:
            yield session


def _brief(error: BaseException) -> str:
    """The error's kind and first line; the rest of a database error is the statement with its values."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
