"""Searches by more than equal values, and their pages, at HubSpot and Salesforce."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import yaml

from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from conjunct.simulators import serve as simulate
from tests.actions.read.test_large_backfill import CONNECTION
from tests.support.platform import Platform, running_platform
from tests.support.reading import change_contact, contacts, manifest
from tests.support.specification import assert_specified


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    """A platform with an installation that reads the contacts of HubSpot, of which there are 250."""
    async with running_platform(database, tmp_path, worker=False) as platform:
        await platform.deploy(manifest())
        await platform.connect()
        values = {"title": {"boss": "CEO"}}
        content = {"contacts": {"objectName": "contacts", "selectedValueMappings": values}}
        await platform.install({"read": {"objects": content}}, skipSampling="true")
        yield platform


async def ask(platform: Platform, *filters: tuple[str, str, Any], **more: Any) -> httpx.Response:
    """The answer to a search of people."""
    wire = [{"fieldName": name, "operator": operator, "value": value} for name, operator, value in filters]
    answer = await platform.client.post(
        f"/search{platform.project}/integrations/crm",
        params={"groupRef": "acme"},
        json={"objectName": "people", "fieldFilters": wire, **more},
    )
    assert_specified(answer, "search", "/search/v1")
    return answer


async def found(platform: Platform, *filters: tuple[str, str, Any]) -> set[str]:
    """The ids of what a search finds, page by page."""
    ids: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = await ask(platform, *filters, **token)
        assert answer.status_code == 200, answer.text
        ids += [entry["id"] for entry in answer.json()["results"]]
        if "nextPageToken" not in answer.json():
            assert len(set(ids)) == len(ids)
            return set(ids)
        token = {"pageToken": answer.json()["nextPageToken"]}


async def test_hubspot_finds_by_every_operator(platform: Platform) -> None:
    known = {
        each: record["properties"]
        for each, record in (await contacts(platform, "firstname", "jobtitle", "email")).items()
    }
    names = sorted({each["firstname"] for each in known.values()})
    middle = names[len(names) // 2]

    def having(test: Callable[[str], bool], of: str = "firstname") -> set[str]:
        return {each for each, values in known.items() if test(values[of] or "")}

    assert await found(platform, ("firstname", "ne", middle)) == having(lambda value: value != middle)
    assert await found(platform, ("firstname", "gt", middle)) == having(lambda value: value > middle)
    assert await found(platform, ("firstname", "gte", middle)) == having(lambda value: value >= middle)
    between = ("firstname", "gt", names[1]), ("firstname", "lte", middle)
    assert await found(platform, *between) == having(lambda value: names[1] < value <= middle)
    assert await found(platform, ("firstname", "lt", middle)) == having(lambda value: value < middle)
    assert await found(platform, ("firstname", "in", names[:2])) == having(lambda value: value in names[:2])
    part = middle[:4]
    assert await found(platform, ("email", "contains", part)) == having(
        lambda value: part.lower() in value.lower(), "email"
    )
    # Mapped values stand for the provider's.
    one = next(iter(known))
    await change_contact(platform, one, jobtitle="CEO")
    known[one]["jobtitle"] = "CEO"
    bosses = having(lambda value: value == "CEO", "jobtitle")
    assert await found(platform, ("title", "in", ["boss", "nobody"])) == bosses
    assert await found(platform, ("title", "ne", "boss")) == known.keys() - bosses
    filters = orjson.loads(platform.hubspot.journal.last(1)[0].body)["filterGroups"][0]["filters"]
    assert {"propertyName": "jobtitle", "operator": "NEQ", "value": "CEO"} in filters


async def test_pages_follow_one_another_by_a_token_of_the_same_search(platform: Platform) -> None:
    known = await contacts(platform)
    first = (await ask(platform)).json()
    assert len(first["results"]) == 200
    token = first["nextPageToken"]
    second = (await ask(platform, pageToken=token)).json()
    assert "nextPageToken" not in second
    assert [entry["id"] for entry in first["results"] + second["results"]] == sorted(known, key=int)
    asked = platform.hubspot.journal.stats()["requests"]
    for other in (("firstname", "ne", "x"),), ():
        for wrong in (token if other else token[:-8] + "AAAAAAA=", "x", "é"):
            refused = await ask(platform, *other, pageToken=wrong)
            assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (400, "bad-page-token")
    assert platform.hubspot.journal.stats()["requests"] == asked


@pytest.mark.parametrize(
    ("filters", "name"),
    [
        ([("firstname", "like", "x")], "fieldFilters.0.operator"),
        ([("firstname", "in", "x")], "fieldFilters.0.value"),
        ([("firstname", "in", [])], "fieldFilters.0.value"),
        ([("firstname", "in", [["x"]])], "fieldFilters.0.value"),
        ([("firstname", "gt", ["x"])], "fieldFilters.0.value"),
        ([("firstname", "gt", "x"), ("firstname", "gt", "y")], "fieldFilters.1.fieldName"),
        ([("title", "eq", "x"), ("jobtitle", "ne", "y")], "fieldFilters.1.fieldName"),
    ],
)
async def test_filters_that_cannot_be_are_refused(
    platform: Platform, filters: list[tuple[str, str, Any]], name: str
) -> None:
    refused = await ask(platform, *filters)
    assert refused.status_code == 400
    assert [issue["name"] for issue in refused.json()["issues"]] == [name]


async def test_salesforce_finds_by_every_operator_and_page_by_page(database: Database, tmp_path: Path) -> None:
    overrides = tmp_path / "simulated.yaml"
    async with simulate("salesforce", SimulatorOptions(records=450)) as salesforce:
        overrides.write_text(yaml.safe_dump({"salesforce": salesforce.url}))
        async with running_platform(database, tmp_path, worker=False, provider_overrides=overrides) as platform:
            changed = manifest(
                objectName="Contact", requiredFields=[{"fieldName": "External_Id__c", "mapToName": "ref"}]
            )
            changed["integrations"][0]["provider"] = "salesforce"
            await platform.deploy(changed)
            await platform.send("POST", "/connections:generate", 201, json=CONNECTION)
            await platform.install({"read": {"objects": {"Contact": {"objectName": "Contact"}}}}, skipSampling="true")
            everything = await found(platform)
            assert len(everything) == 450
            assert "Id > '" in httpx.URL("?" + salesforce.journal.last(1)[0].query).params["q"]
            [first] = await found(platform, ("ref", "eq", "CON-1"))
            assert await found(platform, ("ref", "ne", "CON-1")) == everything - {first}
            three = ["CON-1", "CON-2", "CON-3"]
            assert len(await found(platform, ("ref", "in", three))) == 3
            assert len(await found(platform, ("ref", "in", three), ("ref", "gt", "CON-1"))) == 2
            assert len(await found(platform, ("ref", "gte", "CON-1"), ("ref", "lte", "CON-1"))) == 1
            assert await found(platform, ("ref", "lt", "CON-")) == set()
            tens = {f"CON-{place}" for place in range(450) if "-44" in f"CON-{place}"}
            assert len(await found(platform, ("ref", "contains", "-44"))) == len(tens)
            # What LIKE takes for a sign stands for itself, and nothing gets out of its quotes.
            for text in ("C_N", "%", "' OR Name != '", "\\"):
                assert await found(platform, ("ref", "contains", text)) == set()
