"""What is old is removed, in bounded steps, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conjunct.delivery import retention
from conjunct.queue import Done, Job
from tests.delivery.conftest import World


async def sweep(world: World) -> retention.Swept:
    async with world.database.transaction() as session:
        return await world.service.sweep(session, world.clock.now())


async def test_attempts_go_after_30_days(world: World) -> None:
    hook = await world.make_destination()
    await world.hand_over(world.message(hook, "old"))
    world.clock.advance(timedelta(days=30))
    await world.hand_over(world.message(hook, "new"))
    assert await sweep(world) == retention.Swept(0, 0)
    world.clock.advance(timedelta(seconds=1))
    assert await sweep(world) == retention.Swept(1, 0)
    assert await world.attempts("old") == []
    assert await world.attempts("new") == [(1, 200)]


async def test_messages_given_up_go_after_14_days_and_pending_ones_stay(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(world.message(hook, "exhausted"))
    while (await world.kept("exhausted")).state == "pending":
        await world.retry("exhausted")
    await world.hand_over(world.message(hook, "pending"))
    world.clock.advance(timedelta(days=14) - timedelta(seconds=1))
    assert (await sweep(world)).messages == 0
    world.clock.advance(timedelta(seconds=1))
    assert (await sweep(world)).messages == 1
    assert [row.id for row in await world.execute("select id from delivery_message")] == ["pending"]


async def test_one_sweep_is_bounded_and_its_job_repeats_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    hook = await world.make_destination()
    await world.hand_over(*(world.message(hook, f"op-{n}") for n in range(5)))
    world.clock.advance(timedelta(days=31))
    assert await sweep(world) == retention.Swept(2, 0)
    job = Job(1, "", "delivery.sweep", "delivery.sweep", "delivery.sweep", 1, 10, "w")
    assert await world.service.handlers()["delivery.sweep"](job) == Done()
    assert await world.execute("select * from delivery_attempt") == []
