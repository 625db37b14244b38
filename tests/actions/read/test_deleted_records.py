"""Deleted records (`deletedRecords: include`): told after the live ones of the same window, each marked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from conjunct.simulators import serve as simulate
from tests.actions.read.test_large_backfill import CONNECTION
from tests.support.platform import Platform, running_platform
from tests.support.reading import backfilled, contacts, manifest, run_of, scheduled_read, touch
from tests.support.servers import NO_AUTHORITIES


async def archive(platform: Platform, count: int) -> set[str]:
    """Delete contacts in the simulated account, from the end; gives their ids."""
    gone = list(await contacts(platform))[-count:]
    async with httpx.AsyncClient(headers={"Authorization": "Bearer good"}, verify=NO_AUTHORITIES) as hubspot:
        for start in range(0, count, 100):
            body = {"inputs": [{"id": each} for each in gone[start : start + 100]]}
            path = f"{platform.hubspot.url}/crm/v3/objects/contacts/batch/archive"
            (await hubspot.post(path, json=body)).raise_for_status()
    return set(gone)


def entries(platform: Platform, operation_id: str) -> list[dict[str, Any]]:
    """The entries that an operation delivered, repeats included."""
    bodies = [each.body for each in platform.receiver.messages if each.body["operationId"] == operation_id]
    return [entry for body in bodies for entry in body["result"]]


def split(found: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """The ids of live and of deleted records, in order."""
    live = [each["raw"]["id"] for each in found if "deleted" not in each]
    return live, [each["raw"]["id"] for each in found if each.get("deleted") is True]


async def test_a_scheduled_read_brings_what_was_deleted_since_the_last(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await platform.deploy(manifest(deletedRecords="include"))
        await platform.connect()
        early = await archive(platform, 3)
        await platform.install({"read": {"objects": {"contacts": {"objectName": "contacts"}}}})
        [backfill] = await platform.operations()
        await platform.ended(backfill["id"])
        live, deleted = split(entries(platform, backfill["id"]))
        assert (len(live), deleted) == (247, [])
        assert not early & set(live)

        gone, changed = await archive(platform, 120), touch(platform, 2)
        operation = await scheduled_read(platform)
        live, deleted = split(entries(platform, operation["id"]))
        assert sorted(live) == sorted(changed)
        assert gone <= set(deleted) <= gone | early  # HubSpot's times are taken to be of whole seconds
        assert all({"fields", "mappedFields", "raw"} <= each.keys() for each in entries(platform, operation["id"]))
        assert len(platform.receiver.ids) == len(set(platform.receiver.ids))

        triggered = await platform.ended(await platform.trigger())
        live, deleted = split(entries(platform, triggered["id"]))
        assert (len(live), set(deleted)) == (127, gone | early)


async def test_a_read_that_fails_among_the_deleted_goes_on_there(
    database: Database, tmp_path: Path, quick_retries: None
) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, deletedRecords="include")
        gone, changed = await archive(platform, 120), touch(platform, 2)
        # After the page of what is live and the first of the deleted ones, the second one fails twice.
        before = platform.hubspot.journal.page_requests
        platform.hubspot.faults.set(["500@page=3", "503@page=4"])
        operation = await scheduled_read(platform)
        assert operation["status"] == "success"
        live, deleted = split(entries(platform, operation["id"]))
        assert sorted(live) == sorted(changed)
        assert sorted(deleted) == sorted(gone)
        run = await run_of(platform, operation["id"])
        assert (run.page, run.at_deleted, run.records) == (3, True, 122)
        assert platform.hubspot.journal.page_requests == before + 5


async def test_an_object_whose_deleted_records_cannot_be_told_is_refused_at_the_deploy(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        wanted = {"objectName": "tickets", "deletedRecords": "include", "associations": ["notes"]}
        zendesk = manifest(**wanted)
        zendesk["integrations"][0]["provider"] = "zendeskSupport"
        refused = await platform.send("PUT", "/integrations:batch", 422, json={"sourceYaml": yaml.safe_dump(zendesk)})
        place = "integrations.0.read.objects.0"
        found = [issue["name"] for issue in refused["issues"]]
        assert found == [f"{place}.associations.0", f"{place}.deletedRecords"]


async def test_filters_that_the_provider_has_not_for_deleted_records_are_refused_at_the_installation(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await platform.deploy(manifest(deletedRecords="include"))
        await platform.connect()
        filters = [{"fieldName": "country", "operator": "eq", "value": "Japan"}]
        content = {"read": {"objects": {"contacts": {"objectName": "contacts", "fieldFilters": filters}}}}
        path = "/integrations/crm/installations"
        refused = await platform.send("POST", path, 422, json={"groupRef": "acme", "config": {"content": content}})
        [issue] = refused["issues"]
        assert "equal values" in issue["detail"]


@pytest.mark.parametrize("mode", ["auto", "onRequest"])
async def test_salesforce_tells_what_was_deleted_and_what_belongs_to_records(
    database: Database, tmp_path: Path, mode: str
) -> None:
    overrides = tmp_path / "simulated.yaml"
    async with simulate("salesforce", SimulatorOptions(records=30)) as salesforce:
        overrides.write_text(yaml.safe_dump({"salesforce": salesforce.url}))
        async with running_platform(database, tmp_path, provider_overrides=overrides) as platform:
            further = {"associations": ["accounts"], "deletedRecords": "include", "delivery": {"mode": mode}}
            changed = manifest(objectName="Contact", requiredFields=[{"fieldName": "Email"}], **further)
            changed["integrations"][0]["provider"] = "salesforce"
            await platform.deploy(changed)
            await platform.send("POST", "/connections:generate", 201, json=CONNECTION)
            await platform.install({"read": {"objects": {"Contact": {"objectName": "Contact"}}}})
            [backfill] = await platform.operations()
            await platform.ended(backfill["id"])
            if mode == "onRequest":
                await deliver(platform, 1)
            await platform.receiver.wait_for(1)
            found = entries(platform, backfill["id"])
            assert len(found) == 30
            for each in found:
                account = {"id": each["raw"]["AccountId"], "objectName": "accounts", "rawObjectName": "accounts"}
                assert each["associations"] == {"accounts": [account] if account["id"] else []}

            gone = {each["raw"]["Id"] for each in found[:3]}
            async with httpx.AsyncClient(headers={"Authorization": "Bearer session"}, verify=NO_AUTHORITIES) as api:
                for each in gone:
                    path = f"{salesforce.url}/services/data/v60.0/sobjects/Contact/{each}"
                    (await api.delete(path)).raise_for_status()
            # Salesforce's bounds are whole seconds: what was deleted in this one is otherwise for the next read.
            now = datetime.now(UTC)
            window = {"sinceTimestamp": now - timedelta(minutes=1), "untilTimestamp": now + timedelta(minutes=1)}
            triggered = await platform.trigger(**{name: at.isoformat() for name, at in window.items()})
            operation = await platform.ended(triggered)
            assert operation["status"] == "success", operation
            if mode == "onRequest":
                await deliver(platform, 1)
            await platform.receiver.wait_for(2)
            told = entries(platform, operation["id"])
            assert {each["raw"]["Id"] for each in told} == gone
            assert {(each["deleted"], "associations" in each) for each in told} == {(True, False)}


async def deliver(platform: Platform, pages: int) -> None:
    path = f"/read{platform.project}/integrations/crm/objects/Contact:deliverResults"
    answer = await platform.client.post(path, json={"groupRef": "acme", "pages": pages})
    assert answer.status_code == 204, answer.text
