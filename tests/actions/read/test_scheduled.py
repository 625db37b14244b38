"""Scheduled reads: they bring what changed since the watermark, and nothing is ever left between two of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from tests.support.platform import running_platform, running_worker
from tests.support.reading import (
    backfilled,
    hurry,
    idle,
    make_due,
    rows,
    run_of,
    scheduled_read,
    set_up,
    touch,
    until,
    waiting_job,
    watermark,
)


async def test_each_read_brings_only_what_changed_and_begins_where_the_last_began(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        for count in (5, 0, 2):
            reached = await watermark(platform)
            changed = touch(platform, count)
            operation = await scheduled_read(platform)
            assert operation["status"] == "success"
            assert operation["result"] == f"[contacts] {f'{count} records read' if count else 'No new data found'}"
            assert sorted(platform.delivered(operation["id"])) == sorted(changed)
            run = await run_of(platform, operation["id"])
            assert run.since == reached
            assert await watermark(platform) == run.new_watermark == run.until
            assert run.until > run.since


async def test_a_failed_read_leaves_the_watermark_and_the_next_one_brings_all_that_it_missed(
    database: Database, tmp_path: Path, quick_retries: None
) -> None:
    async with running_platform(database, tmp_path, simulated=SimulatorOptions(records=900)) as platform:
        await backfilled(platform)
        reached = await watermark(platform)
        touch(platform, 900)  # five pages
        platform.hubspot.faults.set([f"500@page={number}" for number in range(3, 11)])
        failed = await scheduled_read(platform)
        assert failed["status"] == "failure"
        assert len(platform.delivered(failed["id"])) == 400
        assert await watermark(platform) == reached

        succeeded = await scheduled_read(platform)
        assert succeeded["status"] == "success"
        assert len(set(platform.delivered(succeeded["id"]))) == 900
        assert (await run_of(platform, succeeded["id"])).since == reached


async def test_after_a_failed_backfill_the_schedule_begins_it_again(
    database: Database, tmp_path: Path, quick_retries: None
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [first] = await platform.operations()
        platform.hubspot.faults.set([f"500@page={number}" for number in range(4, 12)])
        async with running_worker(platform.services):
            assert (await platform.ended(first["id"]))["status"] == "failure"
            assert len(platform.delivered(first["id"])) == 200
            assert await watermark(platform) is None

            second = await scheduled_read(platform)
            assert second["status"] == "success"
            run = await run_of(platform, second["id"])
            assert (run.read_type, run.since) == ("backfill", None)
            assert len(set(platform.delivered(second["id"]))) == 250
            assert await watermark(platform) == run.new_watermark


async def test_a_read_of_an_object_never_runs_twice_at_once(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        touch(platform, 3)
        before = len(platform.receiver.requests)
        platform.receiver.hang(times=1)
        await make_due(platform)
        await platform.receiver.wait_for(before + 1, requests=True)  # the read stands still in its delivery

        await make_due(platform)
        triggered = await platform.trigger()

        async def rearmed() -> bool:
            return not await rows(platform, "select 1 from schedule where kind = 'read.scheduled' and next_at <= now()")

        await until(rearmed)
        jobs = await rows(platform, "select kind, state from job where kind like 'read.%' order by id")
        assert [tuple(job) for job in jobs] == [("read.scheduled", "running"), ("read.run", "waiting")]

        platform.receiver.recover()
        assert (await platform.ended(triggered))["status"] == "success"
        await idle(platform)
        newest, scheduled, _backfill = await platform.operations()
        assert newest["id"] == triggered
        assert scheduled["status"] == "success"


async def test_two_installations_are_read_side_by_side(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        first = platform.installation
        who = {"groupRef": "globex", "groupName": "Globex", "consumerRef": "bob", "consumerName": "Bob"}
        token = {"oauth2AuthorizationCode": {"accessToken": {"token": "theirs"}}}
        connection = await platform.send(
            "POST", "/connections:generate", 201, json={**who, **token, "provider": "hubspot"}
        )
        platform.receiver.hang(times=1)
        body = {"groupRef": "globex", "connectionId": connection["id"], "config": {"content": {}}}
        path = f"/integrations/{platform.integration}/installations"
        platform.installation = (await platform.send("POST", path, 201, json=body))["id"]
        [theirs] = await platform.operations()
        begun = await platform.receiver.wait_for(4, requests=True)  # one of theirs, which stands still
        assert begun[3].body["groupRef"] == "globex"

        ours = await platform.trigger()
        assert (await platform.ended(ours))["status"] == "success"
        assert {message.body["installationId"] for message in platform.receiver.messages} == {first}
        assert (await platform.operations())[0]["status"] == "in_progress"

        platform.receiver.recover()
        assert (await platform.ended(theirs["id"]))["status"] == "success"
        await waiting_job(platform, "delivery.retry")
        await hurry(platform)
        await platform.receiver.wait_for(lambda messages: len({each.id for each in messages}) == 9)
        assert len(set(platform.delivered(theirs["id"]))) == 250
        groups = {message.body["operationId"]: message.body["groupRef"] for message in platform.receiver.messages}
        assert (groups[theirs["id"]], groups[ours]) == ("globex", "acme")


async def test_a_read_that_is_due_waits_while_its_connection_is_throttled(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        [changed] = touch(platform, 1)
        await rows(platform, "update connection set throttled_until = now() + interval '1 hour'")
        asked = platform.hubspot.journal.page_requests
        await make_due(platform)
        job = await waiting_job(platform)
        [until_row] = await rows(platform, "select throttled_until from connection")
        assert abs(job.run_at - until_row.throttled_until) < timedelta(seconds=10)
        assert platform.hubspot.journal.page_requests == asked

        await hurry(platform)
        await idle(platform)
        [operation, _backfill] = await platform.operations()
        assert operation["status"] == "success"
        assert platform.delivered(operation["id"]) == [changed]


async def test_a_disabled_object_is_neither_scheduled_nor_triggered(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        mask = "config.content.read.objects.contacts"
        config = {"content": {"read": {"objects": {"contacts": {"objectName": "contacts", "disabled": True}}}}}
        path = f"/integrations/{platform.integration}/installations/{platform.installation}"
        await platform.send("PATCH", path, 200, json={"updateMask": [mask], "installation": {"config": config}})
        assert await rows(platform, "select 1 from schedule where kind = 'read.scheduled'") == []
        for name in ("contacts", "people"):
            answer = await platform.client.post(
                f"/read{platform.project}/integrations/crm/objects/{name}", json={"groupRef": "acme", "mode": "async"}
            )
            assert answer.status_code == 400
            assert answer.json()["type"].endswith("object-read-disabled")
