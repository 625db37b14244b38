"""Processes whose every transaction stops and waits to be let on, so that any order of them can be played.

All simulated processes live in one event loop. A task stops at a gate before it begins a transaction, before it
commits, and wherever a test calls `pause`. Whoever drives the simulation lets one gate go, says how that ends, and
waits till everything is at rest again: every task stands at a gate, waits for another task or for a time to come, or
for a lock in the database.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database

PASS = "pass"
"""The gate opens and all goes well."""
FAIL = "fail"
"""The connection is lost: nothing is begun, or nothing is committed."""
UNKNOWN = "unknown"
"""It is committed, but the connection is lost before that is said. At another gate the same as `PASS`."""

_PATIENCE = 0.002  # real seconds for the database to answer before it is asked whether it waits for a lock
_STUCK_SECONDS = 60.0


class Killed(BaseException):
    """The process is dead: whatever it would still do, it does not."""


@dataclass(eq=False)
class Process:
    """A process that may be killed at any gate. `skew` is by how many seconds its host's clock is ahead."""

    name: str
    skew: float = 0.0
    alive: bool = True
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)


@dataclass(eq=False)
class Gate:
    """A task that waits to be let on: of which process, at what, and about what."""

    process: Process
    what: str
    about: Any
    task: asyncio.Task[Any] | None
    opened: asyncio.Future[str]


_PROCESS: ContextVar[Process] = ContextVar("process")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still until `seconds` is raised: sleeps and timeouts last simulated time."""

    seconds = 0.0

    def time(self) -> float:
        return self.seconds

    @property
    def is_busy(self) -> bool:
        """Whether anything is to be run at once, or is due."""
        ready: Any = self._ready  # type: ignore[attr-defined]
        timers: Any = self._scheduled  # type: ignore[attr-defined]
        return bool(ready) or any(not timer.cancelled() and timer.when() <= self.seconds for timer in timers[:1])

    @property
    def next_timer(self) -> float | None:
        """When the next sleep or timeout ends, in the loop's seconds; None without one."""
        timers: Any = self._scheduled  # type: ignore[attr-defined]
        return min((timer.when() for timer in timers if not timer.cancelled()), default=None)


class Stepper:
    """Keeps the gates of all processes, in the order in which they were reached."""

    def __init__(self, loop: VirtualLoop, observer: asyncpg.Connection) -> None:
        self.gates: list[Gate] = []
        self.under_way = 0
        self._loop = loop
        self._observer = observer
        loop.set_task_factory(_owned)

    async def pause(self, what: str, about: Any = None) -> str:
        """Wait at a gate; returns what the driver says. Outside of any simulated process it lets all pass."""
        process = _PROCESS.get(None)
        if process is None:
            return PASS
        if not process.alive:
            raise Killed
        gate = Gate(process, what, about, asyncio.current_task(), self._loop.create_future())
        self.gates.append(gate)
        try:
            return await gate.opened
        finally:
            if gate in self.gates:
                self.gates.remove(gate)

    def spawn(self, process: Process, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let the process do something, up to its first gate at the next `rest`."""
        context = copy_context()
        context.run(_PROCESS.set, process)
        return self._loop.create_task(work, context=context)

    async def open(self, gate: Gate, fate: str = PASS) -> None:
        """Let the gate go, and wait until everything is at rest."""
        self.gates.remove(gate)
        gate.opened.set_result(fate)
        await self.rest()

    async def kill(self, process: Process) -> None:
        """End the process at once. What it has not committed is undone, and it does nothing more."""
        process.alive = False
        left = list(process.tasks)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
        for task in left:
            if not task.cancelled():
                task.exception()  # looked at, so that nobody complains
        await self.rest()

    async def rest(self) -> None:
        """Wait until nothing moves."""
        started = since = time.monotonic()
        before = self.under_way
        while True:
            await asyncio.sleep(0)
            if self._loop.is_busy:
                continue
            if not self.under_way:
                return
            if self.under_way != before:
                before, since = self.under_way, time.monotonic()
            if time.monotonic() - since > _PATIENCE:
                if await self._blocked() >= self.under_way:
                    return
                since = time.monotonic()
            if time.monotonic() - started > _STUCK_SECONDS:
                raise RuntimeError(f"the simulation does not come to rest: {self.under_way} statements are under way")

    async def _blocked(self) -> int:
        """How many connections to this database wait for a lock."""
        found: int = await self._observer.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        )
        return found


class SteppedDatabase(Database):
    """A database whose transactions stop at gates when simulated processes make them."""

    def __init__(self, url: str, steps: Stepper) -> None:
        super().__init__(url, pool_size=40, application_name="simulated")
        self._steps = steps
        dialect: Any = self.engine.sync_engine.dialect
        for name in ("connect", "do_execute", "do_executemany", "do_execute_no_params", "do_commit", "do_rollback"):
            setattr(dialect, name, self._counted(getattr(dialect, name)))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """See `Database`; with gates before its beginning and its commit."""
        if await self._steps.pause("begin") == FAIL:
            raise ConnectionError("simulated: the database does not answer")
        async with super().transaction() as session:
            yield session
            fate = await self._steps.pause("commit")
            if fate == FAIL:
                raise ConnectionError("simulated: the connection was lost before the commit")
        if fate == UNKNOWN:
            raise ConnectionError("simulated: the connection was lost after the commit")

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, counted as under way while it lasts."""

        def counted(*arguments: Any, **named: Any) -> Any:
            self._steps.under_way += 1
            try:
                return call(*arguments, **named)
            finally:
                self._steps.under_way -= 1

        return counted


def _owned(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    """A new task, noted as one of the process that makes it."""
    context = options.get("context")
    process = (context or copy_context()).get(_PROCESS)
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
    if process is not None:
        process.tasks.add(task)
        task.add_done_callback(process.tasks.discard)
    return task
