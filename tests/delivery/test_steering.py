"""A builder disables and enables a destination, and has messages sent again, alone or all that failed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from conjunct.delivery.deliveries import restarting
from conjunct.queue import Done, LeaseLost, Retry
from tests.delivery.conftest import World

HOOK = "/v1/projects/acme/destinations/hook"


async def post(client: httpx.AsyncClient, path: str, status: int, body: Any = None) -> Any:
    answer = await client.post(HOOK + path, json=body) if body is not None else await client.post(HOOK + path)
    assert answer.status_code == status, answer.text
    return answer.json()


async def give_up(world: World, hook: dict[str, Any], *ids: str) -> None:
    """Messages that every attempt failed at."""
    world.receiver.fail(500)
    for id_ in ids:
        await world.hand_over(world.message(hook, id_))
        while (await world.kept(id_)).state == "pending":
            await world.retry(id_)
        world.clock.advance(timedelta(minutes=6))
    world.receiver.recover()


async def run_to_the_end(world: World, recovery_id: str) -> int:
    """Let a worker do the recovery's job and what it makes; gives how often the job ran."""
    for run in range(1, 100):
        outcome = await world.run_job(recovery_id)
        for id_ in await world.jobs():
            await world.run_job(id_)
        if outcome == Done():
            return run
    raise AssertionError("the recovery does not end")


async def test_a_disabled_destination_gets_nothing_until_it_is_enabled(client: httpx.AsyncClient, world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500, times=1)
    await world.hand_over(world.message(hook, "waiting"))
    off = await post(client, ":disable", 200, {"note": "The server moves."})
    assert (off["state"], off["disabledReason"]) == ("disabled", "It was disabled by a call. The server moves.")
    since = off["disabledTime"]
    await world.retry("waiting")
    await world.hand_over(world.message(hook, "new"))
    world.clock.advance(timedelta(hours=1))
    again = await post(client, ":disable", 200)
    assert (again["disabledTime"], again["setAside"]["messages"]) == (since, 2)
    assert [request.id for request in world.receiver.requests] == ["waiting"]
    assert world.disabled == []

    on = await post(client, ":enable", 200)
    assert (on["state"], on["consecutiveFailures"], on["recovery"]["messages"]) == ("enabled", 0, 2)
    assert "disabledReason" not in on
    await run_to_the_end(world, on["recovery"]["id"])
    assert sorted(message.id for message in world.receiver.messages) == ["new", "waiting"]
    assert (await post(client, ":enable", 200))["recovery"]["id"] == on["recovery"]["id"]


async def test_enabling_closes_the_breaker_and_leaves_what_was_given_up(
    client: httpx.AsyncClient, world: World
) -> None:
    hook = await world.make_destination()
    await give_up(world, hook, "given-up")
    world.receiver.fail(500)
    await world.hand_over(*(world.message(hook, f"op-{n}") for n in range(5)))
    await post(client, ":disable", 200)
    found = await post(client, ":enable", 200)
    assert "breakerOpenUntil" not in found
    assert "failingSince" not in found
    assert (found["exhausted"]["messages"], found["recovery"]["messages"]) == (1, 0)


async def test_recovering_sends_the_same_messages_on_a_fresh_schedule(client: httpx.AsyncClient, world: World) -> None:
    hook = await world.make_destination()
    await give_up(world, hook, "one", "two")
    first = {request.id: request.raw for request in world.receiver.requests}
    world.clock.advance(timedelta(days=13))
    started = await post(client, "/deliveries:recover", 202)
    assert started["messages"] == 2
    world.receiver.fail(503, times=1)
    assert await world.run_job(started["id"]) == Retry(timedelta(seconds=0.5), "more is to be recovered", counted=False)
    for id_ in await world.jobs():
        await world.run_job(id_)
    kept = await world.kept("one")
    assert (kept.state, kept.attempts, kept.expires_at) == ("pending", 1, None)
    assert kept.next_at == world.clock.now() + timedelta(seconds=5)
    await world.retry("one")
    assert {message.id: message.raw for message in world.receiver.messages} == first
    assert await world.run_job(started["id"]) == Done()
    health = (await client.get(f"{HOOK}/health")).json()
    assert (health["recovery"]["recovered"], "endTime" in health["recovery"]) == (2, True)
    assert len(await world.attempts("one")) == 10


async def test_recovering_enables_and_takes_what_lies_between(client: httpx.AsyncClient, world: World) -> None:
    hook = await world.make_destination()
    moments = []
    await post(client, ":disable", 200)
    for n in range(3):
        world.clock.advance(timedelta(hours=1))
        moments.append(world.clock.now().isoformat())
        await world.hand_over(world.message(hook, f"op-{n}"))
    started = await post(client, "/deliveries:recover", 202, {"since": moments[1], "until": moments[2]})
    assert started["messages"] == 1
    assert (await world.destination(hook)).state == "enabled"
    await run_to_the_end(world, started["id"])
    assert [message.id for message in world.receiver.messages] == ["op-1"]


