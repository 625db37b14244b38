"""Long jobs make room: for those who wait, behind them, and no more of them than others need."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from conjunct.queue import Done, Job, NewJob, Options, Outcome, PostgresEngine, Yield, turns
from tests.queue.conftest import OPTIONS, Queue


@pytest.fixture
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn is over at once, and whoever waits at all has waited long enough."""
    for name in ("TURN", "ASKED_EVERY", "WAITED"):
        monkeypatch.setattr(turns, name, 0.0)


async def _age(queue: Queue) -> None:
    await queue.execute("update job set run_at = run_at - interval '1 minute' where state in ('ready', 'yielded')")


async def test_a_job_that_yields_goes_behind_the_others_of_its_tenant_and_loses_no_attempt(queue: Queue) -> None:
    await queue.enqueue(*[NewJob("p", "k", ref, lane=f"p/{ref}") for ref in ("long", "second", "third")])
    await queue.enqueue(NewJob("p", "k", "behind", lane="p/long"))
    [job] = await queue.claim(1)
    await queue.settle((job, Yield()))
    assert (await queue.states())["long"] == "yielded"
    await queue.enqueue(NewJob("p", "k", "newer", lane="p/newer"), NewJob("p", "k", "behind too", lane="p/long"))

    taken = [await queue.claim_on(1) for _ in range(4)]
    assert [[(each.ref_id, each.attempts) for each in jobs] for jobs in taken] == [
        [("second", 1)],
        [("third", 1)],
        [("newer", 1)],
        [("long", 1)],
    ]
    states = await queue.states()
    assert (states["behind"], states["behind too"]) == ("waiting", "waiting")


async def test_a_job_that_has_yielded_can_be_cancelled_and_the_next_of_its_lane_comes(queue: Queue) -> None:
    await queue.enqueue(NewJob("p", "k", "long", lane="p/x"), NewJob("p", "k", "behind", lane="p/x"))
    [job] = await queue.claim(1)
    await queue.settle((job, Yield()))
    assert await queue.run(lambda session: queue.engine.cancel(session, tenant="p", ref_ids=["long"])) == 1
    assert await queue.states() == {"behind": "ready"}


async def test_whoever_has_not_begun_goes_before_all_that_yielded_and_those_never_starve(queue: Queue) -> None:
    """One place that becomes free again and again: 20 tenants' long jobs yield, the short ones of another just end."""
    await queue.enqueue(*[NewJob(f"t{n:02}", "long", f"{n}") for n in range(20)])
    await queue.settle(*[(job, Yield()) for job in await queue.claim(20)])
    await queue.enqueue(*[NewJob("new", "short", f"{n}") for n in range(45)])

    taken = []
    for _ in range(69):
        [job] = await queue.claim_on(1)
        await queue.settle((job, Done() if job.kind == "short" else Yield()))
        taken.append(job)
    kinds = "".join(job.kind[0] for job in taken)
    assert kinds == "sssssssssl" * 5 + "l" * 19
    turns_of = [job.tenant for job in taken if job.kind == "long"]
    assert sorted(turns_of[:20]) == sorted(f"t{n:02}" for n in range(20))  # and one after the other among themselves
    assert len(set(turns_of)) == 20


async def test_what_an_attempt_says_after_it_has_yielded_counts_no_more(queue: Queue) -> None:
    await queue.enqueue(NewJob("p", "k", "long"))
    [first] = await queue.claim(1)
    await queue.settle((first, Yield()))
    [second] = await queue.claim_on(1)
    assert (second.worker, second.attempts) == (first.worker, first.attempts)
    await queue.settle((first, Done()))
    await queue.settle((first, Yield()))
    assert await queue.states() == {"long": "running"}
    await queue.settle((second, Done()))
    assert await queue.states() == {}


async def test_nobody_is_told_to_make_room_where_nobody_waits(queue: Queue, short_turns: None) -> None:
    await queue.enqueue(NewJob("p", "k", "long"), NewJob("p", "k", "later", run_at=_tomorrow()))
    [job] = await queue.claim(1)
    assert not await queue.engine.is_turn_over(job, 100.0)


