"""Slow destinations get a few tries at once, and leave places to what else their project has to do."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

from conjunct.delivery.crowding import FEW, QUICK, Crowding
from conjunct.queue import Done, Job, NewJob, Options, Outcome, PostgresEngine
from tests.delivery.conftest import World


class Clock:
    """Seconds that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_destination_that_is_not_known_gets_a_few() -> None:
    crowding = Crowding()
    with ExitStack() as places:
        for _ in range(FEW):
            assert not crowding.is_full("p", "d", 10)
            places.enter_context(crowding.place("p", "d"))
        assert crowding.is_full("p", "d", 10)
        assert not crowding.is_full("p", "another", 10)
    assert not crowding.is_full("p", "d", 10)


def test_one_that_answers_quickly_gets_as_many_as_come() -> None:
    crowding = Crowding(Clock())
    with crowding.trying("d"):
        pass
    with ExitStack() as places:
        for _ in range(100):
            places.enter_context(crowding.place("p", "d"))
        assert not crowding.is_full("p", "d", 1)


def test_one_late_answer_makes_it_slow_and_a_quick_one_quick_again() -> None:
    crowding = Crowding(clock := Clock())
    with crowding.trying("d"):
        pass
    with ExitStack() as places:
        for _ in range(FEW):
            places.enter_context(crowding.place("p", "d"))
        with crowding.trying("d"):
            clock.now += QUICK + 1
            assert crowding.is_full("p", "d", 10)
        assert crowding.is_full("p", "d", 10)
        assert crowding.wait("d") == QUICK + 1
        with crowding.trying("d"):
            pass
        assert not crowding.is_full("p", "d", 10)


def test_all_slow_destinations_of_a_project_share_its_part() -> None:
    crowding = Crowding(clock := Clock())
    for name in "abc":
        with crowding.trying(name):
            clock.now += QUICK + 1
    with ExitStack() as places:
        for name in "ab":
            assert not crowding.is_full("p", name, 2)
            places.enter_context(crowding.place("p", name))
        assert crowding.is_full("p", "c", 2)
        assert not crowding.is_full("another project", "c", 2)
        assert not crowding.is_full("p", "one that is new", 2)
        places.enter_context(crowding.place("p", "one that is new"))
        assert crowding.is_full("p", "another that is new", 2)


async def test_what_hangs_holds_up_neither_other_destinations_nor_other_jobs(world: World) -> None:
    """More messages for destinations that hang than the project has places; then one for another, and other work."""
    hanging = [await world.make_destination(f"hangs-{n}") for n in range(3)]
    quick, done = await world.make_destination("quick"), asyncio.Event()
    world.receiver.hang(10)  # half of the project's places
    engine = PostgresEngine(world.database, Options(tenant_cap=20))

    async def other_work(_job: Job) -> Outcome:
        done.set()
        return Done()

    async with world.database.transaction() as session:
        stuck = [world.message(each, f"{each['name']}-{n}") for n in range(8) for each in hanging]
        await world.service.enqueue(session, stuck)
    handlers = {**world.service.handlers(), "test.other": other_work}
    worker = asyncio.create_task(engine.run_worker(handlers, asyncio.Event()))
    try:
        await world.receiver.wait_for(10, requests=True)
        async with world.database.transaction() as session:
            await world.service.enqueue(session, [world.message(quick, "through")])
            await engine.enqueue(session, [NewJob(world.project_id, "test.other", "x")])
        async with asyncio.timeout(20):
            await done.wait()
            await world.receiver.wait_for(1)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    assert world.receiver.ids == ["through"]
    assert len(world.receiver.requests) == 11
