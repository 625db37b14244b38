"""Asynchronous writes: accepted at once, done by jobs, tried until their deadline, told by their operations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from conjunct.core.database import Database
from tests.actions.write.test_write import DELETION, writing
from tests.support.platform import Platform, running_platform, running_worker
from tests.support.reading import hurry, logs, rows, until, waiting_job
from tests.support.specification import assert_specified

KNOWN = ["171591000001", "171591000002"]
"""Ids of contacts in the simulated account."""

CREATE = {"groupRef": "acme", "type": "create", "mode": "asynchronous", "record": {"email": "ada@example.com"}}
UPDATE = {**CREATE, "type": "update", "record": {"id": KNOWN[0], "lastname": "L"}}
AUTO = {"maxDelayMinutes": 5, "retryDeadlineHours": 2}


@asynccontextmanager
async def platform_that_writes(database: Database, folder: Path, **settings: Any) -> AsyncIterator[Platform]:
    """A platform with an installation that writes; its worker is started by the tests."""
    async with running_platform(database, folder, worker=False, **settings) as platform:
        await platform.deploy(writing())
        await platform.connect()
        await platform.install({"write": {"objects": DELETION}}, skipSampling="true")
        yield platform


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    async with platform_that_writes(database, tmp_path, pending_writes_limit_bytes=2**20) as platform:
        yield platform


async def accept(platform: Platform, body: Any, object_name: str = "contacts") -> str:
    """The operation of a write that is accepted."""
    path = f"/write{platform.project}/integrations/crm/objects/{object_name}"
    answer = await platform.client.post(path, json=body)
    assert_specified(answer, "write", "/write/v1")
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["operationId"]
    operation_id: str = answer.json()["operationId"]
    return operation_id


def sent(platform: Platform) -> list[tuple[str, Any]]:
    """The writes that reached the provider: path and body, in order."""
    prefix = "/crm/v3/objects/"
    return [
        (entry.path.removeprefix(prefix), orjson.loads(entry.body))
        for entry in platform.hubspot.journal.last(1000)
        if entry.method in ("POST", "PATCH") and entry.path.startswith(prefix)
    ]


async def test_a_write_is_done_by_a_job_and_nothing_of_it_is_kept(platform: Platform) -> None:
    operation_id = await accept(platform, CREATE, "people")
    assert (await platform.send("GET", f"/operations/{operation_id}", 200))["status"] == "in_progress"
    assert sent(platform) == []
    [part] = await rows(platform, "select sealed_request from write_part")
    assert b"ada@example.com" not in bytes(part.sealed_request)
    async with running_worker(platform.services):
        ended = await platform.ended(operation_id)
    assert (ended["status"], ended["result"]) == ("success", "[contacts] create: 1 done")
    [(path, body)] = sent(platform)
    assert (path, body["properties"]["email"]) == ("contacts", "ada@example.com")
    done, told = await logs(platform, operation_id)
    assert done["msg"] == "The create: 1 of 1 done."
    assert list(told["details"]) == ["0"]
    assert await rows(platform, "select 1 from write_run") == await rows(platform, "select 1 from write_part") == []


async def test_writes_to_an_object_are_done_in_the_order_in_which_they_were_accepted(platform: Platform) -> None:
    names = [f"L{number}" for number in range(12)]
    ids = [await accept(platform, {**UPDATE, "record": {"id": KNOWN[0], "lastname": name}}) for name in names]
    async with running_worker(platform.services):
        await platform.ended(ids[-1])
    assert [body["properties"]["lastname"] for _, body in sent(platform)] == names


async def test_what_the_provider_refuses_is_told_record_by_record(platform: Platform) -> None:
    changes = [{"record": {"id": each, "lastname": "L"}} for each in (KNOWN[0], "999999", KNOWN[1])]
    operation_id = await accept(platform, {**UPDATE, "record": None, "batch": changes})
    async with running_worker(platform.services):
        ended = await platform.ended(operation_id)
    assert (ended["status"], ended["result"]) == ("success", "[contacts] update: 2 of 3 done")
    summary, failed, told = await logs(platform, operation_id)
    assert (summary["severity"], failed["severity"]) == ("WARNING", "ERROR")
    assert failed["details"] == {"record": "1", "state": "refused", "id": "999999"}
    assert told["details"] == {"0": KNOWN[0], "2": KNOWN[1]}
    assert len(sent(platform)) == 1, "what is refused is not tried again"


async def test_what_passes_is_tried_again_and_only_what_is_left(platform: Platform) -> None:
    platform.hubspot.faults.set(["429@request=1", "503@request=2"])
    operation_id = await accept(platform, UPDATE)
    async with running_worker(platform.services):
        await waiting_job(platform, "write.run")
        await until(lambda: _hurried(platform, operation_id))
        ended = await platform.ended(operation_id)
    assert ended["status"] == "success"
    assert ended["metadata"]["retry"]["attempts"] >= 1
    told = await logs(platform, operation_id)
    assert [line["msg"].split(";")[0] for line in told][:2] == ["Not all is written yet"] * 2
    assert "Sent again" in told[-1]["msg"], "the answer 503 does not tell whether it was done"
    assert told[-1]["details"] == {"records": "0"}


async def test_a_create_without_an_answer_is_not_sent_again(platform: Platform) -> None:
    platform.hubspot.faults.set(["reset@request=1"])
    operation_id, following = [await accept(platform, CREATE) for _ in range(2)]
    async with running_worker(platform.services):
        ended = await platform.ended(operation_id)
        assert (await platform.ended(following))["status"] == "success"
    assert ended["status"] == "failure"
    assert ended["result"].startswith("[contacts] It is not known whether it was written; it is not tried again")
    assert len(sent(platform)) == 2


async def test_a_write_waits_for_the_customer_to_connect_again(platform: Platform) -> None:
    bad = "update connection set status = 'bad_credentials'"
    await rows(platform, bad)
    operation_id = await accept(platform, CREATE)
    async with running_worker(platform.services):
        await waiting_job(platform, "write.run")
        assert sent(platform) == []
        await rows(platform, "update connection set status = 'working'")
        await hurry(platform)
        assert (await platform.ended(operation_id))["status"] == "success"


async def test_after_its_deadline_a_write_is_given_up(platform: Platform) -> None:
    platform.hubspot.faults.set(["503:1"])
    operation_id = await accept(platform, {**UPDATE, "retryPolicy": {"deadlineHours": 48}})
    [run] = await rows(platform, "select deadline - create_time as kept_for from write_run")
    assert round(run.kept_for.total_seconds() / 3600) == 48
    async with running_worker(platform.services):
        await waiting_job(platform, "write.run")
        await rows(platform, "update write_run set deadline = now()")
        await hurry(platform)
        ended = await platform.ended(operation_id)
    assert ended["status"] == "failure"
    assert "It is not known whether it was written" in ended["result"]


async def test_a_write_under_which_workers_die_again_and_again_is_given_up(platform: Platform) -> None:
    operation_id, following = await accept(platform, CREATE), await accept(platform, CREATE)
    await rows(platform, "update job set attempts = max_attempts - 1 where ref_id = :id", id=operation_id)
    async with running_worker(platform.services):
        assert "attempts ended without a word" in (await platform.ended(operation_id))["result"]
        assert (await platform.ended(following))["status"] == "success"


async def test_a_write_goes_by_the_config_as_it_is_when_it_is_done(platform: Platform) -> None:
    operation_id = await accept(platform, CREATE)
    left = writing()
    left["integrations"][0]["write"]["objects"].pop(0)
    await platform.send("PUT", "/integrations:batch", 200, json={"sourceYaml": yaml.safe_dump(left)})
    async with running_worker(platform.services):
        ended = await platform.ended(operation_id)
    assert ended["status"] == "failure"
    assert "does not write 'contacts'" in ended["result"]
    assert sent(platform) == []


async def test_with_its_installation_a_write_goes_too(platform: Platform) -> None:
    await accept(platform, CREATE)
    await platform.send("DELETE", f"/integrations/crm/installations/{platform.installation}", 204)
    assert await rows(platform, "select 1 from write_run union all select 1 from write_part") == []
    async with running_worker(platform.services):
        await until(lambda: _no_jobs(platform))
    assert sent(platform) == []


async def test_what_waits_is_bounded(platform: Platform) -> None:
    large = {**CREATE, "record": {"email": "x" * 600_000}}
    await accept(platform, large)
    path = f"/write{platform.project}/integrations/crm/objects/contacts"
    answer = await platform.client.post(path, json=large)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (429, "too-many-pending-writes")
    assert len(await rows(platform, "select 1 from operation where action_type = 'write'")) == 1
    await accept(platform, CREATE)


async def test_single_records_are_gathered_into_batches_of_100(platform: Platform) -> None:
    async def one(number: int) -> str:
        return await accept(platform, {**CREATE, "autoBatchPolicy": AUTO, "record": {"email": f"{number}@example.com"}})

    ids = [each for start in range(0, 150, 25) for each in await asyncio.gather(*map(one, range(start, start + 25)))]
    full, rest = dict.fromkeys(ids)
    assert (ids.count(full), ids.count(rest)) == (100, 50)
    await accept(platform, {**UPDATE, "autoBatchPolicy": AUTO})
    await accept(platform, {**CREATE, "autoBatchPolicy": AUTO, "headers": [{"key": "X-Reason", "value": "a"}]})
    gathering = (
        "select operation_id, records, deadline - create_time as kept_for from write_run where state = 'gathering'"
    )
    batches = {row.operation_id: row for row in await rows(platform, gathering)}
    assert sorted(row.records for row in batches.values()) == [1, 1, 50]
    assert round(batches[rest].kept_for.total_seconds() / 60) == 5
    async with running_worker(platform.services):
        assert (await platform.ended(full))["result"] == "[contacts] create: 100 done"
        assert len(sent(platform)) == 1
        await hurry(platform)  # the delay of the others is over
        assert (await platform.ended(rest))["result"] == "[contacts] create: 50 done"
    emails = [each["properties"]["email"] for _, body in sent(platform) for each in body.get("inputs", [])]
    created = [email for email in emails if email != "ada@example.com"]
    assert sorted(created) == sorted(f"{number}@example.com" for number in range(150))


async def test_the_end_is_published(platform: Platform) -> None:
    topic = (await platform.send("POST", "/topics", 201, json={"name": "writes"}))["id"]
    destination = (await platform.send("GET", "/destinations/people-webhook", 200))["id"]
    event = {"eventType": "write.async.done", "topicId": topic}
    await platform.send("POST", "/notification-event-topic-routes", 201, json=event)
    to = {"topicId": topic, "destinationId": destination}
    await platform.send("POST", "/topic-destination-routes", 201, json=to)
    changes = [{"record": {"id": each, "lastname": "L"}} for each in (KNOWN[0], "999999")]
    await accept(platform, {**UPDATE, "record": None, "batch": changes}, "people")
    async with running_worker(platform.services):
        await platform.receiver.wait_for(1)
    body = platform.receiver.messages[0].body
    assert body["notificationType"] == "write.async.done"
    data = body["data"]
    assert (data["objectName"], data["success"], data["successfulRecordIds"]) == ("people", False, [KNOWN[0]])
    assert data["errors"][0].startswith("record 1: ")


async def test_the_sweep_ends_what_nobody_else_does(platform: Platform) -> None:
    """A synchronous write whose process was killed, a write behind others, a batch whose job is gone."""
    cut_off, behind, gathered = [
        await accept(platform, body) for body in (CREATE, UPDATE, {**CREATE, "autoBatchPolicy": AUTO})
    ]
    await rows(platform, "update write_run set state = 'synchronous' where operation_id = :id", id=cut_off)
    await rows(platform, "delete from job where ref_id = :id", id=cut_off)
    await rows(platform, "delete from job where kind = 'write.gathered'")
    await rows(platform, "update job set run_at = now() + interval '1 h', state = 'delayed' where kind = 'write.run'")
    await rows(platform, "update write_run set deadline = now() - interval '5 minutes'")
    await platform.services.ensure_maintenance()
    await rows(platform, "update schedule set next_at = now() where key = 'write.sweep'")
    async with running_worker(platform.services):
        assert "it is not known what was written" in (await platform.ended(cut_off))["result"]
        assert (await platform.ended(behind))["result"] == "[contacts] Its deadline is over."
        assert (await platform.ended(gathered))["result"] == "[contacts] create: 1 done"
    assert len(sent(platform)) == 1


async def test_a_synchronous_write_is_there_to_be_swept_only_while_it_is_done(platform: Platform) -> None:
    path = f"/write{platform.project}/integrations/crm/objects/contacts"
    body = {**CREATE, "mode": "synchronous"}
    marked = "select 1 from write_run where state = 'synchronous'"
    platform.hubspot.faults.set(["timeout@request=1"])
    async with asyncio.timeout(60):
        hanging = asyncio.create_task(platform.client.post(path, json=body))
        await until(lambda: rows(platform, marked))
        hanging.cancel()
    assert (await platform.client.post(path, json=body)).status_code == 200
    assert len(await rows(platform, marked)) <= 1


async def _hurried(platform: Platform, operation_id: str) -> bool:
    """Ends every wait until the operation has ended."""
    await hurry(platform)
    return bool((await platform.send("GET", f"/operations/{operation_id}", 200))["status"] != "in_progress")


async def _no_jobs(platform: Platform) -> bool:
    return not await rows(platform, "select 1 from job where kind like 'write.%'")
