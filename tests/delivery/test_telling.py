"""What operators see of deliveries that go wrong: metrics and log events, with the ids that one looks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.delivery.conftest import World
from tests.support.counting import Value, counting


@pytest.fixture
def value() -> Iterator[Value]:
    with counting() as value:
        yield value


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as logs:
        yield logs


def events(logs: list[Any], name: str) -> list[dict[str, Any]]:
    """The events of that name, without it."""
    return [{key: each[key] for key in each if key != "event"} for each in logs if each["event"] == name]


async def test_a_message_that_is_given_up_is_told_by_its_ids(world: World, value: Value, logs: list[Any]) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(world.message(hook))
    for _ in range(7):
        assert events(logs, "message.given_up") == []
        await world.retry("op-1")
    (told,) = events(logs, "message.given_up")
    assert told == {
        "log_level": "warning",
        "attempts": 8,
        "error": "The destination answered 500.",
        "message_id": "op-1",
        "operation_id": "op",
        "destination_id": hook["id"],
        "project_id": world.project_id,
    }
    assert value("messages_given_up_total") == 1
    refused = {"type": "webhook", "outcome": "5xx"}
    assert value("delivery_attempts_total", **refused) == 8
    assert value("delivery_latency_seconds_count") == 0


async def test_a_breaker_tells_when_it_opens_and_that_the_destination_is_back(
    world: World, value: Value, logs: list[Any]
) -> None:
    hook = await world.make_destination()
    world.receiver.fail(503)
    await world.hand_over(*(world.message(hook, f"op-{number}") for number in range(5)))
    (opened,) = events(logs, "destination.breaker_opened")
    assert opened["failures"] == 5
    assert opened["until"] == world.clock.now() + timedelta(seconds=5)
    assert (opened["destination_id"], opened["project_id"]) == (hook["id"], world.project_id)
    assert value("destination_breakers_opened_total") == 1
    async with world.database.transaction() as session:
        waiting = await world.service.backlog(session)
    assert (waiting.pending, waiting.breaker_open, waiting.disabled) == (5, 1, 0)
    assert waiting.pending_bytes == sum([(await world.kept(f"op-{number}")).size for number in range(5)])
    world.receiver.recover()
    await world.retry("op-0")
    (back,) = events(logs, "destination.recovered")
    assert back["destination_id"] == hook["id"]
    assert value("delivery_latency_seconds_count") == 1
    assert value("delivery_latency_seconds_sum") >= 5
    async with world.database.transaction() as session:
        waiting = await world.service.backlog(session)
    assert (waiting.pending, waiting.breaker_open) == (4, 0)


async def test_a_destination_that_is_gone_is_counted_as_disabled(world: World, value: Value) -> None:
    hook = await world.make_destination()
    world.receiver.fail(410)
    await world.hand_over(world.message(hook))
    assert value("destinations_disabled_total", reason="gone") == 1
    async with world.database.transaction() as session:
        waiting = await world.service.backlog(session)
    assert (waiting.disabled, waiting.pending) == (1, 1)


async def test_one_that_does_not_answer_is_no_refusal(world: World, value: Value) -> None:
    hook = await world.make_destination(url="http://127.0.0.1:9/hook")
    await world.hand_over(world.message(hook))
    unanswered = {"type": "webhook", "outcome": "no_answer"}
    assert value("delivery_attempts_total", **unanswered) == 1
