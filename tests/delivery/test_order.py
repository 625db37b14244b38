"""A destination that asks for order gets the messages of each key one after another, whatever fails meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from conjunct.delivery import Message
from conjunct.queue import Job, claims, settlement
from tests.delivery.conftest import World

ORDERED = {"ordered": True}


def messages(world: World, destination: dict[str, Any], key: str, *numbers: int) -> list[Message]:
    return [world.message(destination, f"{key}{number}", ordering_key=key) for number in numbers]


async def claim(world: World) -> list[Job]:
    """Whatever a worker may run at this moment, delays being over."""
    await world.execute("update job set state = 'ready' where state = 'delayed'")
    async with world.database.transaction() as session:
        lease = timedelta(minutes=5)
        return list((await claims.claim(session, worker="w", size=10, lease=lease, tenant_cap=100)).jobs)


async def run(world: World, jobs: list[Job]) -> None:
    """Run jobs at once, as a worker does."""
    handler = world.service.handlers()["delivery.retry"]
    outcomes = await asyncio.gather(*(handler(job) for job in jobs))
    async with world.database.transaction() as session:
        await settlement.settle(session, "w", list(zip(jobs, outcomes, strict=True)))


async def work(world: World) -> None:
    """Run jobs until there are none, each at its time."""
    while jobs := await claim(world):
        [latest] = await world.execute("select max(next_at) from delivery_message where state = 'pending'")
        if latest[0] is not None and latest[0] > world.clock.now():
            world.clock.set(latest[0])
        await run(world, jobs)


def of(key: str, ids: list[str]) -> list[str]:
    return [each for each in ids if each.startswith(key)]


async def test_nothing_is_sent_before_its_order_is_certain(world: World) -> None:
    hook = await world.make_destination(delivery=ORDERED)
    await world.hand_over(*messages(world, hook, "a", 1, 2))
    assert world.receiver.requests == []
    assert [job.ref_id for job in await claim(world)] == ["a1"]
    assert await claim(world) == []


async def test_one_that_fails_holds_up_those_behind_it_and_no_others(world: World) -> None:
    hook = await world.make_destination(delivery=ORDERED)
    await world.hand_over(*messages(world, hook, "a", 1, 2), *messages(world, hook, "b", 1, 2))
    world.receiver.fail(500, times=1)
    [first, *others] = await claim(world)
    await run(world, [first])
    await run(world, others)
    assert [each.id for each in world.receiver.requests] == ["a1", "b1", "b2"]
    assert world.receiver.ids == ["b1", "b2"]
    await work(world)
    assert of("a", [each.id for each in world.receiver.requests]) == ["a1", "a1", "a2"]
    assert of("b", world.receiver.ids) == ["b1", "b2"]
    assert await world.execute("select 1 from delivery_message") == []


async def test_one_job_goes_on_with_those_behind_it_until_one_fails(world: World) -> None:
    hook = await world.make_destination(delivery=ORDERED)
    await world.hand_over(*messages(world, hook, "a", 1, 2, 3, 4))
    world.receiver.fail(500, times=1, after=2)
    await run(world, await claim(world))
    assert [each.id for each in world.receiver.requests] == ["a1", "a2", "a3"]
    row = await world.kept("a3")
    assert (row.attempts, row.next_at - world.clock.now()) == (1, timedelta(seconds=5))
    assert [await world.attempts(f"a{number}") for number in (1, 2, 3, 4)] == [[(1, 200)], [(1, 200)], [(1, 500)], []]
    assert await world.jobs() == ["a3", "a4"]
    await work(world)
    assert world.receiver.ids == ["a1", "a2", "a3", "a4"]
    assert await world.jobs() == []


async def test_two_runs_follow_one_another_though_much_fails(world: World) -> None:
    hook = await world.make_destination(delivery=ORDERED)
    await world.hand_over(*messages(world, hook, "a", 1, 2, 3))
    world.receiver.fail(503, times=4)
    await run(world, await claim(world))
    await world.hand_over(*messages(world, hook, "a", 4, 5))
    await work(world)
    requests = [each.id for each in world.receiver.requests]
    assert requests == sorted(requests)
    assert world.receiver.ids == ["a1", "a2", "a3", "a4", "a5"]


async def test_one_that_is_given_up_lets_the_next_go(world: World) -> None:
    hook = await world.make_destination(delivery=ORDERED)
    await world.hand_over(*messages(world, hook, "a", 1, 2))
    world.receiver.fail(500, times=8)
    await work(world)
    assert world.receiver.ids == ["a2"]
    assert (await world.kept("a1")).state == "exhausted"


async def test_a_worker_that_dies_while_it_sends_repeats_and_never_reorders(world: World) -> None:
    hook = await world.make_destination(delivery=ORDERED)
    await world.hand_over(*messages(world, hook, "a", 1, 2, 3))
    [job] = await claim(world)
    world.receiver.hang(times=1)
    sending = asyncio.ensure_future(world.service.handlers()[job.kind](job))
    await world.receiver.wait_for(1, requests=True)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    world.receiver.recover()
    assert await claim(world) == [], "its lease is not over"
    await world.execute("update job set state = 'ready', worker = null, lease_until = null where state = 'running'")
    await work(world)
    assert [each.id for each in world.receiver.requests] == ["a1", "a1", "a2", "a3"]


async def test_a_worker_that_was_only_slow_sends_nothing_that_was_delivered_meanwhile(world: World) -> None:
    hook = await world.make_destination(delivery=ORDERED)
    await world.hand_over(*messages(world, hook, "a", 1, 2))
    [slow] = await claim(world)
    await world.execute("update job set state = 'ready', worker = null, lease_until = null where state = 'running'")
    await work(world)
    await world.service.handlers()[slow.kind](slow)
    assert [each.id for each in world.receiver.requests] == ["a1", "a2"]


async def test_a_repeat_after_a_crash_keeps_its_place(world: World) -> None:
    hook = await world.make_destination(delivery=ORDERED)
    await world.hand_over(*messages(world, hook, "a", 1, 2))
    await world.hand_over(*messages(world, hook, "a", 1, 2, 3), service=world.another_process())
    await work(world)
    assert world.receiver.ids == ["a1", "a2", "a3"]


async def test_what_is_asked_for_goes_in_the_order_in_which_it_was_held(world: World) -> None:
    hook = await world.make_destination(delivery=ORDERED)
    async with world.database.transaction() as session:
        await world.service.holds.add(session, world.project_id, "people", messages(world, hook, "a", 9, 5, 7))
    async with world.database.transaction() as session:
        await world.service.holds.ask(session, world.project_id, "people", 3)
    world.receiver.fail(500, times=1)
    await work(world)
    assert [each.id for each in world.receiver.requests] == ["a9", "a9", "a5", "a7"]


async def test_notifications_to_an_ordered_destination_follow_one_another(world: World) -> None:
    hook = await world.make_destination(delivery=ORDERED)
    for number in (3, 1, 2):
        async with world.database.transaction() as session:
            await world.service.enqueue(session, [world.message(hook, f"event-{number}")])
    world.receiver.fail(500, times=2)
    await work(world)
    assert [each.id for each in world.receiver.requests] == ["event-3"] * 3 + ["event-1", "event-2"]


async def test_the_order_is_kept_while_the_breaker_is_open_and_within_a_limit(world: World) -> None:
    hook = await world.make_destination(delivery={"ordered": True, "rate_per_second": 50})
    await world.hand_over(*messages(world, hook, "a", *range(1, 9)))
    world.receiver.fail(500, times=7)
    await work(world)
    assert world.receiver.ids == [f"a{number}" for number in range(1, 9)]
    requests = [each.id for each in world.receiver.requests]
    assert requests == sorted(requests)
