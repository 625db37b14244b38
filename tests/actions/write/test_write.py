"""Writes over HTTP: where they are taken, what is refused with which faults, and how they fail as yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from conjunct.core.database import Database
from tests.support.platform import MANIFEST, Platform, running_platform
from tests.support.reading import rows
from tests.support.specification import assert_specified, specification

CREATE = {"groupRef": "acme", "type": "create", "record": {"email": "ada@example.com"}}
DELETE = {"groupRef": "acme", "type": "delete", "record": {"id": "7"}}
AUTO = {"maxDelayMinutes": 5}
DELETION = {"contacts": {"objectName": "contacts", "deletionSettings": {"enabled": True}}}


def writing(**changes: Any) -> dict[str, Any]:
    """The usual manifest, whose contacts are written as well."""
    [integration] = MANIFEST["integrations"]
    write = {"objects": [{"objectName": "contacts", "inheritMapping": True}, {"objectName": "companies"}]}
    return {**MANIFEST, "integrations": [{**integration, "write": write, **changes}]}


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    """A platform with an installation that writes contacts and companies, and lets contacts be deleted."""
    async with running_platform(database, tmp_path, worker=False) as platform:
        await platform.deploy(writing())
        await platform.connect()
        await platform.install({"write": {"objects": DELETION}}, skipSampling="true")
        yield platform


async def write(
    platform: Platform, body: Any, object_name: str = "contacts", surface: str = "/write"
) -> httpx.Response:
    """The answer to a write, kept to the specification."""
    path = f"{surface}{platform.project}/integrations/crm/objects/{object_name}"
    answer = await platform.client.post(path, json=body)
    assert_specified(answer, "write", f"{surface}/v1")
    return answer


async def refused(platform: Platform, body: Any, object_name: str = "contacts") -> str:
    """The line that a write is refused with, as 400; nothing is stored."""
    before = await rows(platform, "select count(*) from operation")
    answer = await write(platform, body, object_name)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert len(answer.headers["x-request-id"]) > 8
    assert await rows(platform, "select count(*) from operation") == before
    return answer.text


@pytest.mark.parametrize("surface", ["/write", ""])
@pytest.mark.parametrize(
    ("body", "object_name"),
    [
        (CREATE, "contacts"),
        (CREATE, "people"),  # as it is mapped
        (CREATE, "companies"),
        ({**CREATE, "mode": "synchronous", "associations": [{"to": {"id": "1"}, "types": []}]}, "contacts"),
        ({**CREATE, "type": "update", "record": {"id": 7, "email": None}}, "contacts"),
        ({**CREATE, "headers": [{"key": "X-Reason", "value": "sync"}], "unknown": 1}, "contacts"),
        ({**CREATE, "mode": "asynchronous", "retryPolicy": {"deadlineHours": 48}}, "contacts"),
        ({**CREATE, "mode": "asynchronous", "autoBatchPolicy": {**AUTO, "retryDeadlineHours": 48}}, "contacts"),
        (DELETE, "contacts"),
        (DELETE, "people"),
    ],
)
async def test_a_good_write_fails_as_an_operation_that_says_why(
    platform: Platform, surface: str, body: dict[str, Any], object_name: str
) -> None:
    asked = platform.hubspot.journal.stats()["requests"]
    answer = await write(platform, body, object_name, surface)
    assert answer.status_code == 422, answer.text
    told = answer.json()
    assert told["result"] == {"success": False}
    [error] = told["errors"]
    assert "HubSpot has no way to write" in error["message"]
    operation = await platform.send("GET", f"/operations/{told['operationId']}", 200)
    native = "companies" if object_name == "companies" else "contacts"
    assert (operation["actionType"], operation["status"]) == ("write", "failure")
    assert operation["result"] == f"[{native}] {error['message']}"
    logs = await platform.send("GET", f"/operations/{told['operationId']}/logs", 200)
    assert [(line["severity"], line["message"]["error"]) for line in logs] == [("ERROR", error["message"])]
    assert platform.hubspot.journal.stats()["requests"] == asked


async def test_a_batch_fails_with_the_number_of_its_records(platform: Platform) -> None:
    batch = [{"record": {"id": str(place)}, "associations": [{}]} for place in range(100)]
    body = {"groupRef": "acme", "type": "update", "batch": batch, "batchPolicy": {"allOrNone": True}}
    answer = await write(platform, body)
    assert answer.status_code == 422, answer.text
    assert {**answer.json(), "operationId": "", "errors": []} == {
        "operationId": "",
        "successCount": 0,
        "failureCount": 100,
        "errors": [],
    }


async def test_the_examples_of_the_specification_pass(platform: Platform) -> None:
    document = specification("write")
    if document is None:
        pytest.skip("there is no specification here")
    [path] = document["paths"].values()
    examples = path["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert len(examples) > 4
    for example in examples.values():
        answer = await write(platform, {**example["value"], "groupRef": "acme"})
        assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["groupRef", "type", "record"]),
        ([], [""]),
        ({**CREATE, "groupRef": "", "type": "upsert", "mode": "async"}, ["groupRef", "type", "mode"]),
        ({**CREATE, "groupRef": "x" * 1001}, ["groupRef"]),
        ({**CREATE, "record": []}, ["record"]),
        ({**CREATE, "batch": [{"record": {}}]}, ["batch"]),
        ({**CREATE, "record": None, "batch": []}, ["batch"]),
        ({**CREATE, "record": None, "batch": [{"record": {}}] * 101}, ["batch"]),
        ({**CREATE, "record": None, "batch": [{}, {"record": 5}]}, ["batch.0.record", "batch.1.record"]),
        ({**CREATE, "record": None, "batch": [{"record": {}}], "associations": []}, ["associations"]),
        ({**CREATE, "associations": {}}, ["associations"]),
        ({**CREATE, "associations": ["x"]}, ["associations.0"]),
        ({**CREATE, "type": "update"}, ["record.id"]),
        ({**CREATE, "type": "update", "record": {"id": ""}}, ["record.id"]),
        ({**CREATE, "type": "update", "record": {"id": True}}, ["record.id"]),
        ({**CREATE, "type": "update", "record": {"id": "x" * 1001}}, ["record.id"]),
        (
            {"groupRef": "acme", "type": "update", "batch": [{"record": {"id": "1"}}, {"record": {}}, {"record": {}}]},
            ["batch.1.record.id", "batch.2.record.id"],
        ),
        ({"groupRef": "acme", "type": "delete", "batch": [{"record": {"id": "1"}}]}, ["batch"]),
        ({**DELETE, "mode": "asynchronous"}, ["mode"]),
        ({**DELETE, "autoBatchPolicy": AUTO}, ["autoBatchPolicy", "autoBatchPolicy"]),
        ({**CREATE, "autoBatchPolicy": AUTO}, ["autoBatchPolicy"]),
        ({**CREATE, "mode": "asynchronous", "autoBatchPolicy": {}}, ["autoBatchPolicy.maxDelayMinutes"]),
        (
            {
                **CREATE,
                "mode": "asynchronous",
                "autoBatchPolicy": {"maxDelayMinutes": 1441, "retryDeadlineHours": 0},
                "retryPolicy": {"deadlineHours": 49},
                "batchPolicy": {"allOrNone": "yes"},
            },
            [
                "retryPolicy.deadlineHours",
                "autoBatchPolicy.maxDelayMinutes",
                "autoBatchPolicy.retryDeadlineHours",
                "batchPolicy.allOrNone",
            ],
        ),
        ({**CREATE, "retryPolicy": {"deadlineHours": "5"}}, ["retryPolicy.deadlineHours"]),
        (
            {**CREATE, "headers": [{"key": "a b", "value": ""}, {"key": "Te", "value": ""}, {"key": "X", "value": 5}]},
            ["headers.0.key", "headers.1.key", "headers.2.value"],
        ),
        (
            {**CREATE, "headers": [{"key": "X", "value": "a\r\nAuthorization: b"}, {}]},
            ["headers.0.value", "headers.1.key", "headers.1.value"],
        ),
        ({**CREATE, "headers": [{"key": "X", "value": "x"}] * 51}, ["headers"]),
    ],
)  # fmt: skip
async def test_a_body_that_is_not_as_specified_is_refused_in_one_line_with_all_its_faults(
    platform: Platform, body: Any, places: list[str]
) -> None:
    line = await refused(platform, body)
    told = [fault.partition(": ")[0] for fault in line.split("; ")] if places != [""] else [""]
    assert told == places, line


async def test_broken_json_and_other_media_types_are_refused_in_one_line(platform: Platform) -> None:
    path = f"/write{platform.project}/integrations/crm/objects/contacts"
    for options in ({"content": b"{"}, {"content": b"{}", "headers": {"Content-Type": "text/csv"}}):
        answer = await platform.client.post(path, **options)
        assert_specified(answer, "write", "/write/v1")
        assert answer.status_code == 400
        assert len(answer.text.splitlines()) == 1


async def test_only_objects_that_the_integration_writes_are_written(platform: Platform) -> None:
    for body in (CREATE, DELETE):
        assert (
            await refused(platform, body, "deals") == "objectName: the integration writes contacts, companies, not this"
        )


async def test_records_are_deleted_only_where_the_config_says_so(platform: Platform) -> None:
    assert (await refused(platform, DELETE, "companies")).startswith("type: deletion is not enabled")
    path = f"/integrations/crm/installations/{platform.installation}"
    content = {"write": {"objects": {"contacts": {"objectName": "contacts", "deletionSettings": {"enabled": False}}}}}
    change = {
        "updateMask": ["config.content.write.objects.contacts"],
        "installation": {"config": {"content": content}},
    }
    await platform.send("PATCH", path, 200, json=change, params={"skipSampling": "true"})
    assert (await refused(platform, DELETE)).startswith("type: deletion is not enabled")
    assert (await write(platform, CREATE)).status_code == 422


async def test_whoever_is_not_installed_is_not_found(platform: Platform) -> None:
    answer = await write(platform, {**CREATE, "groupRef": "initech"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("group-not-installed")


async def test_a_write_with_an_idempotency_key_is_one_operation(platform: Platform) -> None:
    path = f"/write{platform.project}/integrations/crm/objects/contacts"
    answers = [await platform.client.post(path, json=CREATE, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(await rows(platform, "select 1 from operation where action_type = 'write'")) == 1
