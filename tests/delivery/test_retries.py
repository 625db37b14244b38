"""Kept messages are tried again on the published schedule, by workers that may die at any moment."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest

from conjunct.queue import Done, LeaseLost, Retry
from tests.delivery.conftest import World


async def test_the_whole_schedule_then_the_message_is_given_up_and_kept_for_14_days(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    begin = world.clock.now()
    await world.hand_over(world.message(hook))
    moments = [begin]
    for _ in range(7):
        await world.retry("op-1")
        moments.append(world.clock.now())

    waits = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    assert waits == [5, 300, 1800, 7200, 18000, 36000, 36000]
    assert [request.id for request in world.receiver.requests] == ["op-1"] * 8
    assert await world.attempts() == [(number, 500) for number in range(1, 9)]
    kept = await world.kept("op-1")
    assert (kept.state, kept.attempts, kept.next_at) == ("exhausted", 8, None)
    assert kept.expires_at == world.clock.now() + timedelta(days=14)
    assert await world.jobs() == []
    row = await world.destination(hook)
    assert (row.state, row.failing_since) == ("enabled", world.clock.now())


async def test_a_retry_that_succeeds_sends_the_same_message_and_forgets_it(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(503, times=2)
    await world.hand_over(world.message(hook, "op-1", {"result": ["Zoë"]}))
    assert isinstance(await world.retry("op-1"), Retry)
    assert await world.retry("op-1") == Done()
    (received,) = world.receiver.messages
    assert (received.id, received.body) == ("op-1", {"result": ["Zoë"]})
    assert received.headers["svix-timestamp"] == str(int(world.clock.now().timestamp()))
    assert await world.attempts() == [(1, 503), (2, 503), (3, 200)]
    assert await world.execute("select * from delivery_message") == []
    assert await world.jobs() == []
    assert (await world.destination(hook)).consecutive_failures == 0


@pytest.mark.parametrize(("asked", "waited"), [("7", 7), ("3600", 10), ("1", 5), ("soon", 5), ("-3", 5)])
async def test_retry_after_is_honoured_up_to_twice_the_delay(world: World, asked: str, waited: int) -> None:
    hook = await world.make_destination()
    world.receiver.fail(429, headers={"Retry-After": asked})
    await world.hand_over(world.message(hook))
    assert (await world.kept("op-1")).next_at == world.clock.now() + timedelta(seconds=waited)


async def test_retry_after_may_be_a_date(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(503, times=1)
    await world.hand_over(world.message(hook))
    second = world.clock.now() + timedelta(seconds=5)
    asked = second + timedelta(minutes=8)
    world.receiver.fail(503, headers={"Retry-After": format_datetime(asked, usegmt=True)})
    await world.retry("op-1")
    assert (await world.kept("op-1")).next_at == asked


async def test_410_to_a_retry_disables_and_sets_the_message_aside(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500, times=1)
    await world.hand_over(world.message(hook))
    world.receiver.fail(410)
    assert await world.retry("op-1") == Done()
    kept = await world.kept("op-1")
    assert (kept.state, kept.attempts, kept.next_at) == ("pending", 2, None)
    assert (await world.destination(hook)).state == "disabled"
    assert len(world.disabled) == 1


async def test_messages_given_up_over_120_hours_disable_the_destination(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    begin = world.clock.now()

    async def give_up(id_: str) -> None:
        await world.hand_over(world.message(hook, id_))
        while (await world.kept(id_)).state == "pending":
            await world.retry(id_)

    days = 0
    while (await world.destination(hook)).state == "enabled":
        await give_up(f"day-{days}")
        days += 1
    row = await world.destination(hook)
    assert row.failing_since < world.clock.now() - timedelta(hours=120)
    assert world.clock.now() - begin < timedelta(days=9)
    assert "120 hours" in row.disabled_reason
    assert [heard.reason for heard in world.disabled] == [row.disabled_reason]
    assert days > 4


async def test_one_success_keeps_the_destination_enabled(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(world.message(hook, "first"))
    while (await world.kept("first")).state == "pending":
        await world.retry("first")
    world.receiver.recover()
    world.clock.advance(timedelta(hours=119))
    await world.hand_over(world.message(hook, "good"))
    assert (await world.destination(hook)).failing_since is None


async def test_while_the_breaker_is_open_a_retry_waits_without_costing_an_attempt(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(world.message(hook, "op-1"))
    await world.hand_over(*(world.message(hook, f"more-{n}") for n in range(4)))
    tried = len(world.receiver.requests)
    await world.execute("update delivery_message set next_at = :now", now=world.clock.now())
    outcome = await world.run_job("op-1")
    assert outcome == Retry(timedelta(seconds=5), "the destination takes nothing at present", counted=False)
    kept = await world.kept("op-1")
    assert (kept.attempts, kept.next_at) == (1, world.clock.now() + timedelta(seconds=5))
    assert len(world.receiver.requests) == tried


async def test_a_message_that_waited_longer_than_the_schedule_is_given_up(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(*(world.message(hook, f"op-{n}") for n in range(5)))
    then = world.clock.advance(timedelta(hours=40))
    await world.execute("update delivery_message set next_at = :then", then=then)
    await world.execute("update destination set breaker_open_until = :until", until=then + timedelta(minutes=5))
    assert await world.run_job("op-0") == Done()
    kept = await world.kept("op-0")
    assert (kept.state, kept.attempts) == ("exhausted", 1)
    assert (await world.destination(hook)).failing_since == then


async def test_a_disabled_destination_gets_no_retry_and_keeps_its_messages(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(world.message(hook))
    await world.execute("update destination set state = 'disabled'")
    assert await world.retry("op-1") == Done()
    kept = await world.kept("op-1")
    assert (kept.state, kept.attempts, kept.next_at) == ("pending", 1, None)
    assert len(world.receiver.requests) == 1
    assert await world.jobs() == []


async def test_a_worker_that_lost_its_lease_writes_nothing(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500, times=1)
    await world.hand_over(world.message(hook))
    world.clock.advance(timedelta(seconds=5))
    lost = await world.claim("op-1")
    await world.execute("update job set state = 'ready', worker = null, lease_until = null")
    taken_over = await world.claim("op-1")
    with pytest.raises(LeaseLost):
        await world.service.handlers()[lost.kind](lost)
    assert await world.attempts() == [(1, 500)]
    assert await world.service.handlers()[taken_over.kind](taken_over) == Done()
    assert world.receiver.ids == ["op-1", "op-1"]
    assert await world.attempts() == [(1, 500), (2, 200)]


async def test_a_worker_that_dies_after_recording_does_not_hasten_the_next_attempt(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(world.message(hook))
    world.clock.advance(timedelta(seconds=5))
    job = await world.claim("op-1")
    await world.service.handlers()[job.kind](job)  # and dies before the queue hears of it
    outcome = await world.run_job("op-1")
    assert outcome == Retry(timedelta(minutes=5), "not due yet", counted=False)
    assert await world.attempts() == [(1, 500), (2, 500)]


async def test_a_second_chain_of_one_message_ends_itself(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(world.message(hook))
    world.clock.advance(timedelta(seconds=5))
    job = await world.claim("op-1")

    async def meanwhile() -> None:
        await world.receiver.wait_for(2, requests=True)
        await world.execute("update delivery_message set attempts = 5, next_at = next_at + interval '1 hour'")

    world.receiver.delay(0.3)
    outcome, _ = await asyncio.gather(world.service.handlers()[job.kind](job), meanwhile())
    assert outcome == Done()
    assert (await world.kept("op-1")).attempts == 5


async def test_another_tenants_job_opens_nothing(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(world.message(hook))
    world.clock.advance(timedelta(seconds=5))
    await world.execute("update job set tenant = :other", other=world.other.project_id)
    assert await world.run_job("op-1") == Done()
    assert len(world.receiver.requests) == 1


async def test_removing_the_destination_ends_its_retries(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(world.message(hook))
    async with world.database.transaction() as session:
        await world.service.destinations.remove(session, world.project_id, hook["id"])
    assert await world.execute("select * from delivery_message") == []
    assert await world.run_job("op-1") == Done()
    assert await world.jobs() == []


async def test_a_real_worker_delivers_what_failed(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500, times=1)
    await world.hand_over(world.message(hook))
    world.clock.advance(timedelta(seconds=5))
    await world.execute("update job set run_at = now()")
    stop = asyncio.Event()
    worker = asyncio.create_task(world.engine.run_worker(world.service.handlers(), stop))
    await world.receiver.wait_for(1)
    stop.set()
    await worker
    assert await world.execute("select * from delivery_message") == []
    assert await world.jobs() == []


async def test_the_sweeps_are_scheduled_once(world: World) -> None:
    for _ in range(2):
        async with world.database.transaction() as session:
            await world.service.ensure_schedules(session)
    rows = await world.execute("select kind from schedule order by kind")
    assert [row.kind for row in rows] == ["delivery.sweep", "delivery.sweep_kept"]
    kinds = {"delivery.retry", "delivery.recover", "delivery.sweep", "delivery.sweep_kept"}
    assert set(world.service.handlers()) == kinds
