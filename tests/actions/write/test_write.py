"""Writes over HTTP: what is refused with which faults, what is done at the provider, and what is told of it."""

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


async def operation_of(platform: Platform, answer: httpx.Response) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The operation that an answer names, and its log."""
    operation_id = answer.json()["operationId"]
    operation = await platform.send("GET", f"/operations/{operation_id}", 200)
    return operation, await platform.send("GET", f"/operations/{operation_id}/logs", 200)


async def test_a_record_is_created_updated_and_deleted(platform: Platform) -> None:
    headers = [{"key": "X-Reason", "value": "sync"}]
    for surface, name in (("/write", "contacts"), ("", "people")):  # as it is mapped
        made = await write(platform, {**CREATE, "headers": headers, "unknown": 1}, name, surface)
        assert made.status_code == 200, made.text
        result = made.json()["result"]
        record_id = result["recordId"]
        assert (result["success"], result["data"]["email"]) == (True, "ada@example.com")
        operation, logs = await operation_of(platform, made)
        assert (operation["actionType"], operation["status"]) == ("write", "success")
        assert operation["result"] == "[contacts] create: 1 done"
        assert [(line["severity"], line["message"]["msg"]) for line in logs] == [("INFO", "The create: 1 of 1 done.")]
        change = {**CREATE, "type": "update", "record": {"id": record_id, "lastname": "Lovelace"}}
        changed = await write(platform, change, name, surface)
        assert (changed.status_code, changed.json()["result"]["recordId"]) == (200, record_id)
        gone = await write(platform, {**DELETE, "record": {"id": record_id}}, name, surface)
        assert (gone.status_code, gone.json()["result"]) == (200, {"success": True})


async def test_what_the_provider_refuses_is_told_in_its_words(platform: Platform) -> None:
    refusals = [
        ({**CREATE, "record": {"nonsense": 1}}, "contacts", "nonsense"),
        ({**CREATE, "type": "update", "record": {"id": 7, "email": None}}, "contacts", "not found"),
        (CREATE, "companies", "email"),
        ({**CREATE, "type": "update", "record": {"id": "..", "email": "a"}}, "contacts", "cannot stand in a path"),
    ]
    for body, name, words in refusals:
        answer = await write(platform, body, name)
        assert answer.status_code == 422, answer.text
        told = answer.json()
        assert told["result"] == {"success": False}
        [error] = told["errors"]
        assert words in error["message"]
        operation, logs = await operation_of(platform, answer)
        assert operation["status"] == "failure"
        assert operation["result"] == f"[{name}] {error['message']}"
        assert logs[0]["severity"] == "ERROR"


async def test_a_batch_is_told_record_by_record(platform: Platform) -> None:
    emails = [f"{name}@example.com" for name in ("ada", "grace", "mary")]
    body = {"groupRef": "acme", "type": "create", "batch": [{"record": {"email": each}} for each in emails]}
    made = await write(platform, body)
    assert made.status_code == 200, made.text
    told = made.json()
    assert (told["successCount"], told["failureCount"], "errors" in told) == (3, 0, False)
    assert [each["data"]["email"] for each in told["results"]] == emails
    known = [each["recordId"] for each in told["results"]]
    assert len(set(known)) == 3

    changes = [{"record": {"id": each, "lastname": "L"}} for each in (known[0], "999999", known[2])]
    body = {"groupRef": "acme", "type": "update", "batch": changes}
    part = await write(platform, body)
    assert part.status_code == 200, part.text
    told = part.json()
    assert (told["successCount"], told["failureCount"]) == (2, 1)
    assert [each["success"] for each in told["results"]] == [True, False, True]
    assert told["errors"][0]["message"].startswith("record 1: ")
    operation, logs = await operation_of(platform, part)
    assert (operation["status"], operation["result"]) == ("success", "[contacts] update: 2 of 3 done")
    assert sorted(line["severity"] for line in logs) == ["ERROR", "WARNING"]

    none = [{"record": {"id": str(place), "nonsense": 1}} for place in range(100)]
    whole = await write(platform, {**body, "batch": none})
    assert whole.status_code == 422, whole.text
    told = whole.json()
    assert (told["successCount"], told["failureCount"], len(told["results"])) == (0, 100, 100)


async def test_the_examples_of_the_specification_pass(platform: Platform) -> None:
    document = specification("write")
    if document is None:
        pytest.skip("there is no specification here")
    [path] = document["paths"].values()
    examples = path["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert len(examples) > 4
    for example in examples.values():
        answer = await write(platform, {**example["value"], "groupRef": "acme"})
        assert answer.status_code in (200, 422), answer.text


FAULTY: list[tuple[Any, list[str]]] = [
    ({}, ["groupRef", "type", "record"]),
    ([], [""]),
    ({**CREATE, "groupRef": "", "type": "merge", "mode": "async"}, ["groupRef", "type", "mode"]),
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
]  # fmt: skip
"""Bodies, with the places of all their faults."""


async def test_a_body_that_is_not_as_specified_is_refused_in_one_line_with_all_its_faults(platform: Platform) -> None:
    for body, places in FAULTY:
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
    assert (await write(platform, CREATE)).status_code == 200


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
