"""Pulling what a destination keeps: nothing is missed, nothing comes twice, and what is gone is told."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from conjunct.delivery import feeds, kept, kept_retention
from conjunct.queue import Job
from tests.delivery.conftest import World

PATH = "/v1/projects/acme/destinations"
A_JOB = Job(1, "", None, "", "", 1, 1, "w")


async def pull(client: httpx.AsyncClient, name: str = "feed", status: int = 200, **query: Any) -> dict[str, Any]:
    response = await client.get(f"{PATH}/{name}/messages", params=query)
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()
    return answer


def ids(answer: dict[str, Any]) -> list[str]:
    return [each["id"] for each in answer["messages"]]


async def sweep(world: World) -> None:
    await world.service.handlers()["delivery.sweep_kept"](A_JOB)


async def test_a_feed_sends_nothing_and_gives_everything_once(client: httpx.AsyncClient, world: World) -> None:
    feed = await world.make_feed()
    empty = await pull(client)
    assert (empty["messages"], empty["hasMore"]) == ([], False)
    await world.hand_over(*(world.message(feed, f"op-{n}") for n in range(3)))
    assert await world.jobs() == []
    first = await pull(client, after=empty["cursor"], limit=2)
    assert first["messages"][0] == {
        "id": "op-0",
        "createTime": "2026-03-01T12:00:00Z",
        "records": 1,
        "payload": {"id": "op-0"},
    }
    assert first["hasMore"]
    second = await pull(client, after=first["cursor"], limit=2)
    assert (ids(first), ids(second), second["hasMore"]) == (["op-0", "op-1"], ["op-2"], False)
    assert ids(await pull(client, after=second["cursor"])) == []
    assert ids(await pull(client)) == ["op-0", "op-1", "op-2"]
    assert world.receiver.requests == []


async def test_a_webhook_that_keeps_its_messages_gets_them_too_and_what_fails_is_in_the_feed_at_once(
    client: httpx.AsyncClient, world: World
) -> None:
    hook = await world.make_destination(delivery={"keep_hours": 2})
    await world.hand_over(world.message(hook, "good"))
    world.receiver.fail(500)
    await world.hand_over(world.message(hook, "bad"))
    assert world.receiver.ids == ["good"]
    assert ids(await pull(client, "hook")) == ["good", "bad"]
    assert await world.jobs() == ["bad"]


async def test_the_next_page_is_linked(client: httpx.AsyncClient, world: World) -> None:
    feed = await world.make_feed()
    await world.hand_over(*(world.message(feed, f"op-{n}") for n in range(2)))
    response = await client.get(f"{PATH}/feed/messages", params={"limit": 1})
    query = urlsplit(response.links["next"]["url"]).query
    assert ids((await client.get(f"{PATH}/feed/messages?{query}")).json()) == ["op-1"]


async def test_what_is_kept_cannot_be_read_in_the_database(world: World) -> None:
    feed = await world.make_feed()
    await world.hand_over(world.message(feed, body={"planted": "secret"}))
    [row] = await world.execute("select body from delivery_kept")
    assert b"planted" not in bytes(row.body)


async def test_a_message_that_is_handed_over_again_after_a_crash_is_kept_once(
    client: httpx.AsyncClient, world: World
) -> None:
    feed = await world.make_feed()
    for _ in range(2):
        await world.hand_over(world.message(feed, "a"), world.message(feed, "b"))
    assert ids(await pull(client)) == ["a", "b"]


async def test_notifications_and_held_messages_come_to_a_feed(client: httpx.AsyncClient, world: World) -> None:
    feed = await world.make_feed()
    async with world.database.transaction() as session:
        await world.service.enqueue(session, [world.message(feed, "told")])
    async with world.database.transaction() as session:
        await world.service.holds.add(session, world.project_id, "people", [world.message(feed, "held")])
    assert ids(await pull(client)) == ["told"]
    async with world.database.transaction() as session:
        await world.service.holds.ask(session, world.project_id, "people", 1)
    assert ids(await pull(client)) == ["told", "held"]
    assert await world.execute("select 1 from delivery_message") == []
    assert await world.jobs() == []


async def test_whoever_has_seen_a_place_misses_none_that_is_committed_later(
    client: httpx.AsyncClient, world: World
) -> None:
    """Transactions that add to a feed end in another order than they began, while somebody pulls all the time."""
    feed = await world.make_feed()
    seen: list[str] = []
    done = asyncio.Event()

    async def produce(producer: int) -> None:
        for n in range(15):
            service = world.service
            async with world.database.transaction() as session:
                channel = await service.open_channel(session, world.project_id, "feed")
                results = await service.attempt(channel, [world.message(feed, f"{producer}-{n}-{k}") for k in (0, 1)])
                await service.record(session, results)
                await asyncio.sleep(((producer * 7 + n * 3) % 5) * 0.003)  # others commit meanwhile

    async def consume() -> None:
        cursor = None
        while True:
            last = done.is_set()
            answer = await pull(client, limit=7, **({} if cursor is None else {"after": cursor}))
            seen.extend(ids(answer))
            cursor = answer["cursor"]
            if last and not answer["messages"]:
                return

    consumer = asyncio.create_task(consume())
    await asyncio.gather(*(produce(number) for number in range(5)))
    done.set()
    await consumer
    assert len(seen) == len(set(seen)) == 150
    for producer in range(5):
        mine = [each for each in seen if each.startswith(f"{producer}-")]
        assert mine == [f"{producer}-{n}-{k}" for n in range(15) for k in (0, 1)]


async def test_what_is_not_committed_yet_has_no_place_in_the_feed(client: httpx.AsyncClient, world: World) -> None:
    feed = await world.make_feed()
    async with world.database.transaction() as session:
        await world.service.enqueue(session, [world.message(feed, "slow")])
        await world.hand_over(world.message(feed, "fast"))
        first = await pull(client)
        assert ids(first) == ["fast"]
    assert ids(await pull(client, after=first["cursor"])) == ["slow"]


async def test_a_caller_that_waits_is_answered_as_soon_as_a_message_comes(
    client: httpx.AsyncClient, world: World
) -> None:
    feed = await world.make_feed()
    other = await world.make_feed("other")
    waiting = [asyncio.create_task(pull(client, wait=20)) for _ in range(2)]
    while not await world.execute("select 1 from pg_stat_activity where application_name = 'conjunct-feeds'"):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await world.hand_over(world.message(other, "not for them"))
    await world.hand_over(world.message(feed, "news"))
    async with asyncio.timeout(10):
        assert [ids(each) for each in await asyncio.gather(*waiting)] == [["news"], ["news"]]
    assert ids(await pull(client, wait=20)) == ["news"], "nobody waits where there is something"


async def test_waiting_ends_without_a_message_too(client: httpx.AsyncClient, world: World) -> None:
    await world.make_feed()
    assert (await pull(client, wait=1))["messages"] == []


async def test_a_page_is_bounded_in_bytes_and_has_one_message_at_least(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "PAGE_BYTES", 250)
    feed = await world.make_feed()
    await world.hand_over(*(world.message(feed, f"op-{n}", body={"x": "y" * 100}) for n in range(3)))
    await world.hand_over(world.message(feed, "large", body={"x": "y" * 1000}))
    answer = await pull(client)
    pages = [ids(answer)]
    while answer["hasMore"]:
        answer = await pull(client, after=answer["cursor"])
        pages.append(ids(answer))
    assert pages == [["op-0", "op-1"], ["op-2"], ["large"]]
    monkeypatch.setattr(kept, "SEALED_BYTES_AT_ONCE", 10)
    assert ids(await pull(client)) == ["op-0"]


async def test_links_to_large_results_are_fresh_at_every_pull_and_their_payloads_stay_as_long_as_the_message(
    client: httpx.AsyncClient, world: World
) -> None:
    feed = await world.make_feed()
    async with world.database.transaction() as session:
        channel = await world.service.open_channel(session, world.project_id, "feed")
    payload = await world.service.store_payload(channel, "op-1", b'[{"large":1}]')
    await world.hand_over(world.message(feed, "op-1", body={"url": payload.placeholder}, payloads=(payload,)))
    world.clock.advance(timedelta(hours=30))
    await world.service.handlers()["delivery.sweep"](A_JOB)
    [message] = (await pull(client))["messages"]
    link = urlsplit(message["payload"]["url"])
    assert (await client.get(f"{link.path}?{link.query}")).json() == [{"large": 1}]
    world.clock.advance(timedelta(hours=60))
    await sweep(world)
    await world.service.handlers()["delivery.sweep"](A_JOB)
    assert await world.execute("select 1 from delivery_payload") == []


async def test_a_cursor_behind_which_messages_were_removed_is_refused(client: httpx.AsyncClient, world: World) -> None:
    feed = await world.make_feed(keep_hours=5)
    before = (await pull(client))["cursor"]
    await world.hand_over(world.message(feed, "old"))
    old = (await pull(client))["cursor"]
    await world.hand_over(world.message(feed, "never pulled"))
    world.clock.advance(timedelta(hours=5))
    await world.hand_over(world.message(feed, "new"))
    await sweep(world)
    for cursor in (before, old):
        problem = await pull(client, status=410, after=cursor)
        assert problem["type"].endswith("cursor-expired")
        assert problem["remedy"]
    assert ids(await pull(client)) == ["new"]


async def test_a_cursor_at_the_last_removed_message_is_good(client: httpx.AsyncClient, world: World) -> None:
    feed = await world.make_feed(keep_hours=5)
    await world.hand_over(world.message(feed, "old"))
    cursor = (await pull(client))["cursor"]
    world.clock.advance(timedelta(hours=5))
    await sweep(world)
    assert await world.execute("select 1 from delivery_kept") == []
    await world.hand_over(world.message(feed, "new"))
    assert ids(await pull(client, after=cursor)) == ["new"]


async def test_a_cursor_of_another_feed_or_none_at_all_is_refused(client: httpx.AsyncClient, world: World) -> None:
    await world.make_feed()
    await world.make_feed("other")
    foreign = (await pull(client, "other"))["cursor"]
    for cursor in (foreign, "nonsense", ""):
        problem = await pull(client, status=400, after=cursor)
        assert problem["issues"][0]["name"] == "after"


async def test_a_cursor_beyond_what_a_restored_database_knows_is_refused(
    client: httpx.AsyncClient, world: World
) -> None:
    feed = await world.make_feed()
    await world.hand_over(world.message(feed))
    cursor = (await pull(client))["cursor"]
    await world.execute("update delivery_feed set last_place = 0")
    await world.execute("delete from delivery_kept")
    await pull(client, status=400, after=cursor)


async def test_a_destination_that_keeps_nothing_says_so(client: httpx.AsyncClient, world: World) -> None:
    await world.make_destination()
    problem = await pull(client, "hook", status=409)
    assert problem["type"].endswith("messages-not-kept")
    await pull(client, "missing", status=404)


async def test_more_hours_keep_what_is_there_longer_and_fewer_remove_it_sooner(
    client: httpx.AsyncClient, world: World
) -> None:
    feed = await world.make_feed(keep_hours=5)
    await world.hand_over(world.message(feed, "a"))
    await client.patch(
        f"{PATH}/feed", json={"updateMask": ["delivery.keepHours"], "destination": {"delivery": {"keepHours": 8}}}
    )
    world.clock.advance(timedelta(hours=7))
    await sweep(world)
    await world.hand_over(world.message(feed, "b"))
    assert ids(await pull(client)) == ["a", "b"]
    await client.patch(
        f"{PATH}/feed", json={"updateMask": ["delivery.keepHours"], "destination": {"delivery": {"keepHours": 1}}}
    )
    await sweep(world)
    assert ids(await pull(client)) == ["b"]


async def test_a_full_feed_holds_its_producers_up_and_loses_nothing_that_was_not_pulled(
    client: httpx.AsyncClient, world: World
) -> None:
    feed = await world.make_feed()
    noise = [world.message(feed, f"op-{n}", body={"x": f"{n * 7919:x}" * 40}) for n in range(20)]
    await world.hand_over(*noise)

    async def is_full() -> bool:
        async with world.database.transaction() as session:
            return await world.service.spool_is_full(session, world.project_id, feed["id"])

    assert await is_full()
    first = await pull(client, limit=15)
    assert await is_full(), "a page that was only looked at may be pulled again"
    await sweep(world)
    second = await pull(client, after=first["cursor"])
    assert not await is_full()
    assert ids(first) + ids(second) == [each.id for each in noise]
    await sweep(world)
    left = ids(await pull(client))
    assert 0 < len(left) < 20
    assert left == [each.id for each in noise][-len(left) :]
    assert left[-5:] == ids(second)


@pytest.mark.parametrize("pulls", [True, False])
async def test_a_webhooks_copies_never_hold_its_producers_up_and_the_oldest_go(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch, *, pulls: bool
) -> None:
    monkeypatch.setattr(kept, "PLACED_AT_ONCE", 6)
    hook = await world.make_destination(delivery={"keep_hours": 5})
    await world.hand_over(*(world.message(hook, f"op-{n}", body={"x": f"{n * 7919:x}" * 40}) for n in range(20)))
    if pulls:
        assert len(ids(await pull(client, "hook"))) == 6
    async with world.database.transaction() as session:
        assert not await world.service.spool_is_full(session, world.project_id, hook["id"])
    await sweep(world)
    left = ids(await pull(client, "hook"))
    assert 0 < len(left) < 20
    assert left == [f"op-{n}" for n in range(20)][-len(left) :]


async def test_a_kept_message_opens_as_it_was_made(world: World) -> None:
    hook = await world.make_destination(delivery={"keep_hours": 5})
    message = world.message(hook, "a", ordering_key="people")
    await world.hand_over(message)
    async with world.database.transaction() as session:
        keyring = await world.keys.keyring(session, world.project_id)
        assert await kept.open_kept(session, keyring, world.project_id, hook["id"], "a") == message
        assert await kept.open_kept(session, keyring, world.project_id, hook["id"], "b") is None
        assert await kept.open_kept(session, keyring, world.other.project_id, hook["id"], "a") is None


async def test_what_a_removed_destination_kept_goes_with_it(client: httpx.AsyncClient, world: World) -> None:
    feed = await world.make_feed()
    await world.hand_over(world.message(feed))
    await pull(client)
    assert (await client.delete(f"{PATH}/feed")).status_code == 204
    for table in ("delivery_kept", "delivery_feed"):
        assert await world.execute(f"select 1 from {table}") == []


async def test_the_sweep_removes_in_batches(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_retention, "BATCH", 2)
    feed = await world.make_feed(keep_hours=1)
    await world.hand_over(*(world.message(feed, f"op-{n}") for n in range(5)))
    world.clock.advance(timedelta(hours=1))
    await world.hand_over(world.message(feed, "new"))
    await sweep(world)
    assert ids(await pull(client)) == ["new"]
