"""Messages that are made within a transaction: a worker makes their first attempt, and they go on as all others do."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from conjunct.delivery import Message
from conjunct.queue import Done, Retry
from tests.delivery.conftest import PUBLIC_URL, World


async def enqueue(world: World, *messages: Message) -> None:
    async with world.database.transaction() as session:
        await world.service.enqueue(session, messages)


async def test_a_worker_tries_it_at_once(world: World) -> None:
    hook = await world.make_destination()
    await enqueue(world, world.message(hook, "op-1", {"told": "Zoë"}))
    assert world.receiver.requests == []
    [job] = await world.execute("select state from job where ref_id = 'op-1'")
    assert job.state == "ready"
    assert await world.run_job("op-1") == Done()
    [received] = world.receiver.messages
    assert (received.id, received.body) == ("op-1", {"told": "Zoë"})
    assert await world.attempts() == [(1, 200)]
    assert await world.execute("select id from delivery_message") == []


async def test_it_goes_through_the_whole_schedule(world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await enqueue(world, world.message(hook))
    begin = world.clock.now()
    moments = []
    for _ in range(7):
        assert isinstance(await world.retry("op-1"), Retry)
        moments.append((await world.kept("op-1")).next_at - begin)
    assert await world.retry("op-1") == Done()
    assert moments == [timedelta(seconds=each) for each in (5, 305, 2105, 9305, 27305, 63305, 99305)]
    assert await world.attempts() == [(number, 500) for number in range(1, 9)]
    assert (await world.kept("op-1")).state == "exhausted"


async def test_enqueued_twice_it_is_kept_once(world: World) -> None:
    hook = await world.make_destination()
    await enqueue(world, world.message(hook), world.message(hook))
    await enqueue(world, world.message(hook))
    assert await world.jobs() == ["op-1"]


async def test_messages_to_several_destinations_go_together(world: World) -> None:
    hooks = [await world.make_destination(name) for name in ("one", "two")]
    world.receiver.trust(*(hook["secrets"]["webhookSigningKey"] for hook in hooks))
    await enqueue(world, *(world.message(hook, f"m-{hook['name']}-{n}") for n in range(2) for hook in hooks))
    assert sorted(await world.jobs()) == ["m-one-0", "m-one-1", "m-two-0", "m-two-1"]
    for id_ in await world.jobs():
        await world.run_job(id_)
    assert sorted(world.receiver.ids) == ["m-one-0", "m-one-1", "m-two-0", "m-two-1"]


async def test_what_is_rolled_back_was_never_there(world: World) -> None:
    hook = await world.make_destination()

    async def die() -> None:
        async with world.database.transaction() as session:
            await world.service.enqueue(session, [world.message(hook)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await die()
    assert await world.jobs() == []
    assert await world.execute("select id from delivery_message") == []


async def test_for_a_disabled_destination_it_is_held_for_14_days(world: World) -> None:
    hook = await world.make_destination()
    await world.execute("update destination set state = 'disabled'")
    await enqueue(world, world.message(hook))
    kept = await world.kept("op-1")
    assert (kept.state, kept.attempts, kept.next_at) == ("pending", 0, None)
    assert kept.expires_at == world.clock.now() + timedelta(days=14)
    assert await world.jobs() == []


async def test_while_the_breaker_is_open_it_waits(world: World) -> None:
    hook = await world.make_destination()
    until = world.clock.now() + timedelta(minutes=3)
    await world.execute("update destination set breaker_open_until = :until, consecutive_failures = 5", until=until)
    await enqueue(world, world.message(hook))
    assert (await world.kept("op-1")).next_at == until
    assert await world.retry("op-1") == Done()
    assert world.receiver.ids == ["op-1"]


async def test_for_a_destination_that_was_removed_nothing_is_kept(world: World) -> None:
    hook = await world.make_destination()
    await world.execute("delete from destination")
    await enqueue(world, world.message(hook))
    assert await world.jobs() == []
    assert await world.execute("select id from delivery_message") == []


async def test_what_is_too_large_is_kept_with_it_and_goes_by_links(client: httpx.AsyncClient, world: World) -> None:
    hook = await world.make_destination()
    contents = [orjson.dumps({"part": number, "text": "large " * 60_000}) for number in range(2)]
    async with world.database.transaction() as session:
        payloads = [
            await world.service.keep_payload(session, world.project_id, "op-1", content, part)
            for part, content in enumerate(contents)
        ]
        body = {f"link{part}": payload.placeholder for part, payload in enumerate(payloads)}
        await world.service.enqueue(session, [world.message(hook, "op-1", body, payloads=tuple(payloads))])
    world.receiver.fail(500, times=1)
    await world.run_job("op-1")
    world.clock.advance(timedelta(hours=2))  # longer than a payload is kept that nothing waits for
    await world.service.payloads.remove_expired(world.clock.now(), 100)
    assert await world.retry("op-1") == Done()
    links = world.receiver.messages[0].body
    for part, content in enumerate(contents):
        where = urlsplit(links[f"link{part}"].removeprefix(PUBLIC_URL))
        response = await client.get(f"{where.path}?{where.query}", headers={"X-Api-Key": ""})
        assert (response.status_code, response.content) == (200, content)
    rows = await world.execute("select sealed_content from delivery_payload")
    assert all(b"large large" not in row.sealed_content for row in rows)
    world.clock.advance(timedelta(hours=2))
    assert await world.service.payloads.remove_expired(world.clock.now(), 100) == 2
    assert await world.execute("select id from delivery_payload") == []
