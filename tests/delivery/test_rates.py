"""Limits on messages in a second, which all processes keep together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from conjunct.core.pacing import NoneLeft, Pace
from conjunct.delivery import courier, rates
from conjunct.delivery.rates import Rates
from conjunct.delivery.terms import PLAIN
from conjunct.queue import Done, Retry
from tests.delivery.conftest import OPTIONS, World

Stop = Callable[[int], None]


@pytest.fixture
def stop(monkeypatch: pytest.MonkeyPatch) -> Stop:
    """Have the limits' time stand still at that second, and nobody wait so long that it would go on."""
    take = rates._TAKE.text

    def at(second: int) -> None:
        monkeypatch.setattr(rates, "_TAKE", text(take.replace(rates.MOMENT, f"{second}::float8")))

    monkeypatch.setattr(courier, "PATIENCE", 1.0)
    at(1000)
    return at


async def test_what_a_destination_shall_not_get_now_is_kept_and_goes_later(world: World, stop: Stop) -> None:
    hook = await world.make_destination(delivery={"rate_per_second": 3})
    processes = [world.another_process() for _ in range(2)]
    await asyncio.gather(
        *(
            world.hand_over(*(world.message(hook, f"{number}-{n}") for n in range(5)), service=process)
            for number, process in enumerate(processes)
        )
    )
    assert len(world.receiver.ids) == 3
    rows = await world.execute("select id, attempts, next_at from delivery_message order by id")
    assert len(rows) == 7
    assert {row.attempts for row in rows} == {0}
    assert all(row.next_at > world.clock.now() for row in rows)

    world.clock.advance(timedelta(minutes=1))
    outcome = await world.run_job(rows[0].id)
    assert isinstance(outcome, Retry)
    assert not outcome.counted
    stop(1005)
    world.service = world.another_process()
    world.clock.advance(timedelta(minutes=1))
    outcomes = [await world.run_job(row.id) for row in rows]  # whichever jobs of them are due
    assert [type(each) for each in outcomes] == [Done] * 3 + [Retry] * 4
    assert len(world.receiver.ids) == len(set(world.receiver.ids)) == 6
    assert len(await world.execute("select 1 from delivery_message where attempts = 0")) == 4


async def test_a_message_that_waits_for_a_limit_is_never_given_up(world: World, stop: Stop) -> None:
    hook = await world.make_destination(delivery={"rate_per_second": 1})
    await world.hand_over(world.message(hook, "first"), world.message(hook, "second"))
    world.clock.advance(timedelta(days=3))
    assert isinstance(await world.run_job("second"), Retry)
    row = await world.kept("second")
    assert row.state == "pending"
    assert row.next_at - world.clock.now() < timedelta(hours=4)
    stop(1005)
    world.service = world.another_process()
    assert await world.retry("second") == Done()


async def test_a_project_has_a_limit_over_all_its_destinations(
    world: World, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    del stop
    one, two = await world.make_destination("one"), await world.make_destination("two")
    world.receiver.trust()
    limited = world.another_process(replace(OPTIONS, messages_per_second=4))
    for destination in (one, two):
        ids = [f"{destination['name']}-{n}" for n in range(3)]
        await world.hand_over(*(world.message(destination, each) for each in ids), service=limited)
    assert len(world.receiver.ids) == 4
    process = Rates(world.database, 4)
    await process.take(world.other.project_id, "any", PLAIN, until=process.deadline(0))
    with pytest.raises(NoneLeft):
        await process.take(world.project_id, "any", PLAIN, until=process.deadline(0))


async def test_messages_wait_for_their_turn_before_they_are_kept(world: World) -> None:
    hook = await world.make_destination(delivery={"rate_per_second": 40})
    await world.hand_over(*(world.message(hook, f"op-{n}") for n in range(50)))
    assert len(world.receiver.ids) == 50
    assert await world.execute("select 1 from delivery_message") == []


async def test_most_messages_cost_no_query(world: World) -> None:
    process = Rates(world.database, 1000, pace=Pace(lambda: 0.0))
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    engine = world.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        for _ in range(300):
            await process.take(world.project_id, "hook", PLAIN, until=1.0)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert sum(statement.strip().startswith("update delivery_bucket") for statement in seen) == 5


async def test_nothing_is_counted_where_there_is_no_limit(world: World) -> None:
    hook = await world.make_destination()
    await world.hand_over(world.message(hook))
    assert await world.execute("select 1 from delivery_bucket") == []
