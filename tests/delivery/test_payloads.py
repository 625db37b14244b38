"""Results too large for a message go by a link that authenticates itself, for 15 minutes."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
import orjson
import pytest

from conjunct.delivery import Message, Payload
from tests.delivery.conftest import PUBLIC_URL, World

RECORD = orjson.dumps([{"fields": {"note": "large " * 60_000}}])


async def large_message(world: World, id_: str = "op-1") -> tuple[Message, Payload]:
    hook = await world.make_destination()
    async with world.database.transaction() as session:
        channel = await world.service.open_channel(session, world.project_id, hook["id"])
    payload = await world.service.store_payload(channel, id_, RECORD)
    body = {"resultInfo": {"type": "url", "downloadUrl": payload.placeholder, "numRecords": 1}}
    return world.message(hook, id_, body, payloads=(payload,)), payload


async def link_of(world: World, place: int = -1) -> str:
    link: str = world.receiver.requests[place].body["resultInfo"]["downloadUrl"]
    return link


async def download(client: httpx.AsyncClient, link: str) -> httpx.Response:
    assert link.startswith(f"{PUBLIC_URL}/v1/payloads/")
    return await client.get(link.removeprefix(PUBLIC_URL), headers={"X-Api-Key": ""})


async def test_the_link_in_the_message_gives_the_result(client: httpx.AsyncClient, world: World) -> None:
    message, _ = await large_message(world)
    await world.hand_over(message)
    response = await download(client, await link_of(world))
    assert (response.status_code, response.content) == (200, RECORD)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "private, no-store"


async def test_the_link_expires_after_15_minutes(client: httpx.AsyncClient, world: World) -> None:
    message, _ = await large_message(world)
    await world.hand_over(message)
    link = await link_of(world)
    assert dict(parse_qsl(urlsplit(link).query))["expires"] == str(int(world.clock.now().timestamp()) + 900)
    world.clock.advance(timedelta(minutes=14, seconds=59))
    assert (await download(client, link)).status_code == 200
    world.clock.advance(timedelta(seconds=1))
    response = await download(client, link)
    assert (response.status_code, response.json()["status"]) == (410, 410)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda link: link[:-1] + ("0" if link[-1] != "0" else "1"), id="signature changed"),
        pytest.param(lambda link: link.replace("expires=1", "expires=2"), id="longer life"),
        pytest.param(lambda link: link.replace("expires=", "expires=x"), id="no number"),
        pytest.param(lambda link: link.replace("expires=", "expires=%D9%A1"), id="no ASCII number"),
        pytest.param(lambda link: link.partition("&")[0], id="no signature"),
        pytest.param(lambda link: link.partition("?")[0], id="nothing"),
        pytest.param(lambda link: link.replace("signature=", "signature=%C3%A9"), id="not ASCII"),
        pytest.param(lambda link: link.replace("/payloads/", "/payloads/0"), id="another payload"),
        pytest.param(lambda link: link.replace("/payloads/", "/payloads/..%2F"), id="traversal"),
    ],
)
async def test_a_link_that_was_changed_opens_nothing(client: httpx.AsyncClient, world: World, change) -> None:
    message, _ = await large_message(world)
    await world.hand_over(message)
    response = await download(client, change(await link_of(world)))
    assert response.status_code in {403, 404}
    assert b"large" not in response.content


async def test_a_payloads_link_does_not_open_another(client: httpx.AsyncClient, world: World) -> None:
    message, first = await large_message(world)
    await world.hand_over(message)
    async with world.database.transaction() as session:
        channel = await world.service.open_channel(session, world.project_id, "hook")
    second = await world.service.store_payload(channel, "op-2", b'["another"]')
    response = await download(client, (await link_of(world)).replace(first.id, second.id))
    assert response.status_code == 403


async def test_a_retry_hours_later_carries_a_fresh_link(client: httpx.AsyncClient, world: World) -> None:
    message, _ = await large_message(world)
    world.receiver.fail(500, times=5)
    await world.hand_over(message)
    for _ in range(5):
        await world.retry("op-1")
        await world.service.payloads.remove_expired(world.clock.now(), 100)
    assert world.receiver.ids == ["op-1"]
    assert (await download(client, await link_of(world, 0))).status_code == 410
    response = await download(client, await link_of(world))
    assert (response.status_code, response.content) == (200, RECORD)


async def test_a_delivered_payload_is_removed_an_hour_after_it_was_offered(world: World) -> None:
    message, _ = await large_message(world)
    await world.hand_over(message)
    (file,) = [path for path in world.folder.rglob("*") if path.is_file()]
    assert await world.service.payloads.remove_expired(world.clock.advance(timedelta(minutes=59)), 100) == 0
    assert file.exists()
    assert await world.service.payloads.remove_expired(world.clock.advance(timedelta(minutes=1)), 100) == 1
    assert not file.exists()
    assert await world.execute("select * from delivery_payload") == []


async def test_a_payload_is_encrypted_in_the_storage_and_so_is_its_key(world: World) -> None:
    _, payload = await large_message(world)
    (file,) = [path for path in world.folder.rglob("*") if path.is_file()]
    assert b"large large" not in file.read_bytes()
    (row,) = await world.execute("select * from delivery_payload")
    assert payload.signing_key not in bytes(row.sealed_key)
    assert repr(payload.signing_key) not in repr(payload)


async def test_storing_it_again_after_a_crash_keeps_one(world: World) -> None:
    _, first = await large_message(world)
    async with world.database.transaction() as session:
        channel = await world.service.open_channel(session, world.project_id, "hook")
    assert await world.service.store_payload(channel, "op-1", RECORD) == first
    assert len(await world.execute("select * from delivery_payload")) == 1
