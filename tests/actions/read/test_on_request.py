"""Objects whose pages are held until they are asked for: `delivery.mode: onRequest` and `deliverResults`."""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from tests.support.platform import Platform, running_platform, running_worker
from tests.support.reading import (
    COMPANIES,
    backfilled,
    change_contact,
    contacts,
    hurry,
    idle,
    manifest,
    rows,
    run_of,
    set_up,
    until,
    waiting_job,
)
from tests.support.specification import assert_specified

MIB = 1024 * 1024
ON_REQUEST = {"delivery": {"mode": "onRequest", "pageSize": 50}}


async def ask(
    platform: Platform, body: dict[str, Any], object_name: str = "people", surface: str = "/read"
) -> httpx.Response:
    """The answer to a request for pages, kept to the specification."""
    path = f"{surface}{platform.project}/integrations/crm/objects/{object_name}:deliverResults"
    answer = await platform.client.post(path, json={"groupRef": "acme", **body})
    assert_specified(answer, "read", f"{surface}/v1")
    return answer


async def deliver(platform: Platform, pages: int, **options: Any) -> None:
    answer = await ask(platform, {"pages": pages}, **options)
    assert (answer.status_code, answer.content) == (204, b"")


async def held(platform: Platform) -> list[str]:
    """The ids of the held pages, the oldest first."""
    found = await rows(platform, "select id from delivery_message where state = 'held' order by place")
    return [row.id for row in found]


async def owed(platform: Platform) -> int:
    found = await rows(platform, "select owed from delivery_hold")
    return sum(row.owed for row in found)


async def settled(platform: Platform) -> None:
    """Wait until nothing is read or delivered any more."""
    await idle(platform)

    async def nothing() -> bool:
        return not await rows(platform, "select 1 from job where kind = 'delivery.retry'")

    await until(nothing)


def sizes(platform: Platform) -> list[int]:
    """The number of records in each message delivered."""
    return [message.body["resultInfo"]["numRecords"] for message in platform.receiver.messages]


@pytest.mark.parametrize("surface", ["/read", ""])
async def test_pages_are_held_until_they_are_asked_for_and_go_the_oldest_first(
    database: Database, tmp_path: Path, surface: str
) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, **ON_REQUEST)
        pages = await held(platform)
        assert len(pages) == 5
        assert platform.receiver.requests == []

        await deliver(platform, 2, surface=surface)
        await platform.receiver.wait_for(2)
        await settled(platform)
        assert sorted(platform.receiver.ids) == sorted(pages[:2])
        assert sizes(platform) == [50, 50]
        assert await held(platform) == pages[2:]

        await deliver(platform, 3, object_name="contacts", surface=surface)
        await platform.receiver.wait_for(5)
        await settled(platform)
        assert sorted(platform.receiver.ids) == sorted(pages)
        assert len(set(platform.delivered())) == 250
        assert (await held(platform), await owed(platform)) == ([], 0)


async def test_what_is_asked_for_beyond_what_is_held_goes_out_when_it_is_read(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, **ON_REQUEST)
        await deliver(platform, 7)
        await platform.receiver.wait_for(5)
        assert await owed(platform) == 2
        operation = await platform.ended(await platform.trigger())
        assert operation["status"] == "success"
        await platform.receiver.wait_for(7)
        await settled(platform)
        assert len(set(platform.receiver.ids)) == len(platform.receiver.ids) == 7
        assert (len(await held(platform)), await owed(platform)) == (3, 0)
        assert all(operation["id"].replace("-", "") in page for page in await held(platform))


async def test_other_objects_are_delivered_as_ever_and_have_nothing_to_ask_for(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, COMPANIES, **ON_REQUEST)
        assert {message.body["objectName"] for message in platform.receiver.messages} == {"companies"}
        assert len(await held(platform)) == 5
        answer = await ask(platform, {"pages": 1}, "companies")
        assert answer.status_code == 400
        assert answer.json()["type"].endswith("object-not-on-request")