async def test_recovering_twice_sends_once(client: httpx.AsyncClient, world: World) -> None:
    hook = await world.make_destination()
    await give_up(world, hook, "one", "two")
    started = [await post(client, "/deliveries:recover", 202) for _ in range(2)]
    for each in started:
        await run_to_the_end(world, each["id"])
    assert sorted(message.id for message in world.receiver.messages) == ["one", "two"]


@pytest.mark.parametrize(
    "body", [{"since": "x"}, {"since": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, {"from": "now"}]
)
async def test_bad_spans_are_refused(client: httpx.AsyncClient, world: World, body: dict[str, str]) -> None:
    await world.make_destination()
    assert (await post(client, "/deliveries:recover", 400, body))["issues"]


async def test_what_has_expired_is_gone(client: httpx.AsyncClient, world: World) -> None:
    hook = await world.make_destination()
    await give_up(world, hook, "one")
    world.clock.advance(timedelta(days=14))
    async with world.database.transaction() as session:
        await world.service.sweep(session, world.clock.now())
    assert (await post(client, "/deliveries:recover", 202))["messages"] == 0
    assert (await post(client, "/deliveries/one:replay", 409))["type"].endswith("message-not-kept")
    assert (await client.get(f"{HOOK}/deliveries/one")).json()["status"] == "expired"


async def test_batches_wait_until_those_before_are_tried(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restarting, "BATCH", 4)
    hook = await world.make_destination()
    await post(client, ":disable", 200)
    await world.hand_over(*(world.message(hook, f"op-{n}") for n in range(10)))
    started = await post(client, "/deliveries:recover", 202)
    for _ in range(3):
        await world.run_job(started["id"])
        assert len(await world.jobs()) == 4
    for id_ in (await world.jobs())[:2]:
        await world.run_job(id_)
    await world.run_job(started["id"])
    assert len(await world.jobs()) == 6
    await run_to_the_end(world, started["id"])
    assert [message.id for message in world.receiver.messages] == [f"op-{n}" for n in range(10)]


async def test_a_worker_that_dies_in_the_middle_loses_and_doubles_nothing(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restarting, "BATCH", 4)
    hook = await world.make_destination()
    await post(client, ":disable", 200)
    await world.hand_over(*(world.message(hook, f"op-{n}") for n in range(10)))
    started = await post(client, "/deliveries:recover", 202)
    await world.run_job(started["id"])
    taken = await world.claim(started["id"])
    await world.execute("update job set attempts = attempts + 1 where id = :id", id=taken.id)  # another took it over
    with pytest.raises(LeaseLost):
        await world.service.handlers()[taken.kind](taken)
    assert len(await world.jobs()) == 4
    await world.execute("update job set state = 'ready', worker = null where id = :id", id=taken.id)
    await run_to_the_end(world, started["id"])
    assert sorted(message.id for message in world.receiver.messages) == sorted(f"op-{n}" for n in range(10))


async def test_a_recovery_ends_where_the_destination_is_disabled_again(client: httpx.AsyncClient, world: World) -> None:
    hook = await world.make_destination()
    await post(client, ":disable", 200)
    await world.hand_over(world.message(hook))
    started = await post(client, "/deliveries:recover", 202)
    await post(client, ":disable", 200)
    assert await world.run_job(started["id"]) == Done()
    assert (await client.get(f"{HOOK}/deliveries/op-1")).json()["status"] == "setAside"
    again = await post(client, "/deliveries:recover", 202)
    await run_to_the_end(world, again["id"])
    assert [message.id for message in world.receiver.messages] == ["op-1"]


async def test_nothing_is_set_aside_for_a_destination_that_was_just_enabled(
    client: httpx.AsyncClient, world: World
) -> None:
    """Both who hands over and who retries have seen it disabled, and decide after it was enabled."""
    hook = await world.make_destination()
    world.receiver.fail(500, times=1)
    await world.hand_over(world.message(hook, "retried"))
    await post(client, ":disable", 200)
    async with world.database.transaction() as session:
        channel = await world.service.open_channel(session, world.project_id, hook["id"])
    results = await world.service.attempt(channel, [world.message(hook, "new")])
    world.clock.set((await world.kept("retried")).next_at)
    job = await world.claim("retried")
    async with world.database.transaction() as other:
        await world.service.deliveries.enable(other, world.project_id, "hook")
        retrying = asyncio.ensure_future(world.service.handlers()[job.kind](job))
        recording = asyncio.create_task(_record(world, results))
        while await _waiting_for_locks(world) < 2:  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(0.01)
    assert isinstance(await retrying, Retry)
    await recording
    assert (await world.kept("retried")).next_at is not None
    assert (await world.kept("new")).next_at is not None


async def _record(world: World, results: Any) -> None:
    async with world.database.transaction() as session:
        await world.service.record(session, results)


async def _waiting_for_locks(world: World) -> int:
    (row,) = await world.execute(
        "select count(*) as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    )
    return int(row.n)


@pytest.mark.parametrize("state", ["pending", "exhausted", "pending without its job"])
async def test_a_message_is_replayed_once_for_many_calls(client: httpx.AsyncClient, world: World, state: str) -> None:
    hook = await world.make_destination()
    if state == "exhausted":
        await give_up(world, hook, "op-1")
    else:
        world.receiver.fail(500, times=2)
        await world.hand_over(world.message(hook))
        await world.retry("op-1")
    if state == "pending without its job":  # its worker has not told the queue yet
        await world.execute("delete from job")
    tried = len(world.receiver.requests)
    answers = await asyncio.gather(*(client.post(f"{HOOK}/deliveries/op-1:replay") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert {answer.json()["status"] for answer in answers} == {"pending"}
    assert await world.jobs() == ["op-1"]
    assert await world.run_job("op-1") == Done()
    assert [request.id for request in world.receiver.requests[tried:]] == ["op-1"]
    assert (await client.get(f"{HOOK}/deliveries/op-1")).json()["status"] == "delivered"


async def test_a_delivered_message_is_replayed_where_it_is_kept(client: httpx.AsyncClient, world: World) -> None:
    hook = await world.make_destination(delivery={"keep_hours": 24})
    await world.hand_over(world.message(hook))
    answers = await asyncio.gather(*(client.post(f"{HOOK}/deliveries/op-1:replay") for _ in range(4)))
    assert {answer.status_code for answer in answers} == {202}
    assert await world.jobs() == ["op-1"]
    assert await world.run_job("op-1") == Done()
    first, second = world.receiver.requests
    assert (first.id, first.body) == (second.id, second.body)
    assert await world.attempts() == [(1, 200), (1, 200)]


async def test_a_set_aside_message_is_not_replayed_while_its_destination_is_disabled(
    client: httpx.AsyncClient, world: World
) -> None:
    hook = await world.make_destination()
    await post(client, ":disable", 200)
    await world.hand_over(world.message(hook))
    assert (await post(client, "/deliveries/op-1:replay", 409))["type"].endswith("destination-disabled")
    await world.execute("update destination set state = 'enabled'")
    await post(client, "/deliveries/op-1:replay", 202)
    assert await world.run_job("op-1") == Done()
    assert [message.id for message in world.receiver.messages] == ["op-1"]


async def test_what_cannot_be_replayed_is_told_why(client: httpx.AsyncClient, world: World) -> None:
    hook = await world.make_destination()
    await world.hand_over(world.message(hook, "delivered"))
    async with world.database.transaction() as session:
        await world.service.holds.add(session, world.project_id, "hold", [world.message(hook, "held")])
    for id_, status, slug in (
        ("delivered", 409, "message-not-kept"),
        ("held", 409, "message-held"),
        ("nosuch", 404, "delivery-not-found"),
    ):
        problem = await post(client, f"/deliveries/{id_}:replay", status)
        assert problem["type"].endswith(slug)
        assert problem["remedy"]
    assert await world.jobs() == []


async def test_a_destination_down_for_days_gets_everything_by_one_call(client: httpx.AsyncClient, world: World) -> None:
    """A message a day at a server that is down: given up, disabled with a notice, set aside, recovered."""
    hook, days = await world.make_destination(), 9
    world.receiver.fail(500)
    due = "select id from delivery_message where state = 'pending' and next_at <= :now order by next_at"
    for day in range(days):
        await world.hand_over(world.message(hook, f"day-{day}"))
        for _ in range(4):
            world.clock.advance(timedelta(hours=6))
            for row in await world.execute(due, now=world.clock.now()):
                await world.run_job(row.id)
    row = await world.destination(hook)
    assert row.state == "disabled"
    assert [heard.reason for heard in world.disabled] == [row.disabled_reason]
    assert timedelta(hours=120) < row.disabled_at - row.failing_since < timedelta(hours=150)
    statuses = {each["status"] for each in (await client.get(f"{HOOK}/deliveries?pageSize=1000")).json()}
    assert statuses == {"exhausted", "setAside"}

    world.receiver.recover()
    started = await post(client, "/deliveries:recover", 202)
    assert started["messages"] == days
    await run_to_the_end(world, started["id"])
    assert sorted(world.receiver.ids) == [f"day-{day}" for day in range(days)]
    health = (await client.get(f"{HOOK}/health")).json()
    assert (health["state"], health["exhausted"]["messages"], health["setAside"]["messages"]) == ("enabled", 0, 0)
