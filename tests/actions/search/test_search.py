"""Searching a customer's records over HTTP, down to a simulated HubSpot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from conjunct.tenants import NewProject
from tests.api.world import make_world
from tests.support.platform import Platform, running_platform
from tests.support.reading import COMPANIES, change_contact, contacts, manifest, rows
from tests.support.specification import assert_specified
from tests.support.tenants import make_key

Filters = dict[str, Any]
FILTER = {"fieldName": "email", "operator": "eq", "value": "a@b.c"}


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    """A platform with an installation that reads the contacts; no worker runs, so that only searches ask HubSpot."""
    async with running_platform(database, tmp_path, worker=False) as platform:
        await installed(platform)
        yield platform


async def installed(platform: Platform, config: dict[str, Any] | None = None, **changes: Any) -> None:
    await platform.deploy(manifest(**changes))
    await platform.connect()
    chosen = {"objectName": "contacts", **(config or {})}
    await platform.install({"read": {"objects": {"contacts": chosen}}}, skipSampling="true")


async def ask(
    platform: Platform, filters: Filters, object_name: str = "people", group: str = "acme", **options: Any
) -> httpx.Response:
    """The answer to a search, kept to the specification."""
    wire = [{"fieldName": name, "operator": "eq", "value": value} for name, value in filters.items()]
    answer = await platform.client.post(
        f"/search{platform.project}/integrations/crm",
        params={"groupRef": group},
        **{"json": {"objectName": object_name, "fieldFilters": wire}, **options},
    )
    assert_specified(answer, "search", "/search/v1")
    return answer


async def found(platform: Platform, filters: Filters, **options: Any) -> list[dict[str, Any]]:
    """What a search finds."""
    answer = await ask(platform, filters, **options)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) - {"nextPageToken"} == {"result", "results"}
    assert body["result"] == body["results"]
    entries: list[dict[str, Any]] = body["results"]
    return entries


async def refused(platform: Platform, status: int, filters: Filters, **options: Any) -> dict[str, Any]:
    """The problem that a search is refused with."""
    answer = await ask(platform, filters, **options)
    assert answer.status_code == status, answer.text
    problem: dict[str, Any] = answer.json()
    return problem


async def test_a_search_finds_records_as_reads_deliver_them(platform: Platform) -> None:
    known = await contacts(platform, "email", "firstname", "jobtitle")
    one = next(iter(known.values()))
    [entry] = await found(platform, {"email": one["properties"]["email"]})
    assert entry["id"] == one["id"]
    assert entry["fields"] == {name: one["properties"][name] for name in ("email", "firstname")}
    assert entry["mappedFields"] == {"title": one["properties"]["jobtitle"]}
    assert entry["raw"]["id"] == one["id"]
    assert entry["raw"]["properties"]["email"] == one["properties"]["email"]


async def test_fields_are_named_by_the_provider_or_as_they_are_mapped_and_all_must_match(platform: Platform) -> None:
    known = list((await contacts(platform, "firstname", "jobtitle")).values())
    title = known[0]["properties"]["jobtitle"]
    same = {each["id"] for each in known if each["properties"]["jobtitle"] == title}
    assert 1 < len(same) <= 200
    for name in ("title", "jobtitle"):
        assert {entry["id"] for entry in await found(platform, {name: title})} == same
    first = known[0]["properties"]["firstname"]
    both = {each["id"] for each in known if each["id"] in same and each["properties"]["firstname"] == first}
    assert {entry["id"] for entry in await found(platform, {"title": title, "firstname": first})} == both
    assert await found(platform, {"email": "nobody@nowhere.example"}) == []


async def test_a_search_gives_one_page_and_asks_the_provider_once(platform: Platform) -> None:
    before = platform.hubspot.journal.stats()["requests"]
    assert len(await found(platform, {})) == 200  # of 250
    assert platform.hubspot.journal.stats()["requests"] == before + 1
    [asked] = platform.hubspot.journal.last(1)
    assert (asked.method, asked.path) == ("POST", "/crm/v3/objects/contacts/search")
    assert orjson.loads(asked.body)["properties"] == ["email", "firstname", "jobtitle"]


async def test_delivered_values_are_searched_as_the_providers(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        values = {"title": {"boss": "CEO"}}
        await installed(platform, {"selectedValueMappings": values})
        one = next(iter(await contacts(platform, "jobtitle")))
        await change_contact(platform, one, jobtitle="CEO")
        entries = await found(platform, {"title": "boss"})
        assert one in {entry["id"] for entry in entries}
        assert {entry["mappedFields"]["title"] for entry in entries} == {"boss"}
        assert {entry["raw"]["properties"]["jobtitle"] for entry in entries} == {"CEO"}


async def test_all_fields_are_given_where_all_are_chosen(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await installed(platform, {"selectedFieldsAuto": "all"}, optionalFieldsAuto="all")
        one = next(iter((await contacts(platform, "email")).values()))
        [entry] = await found(platform, {"email": one["properties"]["email"]})
        assert len(entry["fields"]) > 10
        assert entry["mappedFields"].keys() == {"title"}


async def test_what_a_config_leaves_out_can_be_searched_and_what_it_switches_off_cannot(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await platform.deploy(manifest(COMPANIES))
        await platform.connect()
        off = {"contacts": {"objectName": "contacts", "disabled": True}}
        await platform.install({"read": {"objects": off}}, skipSampling="true")
        assert len(await found(platform, {}, object_name="companies")) > 1
        problem = await refused(platform, 400, {}, object_name="people")
        assert problem["type"].endswith("object-not-searchable")
        assert [(issue["name"], issue["value"]) for issue in problem["issues"]] == [("objectName", "people")]
        assert (await refused(platform, 400, {}, object_name="deals"))["type"].endswith("object-not-searchable")


async def test_a_field_has_one_filter_by_whichever_name(platform: Platform) -> None:
    problem = await refused(platform, 400, {"title": "CEO", "email": "a", "jobtitle": "CTO"})
    assert [(issue["name"], issue["value"]) for issue in problem["issues"]] == [
        ("fieldFilters.2.fieldName", "jobtitle")
    ]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, {"objectName", "fieldFilters"}),
        ({"objectName": "people", "fieldFilters": [{}]}, {f"fieldFilters.0.{key}" for key in FILTER}),
        ({"objectName": 5, "fieldFilters": "x"}, {"objectName", "fieldFilters"}),
        ({"objectName": "people", "fieldFilters": [{**FILTER, "operator": "like"}]}, {"fieldFilters.0.operator"}),
        ({"objectName": "people", "fieldFilters": [{**FILTER, "value": None}]}, {"fieldFilters.0.value"}),
        ({"objectName": "people", "fieldFilters": [{**FILTER, "value": ["a"]}]}, {"fieldFilters.0.value"}),
        ({"objectName": "people", "fieldFilters": [{**FILTER, "value": "x" * 10_001}]}, {"fieldFilters.0.value"}),
        (
            {"objectName": "", "fieldFilters": [{**FILTER, "fieldName": "x" * 256}]},
            {"objectName", "fieldFilters.0.fieldName"},
        ),
        ({"objectName": "people", "fieldFilters": [FILTER] * 101}, {"fieldFilters"}),
    ],
)
async def test_a_body_that_is_not_as_specified_is_refused_with_all_its_faults(
    platform: Platform, body: dict[str, Any], names: set[str]
) -> None:
    before = platform.hubspot.journal.stats()["requests"]
    problem = await refused(platform, 400, {}, json=body)
    assert {issue["name"] for issue in problem["issues"]} == names
    assert platform.hubspot.journal.stats()["requests"] == before


async def test_whoever_is_not_installed_or_may_not_search_finds_nothing(platform: Platform, database: Database) -> None:
    assert (await refused(platform, 404, {}, group="initech"))["type"].endswith("group-not-installed")
    unnamed = await platform.client.post(
        f"/search{platform.project}/integrations/crm", json={"objectName": "people", "fieldFilters": []}
    )
    assert unnamed.status_code == 400
    assert [issue["name"] for issue in unnamed.json()["issues"]] == ["groupRef"]
    own = NewProject(org_id="", project_id=platform.project_id, project_name="default", api_key="")
    frontend = await make_key(database, own, "frontend")
    await refused(platform, 403, {}, headers={"X-Api-Key": frontend})


async def test_the_providers_refusal_comes_in_its_own_words(platform: Platform) -> None:
    problem = await refused(platform, 422, {"nosuchfield": "x"})
    assert problem["type"].endswith("provider-refused")
    assert "nosuchfield" in problem["detail"]


async def test_bad_credentials_are_told_without_being_shown(platform: Platform) -> None:
    platform.hubspot.faults.set(["401:1"])
    problem = await refused(platform, 422, {})
    assert problem["type"].endswith("credentials-refused")
    assert "connect again" in problem["remedy"]
    assert "good" not in problem["detail"].split()


async def test_a_provider_that_is_down_may_be_asked_later(platform: Platform) -> None:
    platform.hubspot.faults.set(["502@request=1"])
    problem = await refused(platform, 503, {})
    assert (problem["type"].rpartition("/")[2], problem["retryable"]) == ("provider-unavailable", True)
    assert len(await found(platform, {})) == 200


async def test_a_provider_that_is_asked_too_much_is_left_alone_for_as_long_as_it_says(platform: Platform) -> None:
    platform.hubspot.faults.set(["429@request=1"])
    problem = await refused(platform, 503, {})
    assert problem["retryable"]
    asked = platform.hubspot.journal.stats()["requests"]
    again = await refused(platform, 503, {})
    until = datetime.fromisoformat(again["retryAfter"])
    assert datetime.now(UTC) < until
    assert platform.hubspot.journal.stats()["requests"] == asked
    await rows(platform, "update connection set throttled_until = now() where throttled_until is not null")
    assert len(await found(platform, {})) == 200


async def test_a_provider_that_cannot_search_says_so(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        world = await make_world(platform, database)
        for name, value, status, slug in (
            ("subject", "Oil the wheel", 422, "search-not-supported"),
            ("tracker", "1|2", 400, "unusable-value"),
        ):
            filters = [{"fieldName": name, "operator": "eq", "value": value}]
            answer = await platform.client.post(
                f"/search{platform.project}/integrations/{world.tracker['id']}",
                params={"groupRef": "globex"},
                json={"objectName": "issues", "fieldFilters": filters},
            )
            assert_specified(answer, "search", "/search/v1")
            assert answer.status_code == status, answer.text
            assert answer.json()["type"].endswith(slug)


async def test_no_transaction_is_open_while_the_provider_thinks(database: Database, tmp_path: Path) -> None:
    simulated = SimulatorOptions(records=5, latency=0.5)
    async with running_platform(database, tmp_path, simulated=simulated, worker=False) as platform:
        await installed(platform)
        before = platform.hubspot.journal.stats()["requests"]
        asking = asyncio.create_task(found(platform, {}))
        while platform.hubspot.journal.stats()["requests"] == before:  # noqa: ASYNC110 - the journal tells nobody
            await asyncio.sleep(0.005)
        open_ones = await rows(
            platform,
            "select query from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() "
            "and xact_start is not null",
        )
        assert not asking.done()
        assert open_ones == []
        assert len(await asking) == 5


async def test_a_search_leaves_neither_an_operation_nor_an_audit_entry(platform: Platform) -> None:
    await found(platform, {})
    before = await rows(platform, "select count(*) from audit_entry")
    await found(platform, {})
    assert await rows(platform, "select count(*) from audit_entry") == before
    assert await rows(platform, "select 1 from operation where action_type <> 'read'") == []