async def test_what_was_held_can_still_be_asked_for_when_the_mode_is_auto_again(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, **ON_REQUEST)
        await platform.send("PUT", "/integrations:batch", 200, json={"sourceYaml": yaml.safe_dump(manifest())})
        operation = await platform.ended(await platform.trigger())
        assert len(set(platform.delivered(operation["id"]))) == 250
        assert len(await held(platform)) == 5
        before = len(platform.receiver.messages)
        await deliver(platform, 5)
        await platform.receiver.wait_for(before + 5)
        await settled(platform)
        answer = await ask(platform, {"pages": 1})
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({}, "pages"),
        ({"pages": -1}, "pages"),
        ({"pages": "1"}, "pages"),
        ({"pages": 1.5}, "pages"),
        ({"pages": True}, "pages"),
        ({"pages": 1_000_001}, "pages"),
        ({"pages": 1, "groupRef": ""}, "groupRef"),
        ({"pages": 1, "groupRef": None}, "groupRef"),
    ],
)
async def test_a_bad_request_for_pages_is_refused(
    database: Database, tmp_path: Path, body: dict[str, Any], name: str
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        answer = await ask(platform, body)
        assert answer.status_code == 400
        assert [issue["name"] for issue in answer.json()["issues"]] == [name]


async def test_unknown_objects_and_groups_are_refused_and_nothing_is_asked_for_by_zero(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform, **ON_REQUEST)
        assert (await ask(platform, {"pages": 1}, "deals")).json()["type"].endswith("object-not-read")
        stranger = await ask(platform, {"pages": 1, "groupRef": "initech"})
        assert stranger.status_code == 404
        assert stranger.json()["type"].endswith("group-not-installed")
        await deliver(platform, 0)
        assert await rows(platform, "select 1 from delivery_hold") == []


async def test_requests_at_the_same_moment_release_each_page_once(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, **ON_REQUEST)
        pages = await held(platform)
        await asyncio.gather(*(deliver(platform, 1) for _ in range(4)))
        await platform.receiver.wait_for(4)
        await settled(platform)
        assert sorted(platform.receiver.ids) == sorted(pages[:4])
        assert await held(platform) == pages[4:]


async def test_requests_while_pages_arrive_are_met_exactly(database: Database, tmp_path: Path) -> None:
    simulated = SimulatorOptions(records=3000)
    async with running_platform(database, tmp_path, simulated=simulated) as platform:
        await set_up(platform, **ON_REQUEST)
        [backfill] = await platform.operations()
        for _ in range(10):
            await deliver(platform, 3)
        await platform.ended(backfill["id"])
        await platform.receiver.wait_for(30)
        await settled(platform)
        assert len(set(platform.receiver.ids)) == len(platform.receiver.ids) == 30
        assert (len(await held(platform)), await owed(platform)) == (30, 0)


async def test_a_page_that_is_released_is_retried_from_then_on(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, **ON_REQUEST)
        [first, *_] = await held(platform)
        platform.receiver.fail(500, times=1)
        await deliver(platform, 1)

        async def tried() -> bool:
            return bool(await rows(platform, "select 1 from delivery_message where attempts = 1"))

        await until(tried)
        [kept] = await rows(platform, "select * from delivery_message where id = :id", id=first)
        assert (kept.state, kept.attempts) == ("pending", 1)
        assert kept.next_at - datetime.now(UTC) < timedelta(seconds=7)


async def test_records_too_large_for_a_message_are_held_by_link(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, simulated=SimulatorOptions(records=3)) as platform:
        await platform.deploy(manifest(**ON_REQUEST))
        await platform.connect()
        [first, *_] = [each["id"] for each in (await contacts(platform)).values()]
        await change_contact(platform, first, jobtitle="x" * 400_000)
        await platform.install()
        [backfill] = await platform.operations()
        await platform.ended(backfill["id"])
        assert len(await held(platform)) == 2
        await rows(platform, "update delivery_payload set expires_at = now() - interval '1 day'")
        async with platform.services.database.transaction() as session:
            await platform.services.delivery.sweep(session, datetime.now(UTC))
        await deliver(platform, 2)
        await platform.receiver.wait_for(2)
        [link] = [
            message.body["resultInfo"]["downloadUrl"]
            for message in platform.receiver.messages
            if message.body["resultInfo"]["type"] == "url"
        ]
        downloaded = await platform.client.get(link.partition("/v1")[1] + link.partition("/v1")[2])
        [entry] = downloaded.json()
        assert entry["raw"]["id"] == first


async def test_a_read_waits_when_too_much_is_held_and_goes_on_when_some_is_asked_for(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, worker=False, spool_limit_bytes=MIB) as platform:
        await set_up(platform, {**COMPANIES, "backfill": {"defaultPeriod": {"days": 0}}}, **ON_REQUEST)
        for record_id in list(await contacts(platform))[:10]:
            await change_contact(platform, record_id, firstname=b64encode(os.urandom(100_000)).decode())
        [backfill] = await platform.operations()
        async with running_worker(platform.services):
            job = await waiting_job(platform, "read.run")
            assert "As many pages are held as may be" in job.error
            count = len(await held(platform))
            assert (await run_of(platform, backfill["id"])).page == 1
            # Another object of the same destination goes on meanwhile.
            path = f"/read{platform.project}/integrations/crm/objects/companies"
            triggered = await platform.client.post(path, json={"groupRef": "acme", "mode": "async"})
            assert (await platform.ended(triggered.json()["operationId"]))["status"] == "success"
            assert {message.body["objectName"] for message in platform.receiver.messages} == {"companies"}

            await deliver(platform, count)
            await until(lambda: _succeeds_in_a_hurry(platform, backfill["id"]))
            await settled(platform)
            assert len(await held(platform)) == 3
            await deliver(platform, 3)
            await settled(platform)
        delivered = [each.body for each in platform.receiver.messages if each.body["objectName"] == "people"]
        assert len(delivered) == count + 3
        assert len({entry["raw"]["id"] for body in delivered for entry in body["result"]}) == 250


async def test_held_pages_go_with_their_installation(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, **ON_REQUEST)
        await platform.send("DELETE", f"/integrations/crm/installations/{platform.installation}", 204)
        assert await held(platform) == []
        assert await rows(platform, "select 1 from delivery_hold") == []


async def test_a_page_repeated_after_a_crash_keeps_its_id_and_is_held_once(database: Database, tmp_path: Path) -> None:
    """The commit of the first pages fails after they were stored: nothing stays of it, and the next attempt has it."""
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform, **ON_REQUEST)
        [backfill] = await platform.operations()
        await deliver(platform, 2)
        await rows(
            platform,
            "create function crash() returns trigger language plpgsql as $$ begin raise exception 'no room'; end $$",
        )
        await rows(platform, "create trigger crash before update on read_run for each row execute function crash()")
        try:
            async with running_worker(platform.services):

                async def failed() -> bool:
                    return bool(await rows(platform, "select 1 from job where state = 'delayed'"))

                await until(failed)
                await rows(platform, "drop trigger crash on read_run")
                assert await owed(platform) == 2
                await until(lambda: _succeeds_in_a_hurry(platform, backfill["id"]))
                await platform.receiver.wait_for(2)
                await settled(platform)
        finally:
            await rows(platform, "drop trigger if exists crash on read_run")
            await rows(platform, "drop function crash")
        pages = [*platform.receiver.ids, *await held(platform)]
        assert len(pages) == len(set(pages)) == 5
        assert await owed(platform) == 0


async def _succeeds_in_a_hurry(platform: Platform, operation_id: str) -> bool:
    await hurry(platform)
    operation = await platform.send("GET", f"/operations/{operation_id}", 200)
    return bool(operation["status"] == "success")
