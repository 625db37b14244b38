"""What the simulated machines share: workers that run the real loops, and the rules that move, kill and start them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.queue import Handler, Options
from conjunct.queue.wakeup import Bell
from conjunct.queue.worker import Worker
from tests.simulation.environment import Environment
from tests.simulation.stepping import FAIL, PASS, UNKNOWN, Gate, Process

OPTIONS = Options(slots=3, tenant_cap=2, lease=timedelta(seconds=30), drain=timedelta(seconds=20))
MOST_WORKERS = 3
_MOST_STEPS = 400
_MOST_ROUNDS = 4000

_DUE = """
select extract(epoch from min(moment) - now()) as seconds from (
    select run_at as moment from job where state = 'delayed'
    union all select lease_until from job where state = 'running'
    union all select next_at from schedule
) moments
"""

FATES = st.sampled_from([PASS, PASS, PASS, FAIL, UNKNOWN])
PLACES = st.integers(0, 11)
OUTSIDE = ("work", "send")
"""Gates at which handlers wait for the outside."""
SKEWS = (0, 0, -40, 40, 3000)
"""By how many seconds the clocks of hosts are wrong."""


class SimulatedWorker:
    """A real worker in a process of its own. It hears no notification but by `bell`; its polls find what it missed."""

    def __init__(self, environment: Environment, process: Process, handlers: Mapping[str, Handler]) -> None:
        self.process = process
        self.stop = asyncio.Event()
        self.worker = Worker(environment.database, handlers, OPTIONS)
        self.bell: Bell = self.worker._bell
        self.bell.listen = _deaf  # type: ignore[method-assign, assignment]
        self.task = environment.steps.spawn(process, self.worker.run(self.stop))


async def _deaf(_dsn: str) -> None:
    await asyncio.Event().wait()


class Machine(RuleBasedStateMachine):
    """Workers and producers whose every step is a rule. A rule is one transaction's part, or a stretch of them.

    A machine has an `ENVIRONMENT`, and counts what was played in `PLAYED`, over all examples.
    """

    ENVIRONMENT: ClassVar[Environment]
    PLAYED: ClassVar[Counter[str]] = Counter()
    TABLES: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.environment = self.ENVIRONMENT
        self.steps = self.environment.steps
        self.workers: list[SimulatedWorker] = []
        self.producers: list[Process] = []
        self.started = 0
        self.broken = False
        self.fault: Exception | None = None
        self.environment.run(self.environment.restart(*self.TABLES))
        self.PLAYED["examples"] += 1

    def handlers(self, _process: Process) -> Mapping[str, Handler]:
        """The handlers of a worker in that process."""
        raise NotImplementedError

    async def prepare(self, variant: bool) -> None:
        """Make what must be there before the first worker starts; `variant` chooses between two kinds of it."""

    def hand_in_first(self, opening: str, variant: bool) -> None:
        """Let somebody hand in a job whose handler waits for the outside, for that opening of an example."""
        raise NotImplementedError

    async def check(self) -> None:
        """Raise AssertionError unless all that must hold at any moment holds."""
        raise NotImplementedError

    async def wind_down(self) -> None:
        """Go on, by `go_on_until`, until nothing is left to do. From here on all goes well."""
        raise NotImplementedError

    async def check_end(self) -> None:
        """Raise AssertionError unless all that must hold in the end holds."""
        raise NotImplementedError

    @initialize(
        skew=st.sampled_from(SKEWS),
        variant=st.booleans(),
        opening=st.sampled_from(["nothing", "lost lease", "lost lease", "waiting lane", "due schedule"]),
        count=st.integers(0, 6),
    )
    def begin(self, skew: float, variant: bool, opening: str, count: int) -> None:
        """Two workers, on hosts whose clocks may differ; and often something that chance alone brings too seldom."""
        self._guarded(self.prepare(variant))
        self._step(self._start(0))
        if opening in ("lost lease", "waiting lane"):
            self.hand_in_first(opening, variant)
            self._step(self._finish_producers())
            self._step(self._take_up())
        if opening == "waiting lane":
            self.leave_a_lane()
        if opening == "due schedule":
            self.put_again()
        self._step(self._start(skew))
        if opening == "lost lease" and any(gate.what in OUTSIDE for gate in self.steps.gates):
            self.overtake(0, count)
        self.PLAYED[f"began with {opening}"] += 1

    def leave_a_lane(self) -> None:
        """Let the only worker finish its job while somebody enqueues behind it, and die at once."""

    def put_again(self) -> None:
        """Let a schedule be put once more, as it is, when it is due and nobody has fired it yet."""

    async def _finish_producers(self) -> None:
        while gates := [gate for gate in self.steps.gates if gate.process in self.producers]:
            await self._let_on(gates[0], PASS)

    async def _take_up(self) -> None:
        self.workers[0].bell.ring()
        await self._run_on(self.workers[0].process, PASS, 0, slow=True)

    @rule(place=PLACES, fate=FATES, count=st.sampled_from([1, 1, 2, 3]))
    @precondition(lambda self: self.steps.gates)
    def move(self, place: int, fate: str, count: int) -> None:
        """Let one task go on by some gates; the fate is that of the last of them."""
        gates = self.steps.gates
        gate = gates[place % len(gates)]
        for left in reversed(range(count)):
            self._step(self._let_on(gate, PASS if left else fate))
            following = [each for each in self.steps.gates if each.task is gate.task]
            if not following:
                return
            gate = following[0]

    @rule(
        place=PLACES,
        seconds=st.sampled_from([0, 0, 2, 6, 31, 31, 61, 400, 4000]),
        fate=FATES,
        after=st.integers(0, 4),
        slow=st.booleans(),
    )
    @precondition(lambda self: self.workers)
    def work(self, place: int, seconds: float, fate: str, after: int, slow: bool) -> None:
        """Let time pass, and then one worker do all that it can do, with one fault after so many gates.

        The others stand still meanwhile, as where their hosts have stopped: leases run out, and they do not know it.
        Where the outside is `slow`, handlers that wait for it go on waiting.
        """
        worker = self.workers[place % len(self.workers)]
        worker.bell.ring()
        if seconds:
            self._step(self.environment.advance(seconds))
        self._step(self._run_on(worker.process, fate, after, slow))

    @rule(place=PLACES, count=st.integers(1, 6))
    @precondition(lambda self: any(gate.what in OUTSIDE for gate in self.steps.gates))
    def overtake(self, place: int, count: int) -> None:
        """Let a handler wait for the outside until its lease is over and others have taken its job; then it goes on."""
        gates = [gate for gate in self.steps.gates if gate.what in OUTSIDE]
        gate = gates[place % len(gates)]
        self._step(self.environment.advance(31))
        for worker in [worker for worker in self.workers if worker.process is not gate.process] * 2:
            worker.bell.ring()
            self._step(self._run_on(worker.process, PASS, 0, slow=True))
        for _ in range(count):
            following = [each for each in self.steps.gates if each.task is gate.task]
            if following:
                self._step(self._let_on(following[0], PASS))

    @rule(kind=st.sampled_from(["start", "start", "crash", "crash", "stop", "crash producer"]), place=PLACES)
    def disturb(self, kind: str, place: int) -> None:
        """Start a worker, on a host whose clock may be wrong; kill one, tell it to drain, or kill a producer."""
        worker = self.workers[place % len(self.workers)] if self.workers else None
        match kind:
            case "start" if len(self.workers) < MOST_WORKERS:
                self._step(self._start(SKEWS[place % len(SKEWS)]))
            case "crash" if worker is not None:
                self.workers.remove(worker)
                self._step(self.steps.kill(worker.process))
            case "stop" if worker is not None:
                worker.stop.set()
                self._step(self.steps.rest())
            case "crash producer" if self.producers:
                self._step(self.steps.kill(self.producers.pop(0)))
            case _:
                return
        self.PLAYED[kind] += 1

    def teardown(self) -> None:
        """Let everything go well from here on: nothing may be lost, stuck or double."""
        try:
            if not self.broken:
                self._guarded(self._settle())
        finally:
            self.environment.run(self._end())

    async def _settle(self) -> None:
        for worker in self.workers:
            worker.process.skew = 0
        await self._start(0)
        await self.wind_down()
        await self.check_end()

    async def go_on_until(self, condition: str) -> None:
        """Let everything go on until a condition on the tables holds and no task stands at a gate."""
        for _ in range(_MOST_ROUNDS):
            if self.steps.gates:
                await self._let_on(self.steps.gates[0], PASS)
                continue
            [row] = await self.environment.look(f"select {condition} as holds")
            if row["holds"]:
                return
            await self.environment.advance(await self._pause())
        raise AssertionError(f"it does not come to this: {condition}")

    async def _pause(self) -> float:
        """For how many seconds nothing can happen: nothing is due, or else nobody looks."""
        [row] = await self.environment.look(_DUE)
        if row["seconds"] is not None and row["seconds"] > 0:
            return float(row["seconds"])
        timer = self.environment.loop.next_timer
        return 5.0 if timer is None else max(timer - self.environment.loop.seconds, 0.001)

    async def _end(self) -> None:
        for process in [worker.process for worker in self.workers] + self.producers:
            await self.steps.kill(process)

    async def _let_on(self, gate: Gate, fate: str) -> None:
        note(f"  {gate.process.name}: {gate.what} {gate.about or ''} {fate}")
        self.PLAYED["steps"] += 1
        if fate != PASS:
            self.PLAYED[f"{gate.what} {fate}"] += 1
        await self.steps.open(gate, fate)
        await self._look_around()

    async def _run_on(self, process: Process, fate: str, after: int, slow: bool) -> None:
        await self.steps.rest()
        for number in range(_MOST_STEPS):
            gates = [
                gate for gate in self.steps.gates if gate.process is process and not (slow and gate.what in OUTSIDE)
            ]
            if not gates:
                return
            await self._let_on(gates[0], fate if number == after else PASS)

    async def _start(self, skew: float) -> None:
        self.started += 1
        process = Process(f"worker {self.started}", skew)
        self.workers.append(SimulatedWorker(self.environment, process, self.handlers(process)))
        await self.steps.rest()

    def produce(
        self,
        name: str,
        change: Callable[[AsyncSession], Awaitable[object]],
        *,
        refused: tuple[type[Exception], ...] = (),
    ) -> None:
        """Let a process of its own make a change in a transaction, up to its first gate. It may be `refused` so."""
        process = Process(name)
        self.producers.append(process)
        self.steps.spawn(process, self._change(process, change, refused))
        self._step(self.steps.rest())

    async def _change(
        self,
        process: Process,
        change: Callable[[AsyncSession], Awaitable[object]],
        refused: tuple[type[Exception], ...],
    ) -> None:
        try:
            async with self.environment.database.transaction() as session:
                await change(session)
        except Exception as error:
            if not isinstance(error, (ConnectionError, *refused)):
                self.fault = error
                raise
            note(f"  {process.name}: {error}")
        finally:
            if process in self.producers:
                self.producers.remove(process)

    def _step(self, work: Any) -> None:
        self._guarded(self._checked(work))

    async def _checked(self, work: Any) -> None:
        await work
        await self._look_around()

    async def _look_around(self) -> None:
        """Check all that can be checked."""
        if self.fault is not None:
            raise AssertionError("a producer could not make its change") from self.fault
        for worker in list(self.workers):
            if worker.task.done():
                self.workers.remove(worker)
                if not worker.task.cancelled() and (error := worker.task.exception()) is not None:
                    raise AssertionError(f"{worker.process.name} ended by a fault") from error
        await self.check()

    def _guarded(self, work: Any) -> None:
        try:
            self.environment.run(work)
        except BaseException:
            self.broken = True
            raise
