"""What became of every message can be seen, at any time, by its destination's builder and nobody else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.delivery.conftest import World

HOOK = "/v1/projects/acme/destinations/hook"


async def get(client: httpx.AsyncClient, path: str, status: int = 200) -> Any:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    return answer.json()


async def shown(client: httpx.AsyncClient, query: str = "") -> list[tuple[str, str]]:
    """Message and status of the deliveries that a list shows."""
    return [(each["messageId"], each["status"]) for each in await get(client, f"{HOOK}/deliveries{query}")]


def moment(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def one_of_each(world: World) -> dict[str, datetime]:
    """Deliveries in every state; when each was handed over."""
    hook, made = await world.make_destination(), {}

    async def hand_over(id_: str) -> None:
        world.clock.advance(timedelta(minutes=1))
        made[id_] = world.clock.now()
        await world.hand_over(world.message(hook, id_))

    world.receiver.fail(500)
    for id_ in ("expired", "exhausted"):
        await hand_over(id_)
        while (await world.kept(id_)).state == "pending":
            await world.retry(id_)
    await world.execute("delete from delivery_message where id = 'expired'")
    world.receiver.recover()
    world.clock.advance(timedelta(minutes=5))
    await hand_over("delivered")
    world.clock.advance(timedelta(minutes=1))
    made["held"] = world.clock.now()
    async with world.database.transaction() as session:
        await world.service.holds.add(session, world.project_id, "hold", [world.message(hook, "held")])
    world.receiver.fail(503)
    await hand_over("pending")
    await world.execute("update destination set state = 'disabled'")
    world.clock.advance(timedelta(minutes=1))
    await hand_over("set-aside")
    return made


async def test_every_state_is_told_newest_first(client: httpx.AsyncClient, world: World) -> None:
    made = await one_of_each(world)
    expected = [
        ("set-aside", "setAside"),
        ("pending", "pending"),
        ("held", "held"),
        ("delivered", "delivered"),
        ("exhausted", "exhausted"),
        ("expired", "expired"),
    ]
    assert await shown(client) == expected
    for id_, status in expected:
        assert await shown(client, f"?status={status}") == [(id_, status)]
        assert await shown(client, f"?messageId={id_}") == [(id_, status)]
    middle = moment(made["delivered"])
    assert await shown(client, f"?since={middle}") == expected[:4]
    assert await shown(client, f"?until={middle}") == expected[4:]
    paged, path = [], f"{HOOK}/deliveries?pageSize=2"
    for _ in range(3):
        page = await client.get(path)
        paged += [(each["messageId"], each["status"]) for each in page.json()]
        path = str(page.url.join(page.links["next"]["url"]))
    assert paged == expected
    assert await get(client, path) == []


async def test_a_delivery_says_how_it_went(client: httpx.AsyncClient, world: World) -> None:
    hook, begin = await world.make_destination(), world.clock.now()
    world.receiver.fail(503, times=2)
    await world.hand_over(world.message(hook))
    await world.retry("op-1")
    pending = await get(client, f"{HOOK}/deliveries/op-1")
    last = pending.pop("lastLatencyMs")
    assert 0 <= last < 10_000
    for attempt in pending["attempts"]:
        assert 0 <= attempt.pop("latencyMs") < 10_000
    failed = {"delivered": False, "statusCode": 503, "error": "The destination answered 503."}
    assert pending == {
        "messageId": "op-1",
        "operationId": "op",
        "status": "pending",
        "attemptCount": 2,
        "records": 1,
        "bytes": len(world.message(hook).body),
        "createTime": moment(begin),
        "firstAttemptTime": moment(begin),
        "lastAttemptTime": moment(begin + timedelta(seconds=5)),
        "nextAttemptTime": moment(begin + timedelta(minutes=5, seconds=5)),
        "lastStatusCode": 503,
        "lastError": "The destination answered 503.",
        "attempts": [
            {"number": 1, "time": moment(begin), **failed},
            {"number": 2, "time": moment(begin + timedelta(seconds=5)), **failed},
        ],
    }
    await world.retry("op-1")
    (delivered,) = await get(client, f"{HOOK}/deliveries")
    assert (delivered["status"], delivered["attemptCount"], delivered["lastStatusCode"]) == ("delivered", 3, 200)
    assert 305_000 <= delivered["latencyMs"] < 315_000
    assert delivered["deliveredTime"] >= moment(begin + timedelta(minutes=5, seconds=5))
    assert "lastError" not in delivered
    assert "nextAttemptTime" not in delivered


async def test_a_repeat_after_a_crash_is_one_delivery(client: httpx.AsyncClient, world: World) -> None:
    hook = await world.make_destination()
    for _ in range(2):
        await world.hand_over(world.message(hook))
    (delivery,) = await get(client, f"{HOOK}/deliveries")
    assert (delivery["status"], delivery["attemptCount"]) == ("delivered", 2)
    attempts = (await get(client, f"{HOOK}/deliveries/op-1"))["attempts"]
    assert [attempt["number"] for attempt in attempts] == [1, 2]


async def test_messages_of_one_operation(client: httpx.AsyncClient, world: World) -> None:
    hook = await world.make_destination()
    await world.hand_over(world.message(hook, "good"))
    await world.execute("update delivery_attempt set operation_id = 'another'")
    world.receiver.fail(500)
    await world.hand_over(world.message(hook, "bad"))
    assert await shown(client, "?operationId=another") == [("good", "delivered")]
    assert await shown(client, "?operationId=op") == [("bad", "pending")]
    assert await shown(client, "?operationId=op&status=delivered") == []
    assert await shown(client, "?operationId=another&messageId=bad") == []


@pytest.mark.parametrize("query", ["status=lost", "since=yesterday", "since=0001-01-01T00:00:00%2B14:00", "pageSize=0"])
async def test_filters_that_make_no_sense_are_refused(client: httpx.AsyncClient, world: World, query: str) -> None:
    await world.make_destination()
    answer = await client.get(f"{HOOK}/deliveries?{query}")
    assert answer.status_code == 400
    assert answer.json()["issues"][0]["name"] == query.partition("=")[0]


async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, world: World) -> None:
    hook = await world.make_destination()
    await world.make_destination("other-hook")
    await world.hand_over(world.message(hook))
    for path, slug in (
        (f"{HOOK}/deliveries/nosuch", "delivery-not-found"),
        ("/v1/projects/acme/destinations/other-hook/deliveries/op-1", "delivery-not-found"),
        ("/v1/projects/acme/destinations/nosuch/deliveries/op-1", "destination-not-found"),
        ("/v1/projects/acme/destinations/nosuch/health", "destination-not-found"),
    ):
        assert (await get(client, path, 404))["type"].endswith(slug)
    for path in (f"{HOOK}/deliveries/%00", f"{HOOK}/deliveries/{'x' * 3000}", f"{HOOK}/deliveries/%F0%9F%92%A9%27--"):
        assert (await client.get(path)).status_code in (400, 404)
    assert (await client.get(f"/v1/projects/other/destinations/{hook['id']}/deliveries")).status_code in (403, 404)
    assert await get(client, "/v1/projects/acme/destinations/other-hook/deliveries") == []


async def test_the_health_of_a_destination(client: httpx.AsyncClient, world: World) -> None:
    hook, begin = await world.make_destination(), world.clock.now()
    none = {"messages": 0, "bytes": 0}
    fresh = await get(client, f"{HOOK}/health")
    assert fresh == {
        "state": "enabled",
        "consecutiveFailures": 0,
        "pending": none,
        "setAside": none,
        "exhausted": none,
        "held": none,
        "lastHour": {"attempts": 0, "delivered": 0},
    }
    await world.hand_over(*(world.message(hook, f"good-{n}") for n in range(5)))
    world.clock.advance(timedelta(minutes=1))
    world.receiver.fail(500)
    await world.hand_over(*(world.message(hook, f"bad-{n}") for n in range(5)))
    found = await get(client, f"{HOOK}/health")
    later = begin + timedelta(minutes=1)
    assert found["breakerOpenUntil"] == moment(later + timedelta(seconds=5))
    assert (found["consecutiveFailures"], found["pending"]["messages"]) == (5, 5)
    assert found["pending"]["bytes"] > 0
    assert found["pending"]["oldestTime"] == moment(later)
    assert (found["lastSuccessTime"], found["lastFailureTime"]) == (moment(begin), moment(later))
    hour = found["lastHour"]
    assert (hour["attempts"], hour["delivered"], hour["successShare"]) == (10, 5, 0.5)
    assert 0 <= hour["latencyMs"]["p50"] <= hour["latencyMs"]["p95"] <= hour["latencyMs"]["p99"] < 10_000
    world.clock.advance(timedelta(minutes=61))
    assert (await get(client, f"{HOOK}/health"))["lastHour"] == {"attempts": 0, "delivered": 0}