async def test_as_many_make_room_as_there_are_jobs_that_wait(
    queue: Queue, short_turns: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await queue.enqueue(*[NewJob(f"p{n}", "k", f"{n}") for n in range(10)])
    running = await queue.claim(10)
    await queue.enqueue(NewJob("new", "k", "a"), NewJob("newer", "k", "b"))
    await _age(queue)
    assert [await queue.engine.is_turn_over(job, 0.1) for job in running[:1]] == [True]
    monkeypatch.setattr(turns, "ASKED_EVERY", 60.0)
    assert [await queue.engine.is_turn_over(job, 0.1) for job in running[1:]] == [True] + [False] * 8


async def test_those_of_a_tenant_at_its_cap_are_waited_for_by_its_own_jobs_alone(
    queue: Queue, short_turns: None
) -> None:
    engine = PostgresEngine(queue.database, turned(cap=2))
    await queue.enqueue(*[NewJob("big", "k", f"{n}") for n in range(3)], NewJob("other", "k", "theirs"))
    running = {job.tenant: job for job in await queue.claim(10, cap=2)}
    await _age(queue)
    assert await queue.states() == {"0": "running", "1": "running", "2": "ready", "theirs": "running"}
    assert not await engine.is_turn_over(running["other"], 100.0)
    assert await engine.is_turn_over(running["big"], 100.0)


async def test_a_job_keeps_its_place_for_a_turn_and_until_others_have_waited(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    await queue.enqueue(NewJob("p", "k", "long"), NewJob("new", "k", "a"))
    [job] = await queue.claim(1)
    assert not await queue.engine.is_turn_over(job, turns.TURN + 1)  # it may be claimed in this very moment
    monkeypatch.setattr(turns, "ASKED_EVERY", 0.0)
    await _age(queue)
    assert not await queue.engine.is_turn_over(job, turns.TURN - 1)
    assert await queue.engine.is_turn_over(job, turns.TURN + 1)


async def test_a_newcomer_has_its_turn_although_more_long_jobs_than_places_never_end(
    queue: Queue, short_turns: None
) -> None:
    """Real workers, all of whose places are taken by jobs that go on for ever: of many tenants, and of its own."""
    ended, rounds, came = asyncio.Event(), Counter[str](), Counter[str]()

    async def endless(job: Job) -> Outcome:
        rounds[job.ref_id] += 1
        began = asyncio.get_running_loop().time()
        while not ended.is_set():
            await asyncio.sleep(0.01)
            if await engine.is_turn_over(job, asyncio.get_running_loop().time() - began):
                return Yield()
        return Done()

    async def short(job: Job) -> Outcome:
        came[job.ref_id] += 1
        return Done()

    await queue.enqueue(*[NewJob(f"t{n}", "endless", f"{n}", lane=f"t{n}/x") for n in range(12)])
    await queue.enqueue(*[NewJob("mine", "endless", f"mine{n}", lane=f"mine/{n}") for n in range(6)])
    options = turned(cap=2, slots=3)
    engine = PostgresEngine(queue.database, options)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(engine.run_worker({"endless": endless, "short": short}, stop))
        await queue.until("(select count(*) from job where state = 'running') = 6")
        await queue.enqueue(NewJob("stranger", "short", "theirs"), NewJob("mine", "short", "own"))
        await queue.until("not exists (select from job where kind = 'short')")
        assert came == {"theirs": 1, "own": 1}
        async with asyncio.timeout(30):
            while len(rounds) < 18:  # noqa: ASYNC110 - and every one of the long ones has its turns too
                await asyncio.sleep(0.01)
        ended.set()
        await queue.until("not exists (select from job)")
        stop.set()


async def test_all_make_room_when_their_worker_stops(queue: Queue) -> None:
    engine = PostgresEngine(queue.database, OPTIONS)
    running = asyncio.Event()

    async def long(job: Job) -> Outcome:
        running.set()
        while not await engine.is_turn_over(job, 0.0):  # noqa: ASYNC110 - as between two pages
            await asyncio.sleep(0.01)
        return Yield()

    await queue.enqueue(NewJob("p", "long", "a", lane="p/a"))
    stop = asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(engine.run_worker({"long": long}, stop))
        await running.wait()
        stop.set()
    [row] = await queue.execute("select state, worker, attempts from job")
    assert tuple(row) == ("yielded", None, 0)
    [job] = await queue.claim_on(1)
    assert not await engine.is_turn_over(job, 100.0)  # that worker is gone


def turned(*, cap: int, slots: int = 20) -> Options:
    """The options of these tests with a cap of a tenant, and places."""
    return replace(OPTIONS, tenant_cap=cap, slots=slots)


def _tomorrow() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)
