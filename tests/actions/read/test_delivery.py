"""What reads deliver, and what they do when their destination takes nothing, or is gone."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from openapi_schema_validator import OAS30Validator, oas30_format_checker

from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from tests.support.platform import Platform, running_platform, running_worker
from tests.support.reading import (
    COMPANIES,
    backfilled,
    change_contact,
    contacts,
    hurry,
    logs,
    rows,
    scheduled_read,
    set_up,
    touch,
    until,
    waiting_job,
)
from tests.support.specification import require_specification, specification


async def test_a_message_is_what_the_specification_says(database: Database, tmp_path: Path) -> None:
    require_specification()
    document = specification("webhook")
    assert document is not None
    schema = {**document["components"]["schemas"]["WebhookMessage"], "components": document["components"]}
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, COMPANIES)
        touch(platform, 1)
        await scheduled_read_of_contacts(platform)
        [first, *_] = await contacts(platform)
        await change_contact(platform, first, firstname=noise(200_000))
        await scheduled_read_of_contacts(platform)
        kinds = set()
        for message in platform.receiver.messages:
            faults = OAS30Validator(schema, format_checker=oas30_format_checker).iter_errors(message.body)
            assert [fault.message for fault in faults] == []
            kinds.add((message.body["objectName"], message.body["readType"], message.body["resultInfo"]["type"]))
        assert kinds == {
            ("people", "backfill", "inline"),
            ("companies", "backfill", "inline"),
            ("people", "scheduled", "inline"),
            ("people", "scheduled", "url"),
        }


async def test_a_message_names_things_as_the_builder_does_and_carries_the_record_as_it_came(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, simulated=SimulatorOptions(records=1)) as platform:
        await backfilled(platform)
        [operation] = await platform.operations()
        [message] = platform.receiver.messages
        body = message.body
        [(record_id, listed)] = (await contacts(platform, "email", "firstname", "jobtitle")).items()
        assert (body["objectName"], body["rawObjectName"]) == ("people", "contacts")
        assert (body["groupRef"], body["groupName"]) == ("acme", "Acme Inc")
        assert (body["consumerRef"], body["consumerName"]) == ("ada", "Ada")
        assert (body["action"], body["operationId"]) == ("read", operation["id"])
        assert body["resultInfo"] == {"type": "inline", "numRecords": 1}
        [entry] = body["result"]
        properties = listed["properties"]
        assert entry["fields"] == {"email": properties["email"], "firstname": properties["firstname"]}
        assert entry["mappedFields"] == {"title": properties["jobtitle"]}
        assert entry["raw"] == listed
        assert entry["raw"]["id"] == record_id
        assert operation["metadata"]["objects"] == ["people"]
        assert message.id.startswith(f"msg_{operation['id'].replace('-', '')}_0_0_")


async def test_a_page_larger_than_a_message_is_divided(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False, simulated=SimulatorOptions(records=10)) as platform:
        await set_up(platform)
        for record_id in await contacts(platform):
            await change_contact(platform, record_id, firstname=noise(50_000))
        async with running_worker(platform.services):
            [operation] = await platform.operations()
            await platform.ended(operation["id"])
        assert [message.body["resultInfo"]["numRecords"] for message in platform.receiver.messages] == [2] * 5
        assert all(len(message.raw) <= 300_000 for message in platform.receiver.messages)
        assert places(platform.receiver.ids, operation["id"]) == [f"0_{index}" for index in range(5)]


async def test_a_record_larger_than_a_message_is_downloaded_by_a_link_that_signs_itself(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        large, small = touch(platform, 2)
        name = noise(200_000)
        await change_contact(platform, large, firstname=name)
        operation = await scheduled_read(platform)
        messages = [each for each in platform.receiver.messages if each.body["operationId"] == operation["id"]]
        inline, linked = sorted(messages, key=lambda each: str(each.body["resultInfo"]["type"]))
        assert [entry["raw"]["id"] for entry in inline.body["result"]] == [small]
        assert "result" not in linked.body
        assert linked.body["resultInfo"]["numRecords"] == 1
        link = urlsplit(linked.body["resultInfo"]["downloadUrl"])
        address = f"{link.path}?{link.query}"
        key = platform.client.headers.pop("X-Api-Key")
        downloaded = await platform.client.get(address)
        assert downloaded.status_code == 200
        [entry] = downloaded.json()
        assert entry["raw"]["id"] == large
        assert entry["fields"]["firstname"] == name
        forged = await platform.client.get(address[:-4] + "0000")
        assert forged.status_code in (403, 404)
        platform.client.headers["X-Api-Key"] = key


async def test_a_destination_that_does_not_exist_fails_the_operation_and_is_named(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path) as platform:
        await set_up(platform, destination="nowhere")
        [operation] = await platform.operations()
        ended = await platform.ended(operation["id"])
        assert ended["status"] == "failure"
        assert "nowhere" in ended["result"]
        [_begun, line] = await logs(platform, operation["id"])
        assert line["severity"] == "ERROR"
        assert "nowhere" in line["error"]


async def test_a_destination_that_is_deleted_in_the_middle_of_a_read_fails_the_operation(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path) as platform:
        platform.receiver.hang(times=1)
        await set_up(platform)
        [operation] = await platform.operations()
        await platform.receiver.wait_for(1, requests=True)
        await platform.send("DELETE", "/destinations/people-webhook", 204)
        platform.receiver.recover()
        await hurried(platform, operation["id"])
        ended = await platform.ended(operation["id"])
        assert ended["status"] == "failure"
        assert "people-webhook" in ended["result"]


async def test_a_destination_that_is_down_does_not_hold_up_the_read_and_gets_everything_later(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, simulated=SimulatorOptions(records=900)) as platform:
        platform.receiver.fail(503)
        await set_up(platform)
        [operation] = await platform.operations()
        ended = await platform.ended(operation["id"])
        assert ended["status"] == "success"
        assert platform.receiver.messages == []
        kept = await rows(platform, "select id, body from delivery_message order by id")
        assert places([row.id for row in kept], operation["id"]) == [f"{page}_0" for page in range(9)]
        assert not any(b"example.com" in row.body for row in kept)  # what is kept is encrypted

        platform.receiver.recover()

        async def delivered() -> bool:
            await hurry(platform)
            return not await rows(platform, "select 1 from delivery_message")

        await until(delivered)
        assert sorted(platform.receiver.ids) == sorted(row.id for row in kept)
        assert len(platform.delivered()) == len(set(platform.delivered())) == 900


async def test_a_destination_that_has_fallen_far_behind_makes_its_reads_wait(
    database: Database, tmp_path: Path
) -> None:
    simulated = SimulatorOptions(records=250)
    settings: dict[str, Any] = {"spool_limit_bytes": 1024**2}
    async with running_platform(database, tmp_path, worker=False, simulated=simulated, **settings) as platform:
        await set_up(platform)
        for record_id in list(await contacts(platform))[:10]:
            await change_contact(platform, record_id, firstname=noise(130_000))
        platform.receiver.fail(503)
        [operation] = await platform.operations()
        async with running_worker(platform.services):
            job = await waiting_job(platform, "read.run")
            assert "As much waits for the destination 'people-webhook' as may be" in job.error
            found = await platform.send("GET", f"/operations/{operation['id']}", 200)
            assert found["status"] == "in_progress"
            [run] = await rows(platform, "select page, records from read_run")
            assert tuple(run) == (1, 100)
            asked = platform.hubspot.journal.page_requests
            await hurry_reads(platform)
            again = await waiting_job(platform, "read.run")
            assert again.attempts > job.attempts
            assert platform.hubspot.journal.page_requests == asked  # a full spool is seen before the provider is asked

            platform.receiver.recover()
            await hurried(platform, operation["id"])
            ended = await platform.ended(operation["id"])
        assert ended["status"] == "success"
        await platform.receiver.wait_for(lambda messages: len({each.id for each in messages}) >= 13)
        assert len(platform.delivered()) == len(set(platform.delivered())) == 250


async def test_a_refusal_of_one_message_does_not_hold_up_the_others(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        platform.receiver.fail(400, times=1)
        await set_up(platform)
        [operation] = await platform.operations()
        assert (await platform.ended(operation["id"]))["status"] == "success"
        assert len(platform.receiver.messages) == 2
        await hurry(platform)
        messages = await platform.receiver.wait_for(3)
        assert messages[2].raw == platform.receiver.requests[0].raw
        assert messages[2].id == platform.receiver.requests[0].id


def places(message_ids: Sequence[str], operation_id: str) -> list[str]:
    """The places of messages in this operation (page and number within it), in order; each must be of it."""
    stem = f"msg_{operation_id.replace('-', '')}_"
    assert all(message_id.startswith(stem) for message_id in message_ids)
    return sorted(message_id.removeprefix(stem).rpartition("_")[0] for message_id in message_ids)


def noise(length: int) -> str:
    """Text that does not compress."""
    return b64encode(os.urandom(length)).decode()[:length]


async def scheduled_read_of_contacts(platform: Platform) -> None:
    """Read the contacts, and no other object, on their schedule."""
    path = f"/integrations/crm/installations/{platform.installation}"
    await platform.send("POST", f"{path}:pause", 204, json={"objects": ["companies"]})
    assert (await scheduled_read(platform))["status"] == "success"


async def hurry_reads(platform: Platform) -> None:
    """End the waits of reads alone."""
    await rows(platform, "update job set state = 'ready' where state = 'delayed' and kind like 'read.%'")
    await rows(platform, "select pg_notify('conjunct_queue', 'ready')")


async def hurried(platform: Platform, operation_id: str) -> None:
    """Let no wait last until the operation has ended."""

    async def ended() -> bool:
        await hurry(platform)
        found = await platform.send("GET", f"/operations/{operation_id}", 200)
        return bool(found["status"] != "in_progress")

    await until(ended)
