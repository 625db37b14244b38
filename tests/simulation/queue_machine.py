"""The queue under all interleavings: nothing lost, nothing done twice, one at a time in a lane, in order, in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy import text

from conjunct.queue import Dead, Done, Handler, Job, NewJob, Outcome, PostgresEngine, Retry, Schedule
from tests.simulation.environment import Environment
from tests.simulation.machine import OPTIONS, Machine
from tests.simulation.stepping import FAIL, PASS, UNKNOWN, Process

LANES = st.sampled_from([None, "a/1", "a/1", "a/2", "b/1"])
ENDINGS = ("done", "finish", "finish", "retry", "wait", "dead", "raise", "note", "note")
FRONT = ("ready", "running", "delayed")


Rows = Mapping[Any, Any]
"""Rows of a table by their keys."""


@dataclass
class Ordered:
    """A job that somebody handed in: when that began and when it was committed, in steps; None while it is not."""

    lane: str | None
    begun: int
    committed: int | None = None


Attempt = tuple[int, int, str]
"""A job's id, the number of the attempt, and the worker."""


@dataclass
class Seen:
    """What the outside saw: what attempts decided, and what was to be cancelled."""

    done: set[Attempt] = field(default_factory=set)
    dead: set[Attempt] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)


class QueueMachine(Machine):
    """Workers, producers that enqueue and cancel, schedules."""

    TABLES: ClassVar[tuple[str, ...]] = ("job", "schedule", "worker", "simulated.effect")

    def __init__(self) -> None:
        super().__init__()
        self.engine = PostgresEngine(self.environment.database, OPTIONS)
        self.seen = Seen()
        self.ordered: dict[str, Ordered] = {}
        self.known: Rows = {}
        self.schedules: Rows = {}
        self.rounds = 0
        self.calls: Counter[str] = Counter()
        self.endings: dict[str, str] = {}
        self.written = 0

    def hand_in_first(self, opening: str, variant: bool) -> None:
        """See `Machine`. It writes something and comes back, if it may, or is finished; one more waits in its lane."""
        self.endings["job-1"] = "note" if opening == "lost lease" else "finish"
        self._hand_in(["a/1", "a/1"], most=1 if variant else 10)

    def leave_a_lane(self) -> None:
        """See `Machine`. Whoever enqueues holds the lane meanwhile, so that the finished job promotes nobody."""
        [at_work] = [gate for gate in self.steps.gates if gate.what == "work"]
        self._hand_in(["a/1"])
        [begins] = [gate for gate in self.steps.gates if gate.process in self.producers]
        self._step(self._let_on(begins, PASS))  # it is about to commit
        for _ in range(3):
            [gate] = [each for each in self.steps.gates if each.task is at_work.task]
            self._step(self._let_on(gate, PASS))
        self._step(self.steps.kill(self.workers.pop(0).process))
        self._step(self._finish_producers())

    def put_again(self) -> None:
        """See `Machine`."""
        for _ in range(2):
            self.change("put", 0, "x", "* * * * *")
            self._step(self._finish_producers())
            self._step(self.environment.advance(90))

    def handlers(self, _process: Process) -> Mapping[str, Handler]:
        """Handlers that end as the job's name and the number of the attempt say."""

        async def handle(job: Job) -> Outcome:
            if await self.steps.pause("work", f"{job.ref_id} #{job.attempts}") in (FAIL, UNKNOWN):
                raise RuntimeError("simulated: the handler fails")
            return await self._end_attempt(job)

        return {"work": handle, "tick": handle}

    async def _end_attempt(self, job: Job) -> Outcome:
        self.calls[job.ref_id] += 1
        calls = self.calls[job.ref_id]
        drawn = ENDINGS[(sum(job.ref_id.encode()) + calls) % len(ENDINGS)] if calls < 6 else "done"
        ending = self.endings.pop(job.ref_id, drawn)
        match ending:
            case "finish":
                await self._effect(job, finished=True)
            case "note":
                await self._effect(job, finished=False)
                return Retry(timedelta(seconds=3), "once more", counted=False)
            case "retry":
                return Retry(timedelta(seconds=5), "failed")
            case "wait":
                return Retry(timedelta(seconds=90), "not yet", counted=False)
            case "dead":
                self.seen.dead.add((job.id, job.attempts, job.worker))
                return Dead("hopeless")
            case "raise":
                raise RuntimeError("simulated: the handler fails")
        self.seen.done.add((job.id, job.attempts, job.worker))
        return Done()

    async def _effect(self, job: Job, *, finished: bool) -> None:
        """Write something that only the running attempt may write."""
        async with self.environment.database.transaction() as session:
            if finished:
                await self.engine.finish(session, job)
            else:
                await self.engine.fence(session, job)
            await session.execute(
                text(
                    "insert into simulated.effect (job, attempts, worker, finished) "
                    "values (:job, :attempts, :worker, :finished)"
                ),
                {"job": job.id, "attempts": job.attempts, "worker": job.worker, "finished": finished},
            )

    @rule(
        lanes=st.lists(LANES, min_size=1, max_size=3),
        delay=st.sampled_from([0, 0, 0, 20, 3600]),
        most=st.sampled_from([1, 2, 10]),
        unique=st.booleans(),
    )
    def enqueue(self, lanes: list[str | None], delay: int, most: int, unique: bool) -> None:
        """Somebody hands jobs in."""
        self._hand_in(lanes, delay, most, unique)

    def _hand_in(self, lanes: Sequence[str | None], delay: int = 0, most: int = 10, unique: bool = False) -> None:
        at = self.environment.now + timedelta(seconds=delay) if delay else None
        jobs = []
        for lane in lanes:
            ref = f"job-{len(self.ordered) + 1}"
            jobs.append(NewJob("ab"[lane == "b/1"], "work", ref, lane, at, most, unique and lane is not None))
            self.ordered[ref] = Ordered(lane, self.rounds)
        self.produce(f"producer of {', '.join(self.ordered)}", lambda session: self.engine.enqueue(session, jobs))

    @rule(
        kind=st.sampled_from(["cancel", "put", "put", "remove"]),
        back=st.integers(0, 5),
        key=st.sampled_from("xy"),
        cron=st.sampled_from(["* * * * *", "*/5 * * * *", "0 * * * *"]),
    )
    def change(self, kind: str, back: int, key: str, cron: str) -> None:
        """Somebody cancels a job if it does not run yet, puts or changes a schedule, or removes one."""
        if kind == "put":
            schedule = Schedule("a", key, f"a/{key}", "tick", f"tick-{key}", cron)
            self.produce(f"scheduler of {key}", lambda session: self.engine.put_schedule(session, schedule))
        elif kind == "remove":
            self.produce(f"remover of {key}", lambda session: self.engine.remove_schedules(session, "a", [key]))
        elif self.ordered:
            ref = list(self.ordered)[-1 - back % len(self.ordered)]
            tenant = "ab"[self.ordered[ref].lane == "b/1"]
            self.seen.cancelled.add(ref)
            self.produce(
                f"canceller of {ref}", lambda session: self.engine.cancel(session, tenant=tenant, ref_ids=[ref])
            )

    async def check(self) -> None:
        """What must hold after every step; a step commits one transaction at most."""
        self.rounds += 1
        rows = {row["id"]: row for row in await self.environment.look("select * from job order by id")}
        schedules = {row["key"]: row for row in await self.environment.look("select * from schedule")}
        effects = await self.environment.look(
            "select job, attempts, worker, finished from simulated.effect order by id"
        )
        finished = {(row["job"], row["attempts"], row["worker"]) for row in effects if row["finished"]}
        self._check_states(rows)
        self._check_written(effects)
        self._check_gone(rows, self.seen.done | finished)
        await self._check_lanes(rows)
        self._check_new(rows)
        self._check_order(rows)
        self._check_schedules(rows, schedules)
        self.known, self.schedules = rows, schedules

    def _check_states(self, rows: Rows) -> None:
        lost = [id_ for id_, row in rows.items() if (row["error"] or "").startswith("worker") and row["worker"] is None]
        self.PLAYED["lost leases"] += sum(self.known[id_]["state"] == "running" for id_ in lost)
        running: Counter[str] = Counter()
        fronts: set[str] = set()
        for row in rows.values():
            ref, state, lane = row["ref_id"], row["state"], row["lane"]
            if state == "running":
                running[row["tenant"]] += 1
                assert row["worker"] is not None, f"{ref} runs nowhere"
                assert row["lease_until"] is not None, f"{ref} runs without a lease"
                assert row["attempts"] <= row["max_attempts"], f"{ref} has had more attempts than it may"
            if state in ("running", "ready"):
                assert row["run_at"] <= self.environment.now, f"{ref} is taken before its time"
            if lane is not None and state in FRONT:
                assert lane not in fronts, f"two are at the front of {lane}"
                fronts.add(lane)
            if state == "dead" and row["attempts"] < row["max_attempts"]:
                before = self.known[row["id"]]
                assert before["state"] == "dead" or _attempt(before) in self.seen.dead, f"nobody gave {ref} up"
        assert max(running.values(), default=0) <= OPTIONS.tenant_cap, f"more of a tenant run than may: {running}"

    def _check_written(self, effects: Sequence[Any]) -> None:
        """What is written was written by the attempt that ran when it was committed."""
        for each in effects[self.written :]:
            job = self.known.get(each["job"])
            attempt = each["job"], each["attempts"], each["worker"]
            held = job is not None and job["state"] == "running" and _attempt(job) == attempt
            assert held, f"{attempt} has written, and is not the running attempt: {job}"
        self.written = len(effects)

    async def _check_lanes(self, rows: Rows) -> None:
        """A lane loses its front without a next one only while somebody holds it who enqueues."""
        for lane in _stranded(rows) - _stranded(self.known):
            held = await self.environment.look(
                "select from pg_locks where locktype = 'advisory' and mode = 'ShareLock'"
            )
            assert held, f"nobody goes on in {lane}"

    def _check_gone(self, rows: Rows, done: set[Attempt]) -> None:
        for id_, before in self.known.items():
            if id_ not in rows:
                ref = before["ref_id"]
                if before["state"] == "running":
                    assert _attempt(before) in done, f"{ref} is gone although its attempt has not ended"
                else:
                    assert ref in self.seen.cancelled, f"{ref} is gone although nobody has done it"

    def _check_new(self, rows: Rows) -> None:
        for id_ in rows.keys() - self.known.keys():
            order = self.ordered.get(ref := rows[id_]["ref_id"])
            if order is not None:
                assert order.committed is None, f"{ref} is there twice"
                order.committed = self.rounds

    def _check_order(self, rows: Rows) -> None:
        """Of one lane, what was handed in before something else began to be goes before it."""
        lanes: dict[str, list[Any]] = {}
        for row in rows.values():
            if row["lane"] is not None and row["ref_id"] in self.ordered and row["state"] != "dead":
                lanes.setdefault(row["lane"], []).append(row)
        for members in lanes.values():
            fronts = [self.ordered[row["ref_id"]] for row in members if row["state"] in FRONT]
            waiting = [self.ordered[row["ref_id"]].committed for row in members if row["state"] == "waiting"]
            for front in fronts:
                passed = [moment for moment in waiting if moment is not None and moment < front.begun]
                assert not passed, f"the front of {front.lane} has passed what was there first"

    def _check_schedules(self, rows: Rows, schedules: Rows) -> None:
        """Each fires once for what is due, only then, and not where its last job is unfinished."""
        now = self.environment.now
        new = {rows[id_]["ref_id"] for id_ in rows.keys() - self.known.keys() if rows[id_]["kind"] == "tick"}
        busy = {row["lane"] for row in self.known.values() if row["state"] != "dead"}
        for key, row in schedules.items():
            before = self.schedules.get(key)
            if before is None or before["cron"] != row["cron"] or before["next_at"] == row["next_at"]:
                assert row["ref_id"] not in new, f"{key} has fired and is still due"
                continue
            assert before["next_at"] <= now, f"{key} has fired at {now}, before {before['next_at']}"
            following = Schedule("a", key, row["lane"], "tick", row["ref_id"], row["cron"]).next_after(now)
            assert row["next_at"] == following, f"{key} comes next at {row['next_at']} instead of {following}"
            assert (row["ref_id"] in new) != (row["lane"] in busy), f"{key} is due, and makes no job or one too many"

    async def wind_down(self) -> None:
        """See `Machine`. What is due of schedules fires; what they would make later is of no interest."""
        await self.go_on_until("not exists (select from schedule where next_at <= now())")
        await self.environment.look("delete from schedule")
        self.schedules = {}
        await self.go_on_until("not exists (select from job where state <> 'dead')")

    async def check_end(self) -> None:
        """Fenced writes came from one attempt after another, and of each job at most one has finished it."""
        effects = await self.environment.look("select * from simulated.effect order by id")
        finished = [each["job"] for each in effects if each["finished"]]
        assert len(finished) == len(set(finished)), f"finished twice: {finished}"
        latest: Counter[int] = Counter()
        for each in effects:
            job, attempts = each["job"], each["attempts"]
            assert attempts >= latest[job], f"attempt {attempts} wrote after attempt {latest[job]} had begun"
            latest[job] = attempts


def _stranded(rows: Rows) -> set[str]:
    """The lanes in which jobs wait behind nobody."""
    fronts = {row["lane"] for row in rows.values() if row["state"] in FRONT}
    return {row["lane"] for row in rows.values() if row["state"] == "waiting"} - fronts


def _attempt(row: Any) -> Attempt:
    return row["id"], row["attempts"], row["worker"]


def queue_machine(environment: Environment) -> type[QueueMachine]:
    """The machine on that environment."""
    return type("Queue", (QueueMachine,), {"ENVIRONMENT": environment, "PLAYED": Counter()})
