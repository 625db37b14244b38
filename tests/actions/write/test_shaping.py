"""What a write becomes on the wire: mapped, with defaults and without what is not to be written; bytes at HubSpot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from tests.support.platform import MANIFEST, Platform, running_platform
from tests.support.reading import change_contact, contacts

FIELDS = [
    {"fieldName": "email"},
    {"fieldName": "jobtitle", "mapToName": "title"},
    {"fieldName": "city", "mapToName": "$['info']['town']"},
]
READ = {"objectName": "contacts", "selectedFieldMappings": {"source": "company"}}


def writing(**changes: Any) -> dict[str, Any]:
    """A manifest whose contacts are written as they are read."""
    [integration] = MANIFEST["integrations"]
    [contacts_] = integration["read"]["objects"]
    optional = [{"mapToName": "notes"}, {"mapToName": "source"}]
    read = {"objects": [{**contacts_, "requiredFields": FIELDS, "optionalFields": optional}]}
    write = {"objects": [{"objectName": "contacts", "inheritMapping": True, **changes}]}
    return {**MANIFEST, "integrations": [{**integration, "read": read, "write": write}]}


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    """A platform that writes contacts, not installed yet."""
    few = SimulatorOptions(records=20)
    async with running_platform(database, tmp_path, worker=False, simulated=few) as platform:
        yield platform


async def installed(
    platform: Platform, settings: dict[str, Any] | None = None, read: dict[str, Any] | None = None, **changes: Any
) -> None:
    """Install the integration with these settings of its write object."""
    await platform.deploy(writing(**changes))
    await platform.connect()
    write = {"objects": {"contacts": {"objectName": "contacts", **(settings or {})}}}
    await platform.install({"read": {"objects": {"contacts": {**READ, **(read or {})}}}, "write": write})
    platform.hubspot.journal.reset()


async def written(platform: Platform, status: int = 200, **body: Any) -> dict[str, Any]:
    """The answer to a write of people."""
    path = f"/write{platform.project}/integrations/crm/objects/people"
    answer = await platform.client.post(path, json={"groupRef": "acme", **body})
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


def sent(platform: Platform) -> list[tuple[str, str, Any]]:
    """What HubSpot was asked since the installation."""
    return [
        (each.method, each.path, orjson.loads(each.body) if each.body else None)
        for each in platform.hubspot.journal.last(1000)
    ]


async def test_a_record_is_sent_under_the_providers_names_with_the_providers_values(platform: Platform) -> None:
    await installed(platform, read={"selectedValueMappings": {"title": {"boss": "CEO"}}})
    record = {"title": "boss", "info": {"town": "Paris"}, "source": "web", "notes": "x", "lastname": "L"}
    told = await written(platform, type="create", record=record)
    properties = {"jobtitle": "CEO", "city": "Paris", "company": "web", "lastname": "L"}
    [request] = sent(platform)
    assert request == ("POST", "/crm/v3/objects/contacts", {"properties": properties})
    assert told["result"]["data"]["jobtitle"] == "CEO"

    platform.hubspot.journal.reset()
    record_id = told["result"]["recordId"]
    batch = [{"record": {"id": record_id, "title": "aide", "notes": "x"}}, {"record": {"id": "404", "title": "boss"}}]
    told = await written(platform, type="update", batch=batch)
    assert [each["success"] for each in told["results"]] == [True, False]  # HubSpot answers 207
    inputs = [
        {"id": record_id, "properties": {"jobtitle": "aide"}},
        {"id": "404", "properties": {"jobtitle": "CEO"}},
    ]
    assert sent(platform) == [("POST", "/crm/v3/objects/contacts/batch/update", {"inputs": inputs})]


async def test_what_is_not_mapped_is_removed_where_the_manifest_says_so(platform: Platform) -> None:
    await installed(
        platform, {"selectedFieldSettings": {"country": {"default": {"stringValue": "75"}}}}, unmappedFields="remove"
    )
    await written(platform, type="create", record={"title": "CEO", "email": "a@b.c", "lastname": "L"})
    [(_, _, body)] = sent(platform)
    assert body["properties"] == {"jobtitle": "CEO", "country": "75"}  # a default is the group's own wish


SETTINGS = {
    "selectedFieldSettings": {
        "source": {"default": {"stringValue": "myApp"}, "writeOnUpdate": "never"},
        "jobtitle": {"writeOnCreate": "never"},
        "annualrevenue": {"default": {"integerValue": 0}},
        "lastname": {},
    },
    "selectedValueDefaults": {
        "annualrevenue": {"value": 5},
        "lastname": {"value": "Unknown", "applyOnUpdate": "never"},
        "country": {"value": "0"},
    },
}


async def test_defaults_are_written_and_fields_kept_out_as_the_group_has_chosen(platform: Platform) -> None:
    await installed(platform, SETTINGS)
    told = await written(platform, type="create", record={"title": "CEO", "website": None})
    [(_, _, body)] = sent(platform)
    # What is set anew goes before the older defaults.
    assert body["properties"] == {
        "company": "myApp",
        "annualrevenue": 0,
        "lastname": "Unknown",
        "country": "0",
        "website": None,
    }
    assert told["result"]["success"]

    platform.hubspot.journal.reset()
    change = {"title": "CEO", "source": "web", "annualrevenue": 7}
    await written(platform, type="update", record={"id": told["result"]["recordId"], **change})
    [(_, _, body)] = sent(platform)
    assert body["properties"] == {"jobtitle": "CEO", "annualrevenue": 7, "country": "0"}


async def test_fields_are_filled_only_while_they_are_empty(platform: Platform) -> None:
    city = {"default": {"stringValue": "Rome"}, "writeOnUpdate": "ifEmpty"}
    await installed(platform, {"selectedFieldSettings": {"title": {"writeOnUpdate": "ifEmpty"}, "city": city}})
    one, other = list(await contacts(platform))[:2]
    await change_contact(platform, one, jobtitle="", city="Oslo")
    await change_contact(platform, other, jobtitle="CTO", city="")
    platform.hubspot.journal.reset()
    await written(platform, type="update", record={"id": one, "title": "CEO", "phone": "1"})
    (_, read, asked), (_, changed, body) = sent(platform)
    assert read == "/crm/v3/objects/contacts/batch/read"
    assert asked == {"properties": ["city", "jobtitle"], "inputs": [{"id": one}]}
    assert (changed, body) == (f"/crm/v3/objects/contacts/{one}", {"properties": {"jobtitle": "CEO", "phone": "1"}})

    # A batch is looked up at once. A record that is not there is asked for once more, and left to HubSpot to refuse.
    platform.hubspot.journal.reset()
    batch = [{"record": {"id": each, "title": "CEO"}} for each in (one, "404", other)]
    told = await written(platform, type="update", batch=batch)
    assert [each["success"] for each in told["results"]] == [True, False, True]
    requests = sent(platform)
    assert [path.rpartition("/")[2] for _, path, _ in requests] == ["read", "read", "update"]
    assert requests[-1][2]["inputs"] == [
        {"id": one, "properties": {}},
        {"id": "404", "properties": {}},
        {"id": other, "properties": {"city": "Rome"}},
    ]

    # Nothing is looked up where nothing depends on it.
    platform.hubspot.journal.reset()
    await written(platform, type="create", record={"title": "CEO"})
    assert [body for _, _, body in sent(platform)] == [{"properties": {"jobtitle": "CEO", "city": "Rome"}}]


async def test_what_cannot_be_looked_up_is_not_written_over(platform: Platform) -> None:
    await installed(platform, {"selectedFieldSettings": {"jobtitle": {"writeOnUpdate": "ifEmpty"}}})
    one = next(iter(await contacts(platform)))
    platform.hubspot.journal.reset()
    platform.hubspot.faults.set(["502:1"])
    told = await written(platform, 422, type="update", record={"id": one, "title": "CEO"})
    assert told["result"] == {"success": False}
    assert "update" not in {path.rpartition("/")[2] for _, path, _ in sent(platform)}
