"""Custom fields created and changed at a simulated HubSpot, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from conjunct.core.database import Database
from tests.support.platform import Platform, running_platform

PROPERTIES = "/crm/v3/properties/contacts"
GROUP = "integrationcreatedproperties"
OWNERS = ["providers/hubspot", "integrations/crm"]


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await platform.deploy()
        await platform.connect()
        await platform.install()
        platform.hubspot.journal.reset()
        yield platform


def field(name: str = "mood", value_type: str = "string", **more: Any) -> dict[str, Any]:
    return {"fieldName": name, "displayName": name.capitalize(), "valueType": value_type, **more}


def select(name: str, *values: str, value_type: str = "singleSelect") -> dict[str, Any]:
    return field(name, value_type, stringOptions={"values": list(values)})


async def put(
    platform: Platform, fields: Any, owner: str = "providers/hubspot", group: str = "acme", **options: Any
) -> httpx.Response:
    body = {"groupRef": group, "fields": fields if isinstance(fields, dict) else {"contacts": fields}}
    return await platform.client.put(f"{platform.project}/{owner}/object-metadata", json=body, **options)


async def made(platform: Platform, *fields: dict[str, Any], owner: str = "providers/hubspot") -> dict[str, Any]:
    """Create or change fields of the contacts; their results."""
    answer = await put(platform, list(fields), owner)
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"] is True
    results: dict[str, Any] = answer.json()["fields"]["contacts"]
    return results


def asked(platform: Platform) -> list[str]:
    """What HubSpot was asked since the last time."""
    entries = platform.hubspot.journal.last(1000)
    platform.hubspot.journal.reset()
    return [f"{entry.method} {entry.path.removeprefix('/crm/v3/properties/')}" for entry in entries]


def bodies(platform: Platform, method: str) -> list[Any]:
    return [orjson.loads(each.body) for each in platform.hubspot.journal.last(1000) if each.method == method]


async def described(platform: Platform) -> dict[str, Any]:
    path = "/providers/hubspot/objects/contacts/metadata?groupRef=acme"
    fields: dict[str, Any] = (await platform.send("GET", path, 200))["fields"]
    return fields


EVERY_TYPE = [
    field("a_text", description="Of the day"),
    field("a_flag", "boolean"),
    field("a_day", "date"),
    field("a_moment", "datetime"),
    field("a_count", "int"),
    field("a_score", "float"),
    select("a_choice", "fine", "bad"),
    select("a_set", "red", "blue", value_type="multiSelect"),
]


@pytest.mark.parametrize("owner", OWNERS)
async def test_fields_of_every_type_are_created_in_a_group_of_their_own(platform: Platform, owner: str) -> None:
    results = await made(platform, *EVERY_TYPE, owner=owner)
    assert {name: each["action"] for name, each in results.items()} == {
        each["fieldName"]: "create" for each in EVERY_TYPE
    }
    assert not [each for each in results.values() if "warnings" in each]
    assert {each["metadata"]["groupName"] for each in results.values()} == {GROUP}
    assert results["a_text"]["metadata"]["description"] == "Of the day"
    assert asked(platform) == [
        "GET contacts",
        f"GET contacts/groups/{GROUP}",
        "POST contacts/groups",
        *["POST contacts"] * len(EVERY_TYPE),
    ]
    known = await described(platform)
    told = {each["fieldName"]: known[each["fieldName"]]["valueType"] for each in EVERY_TYPE}
    assert told == {each["fieldName"]: each["valueType"] for each in EVERY_TYPE} | {"a_count": "float"}
    assert [each["value"] for each in known["a_set"]["values"]] == ["red", "blue"]
    assert all(known[each["fieldName"]]["isCustom"] for each in EVERY_TYPE)


async def test_what_is_sent_is_what_hubspot_knows(platform: Platform) -> None:
    await made(platform, {**select("Mood", "fine", "bad"), "unique": True, "description": "Of the day"})
    assert bodies(platform, "POST")[1] == {
        "name": "mood",
        "label": "Mood",
        "description": "Of the day",
        "groupName": GROUP,
        "type": "enumeration",
        "fieldType": "select",
        "hasUniqueValue": True,
        "options": [
            {"value": "fine", "label": "fine", "displayOrder": 1, "hidden": False},
            {"value": "bad", "label": "bad", "displayOrder": 2, "hidden": False},
        ],
    }


async def test_a_second_time_nothing_is_done(platform: Platform) -> None:
    first = await made(platform, *EVERY_TYPE)
    asked(platform)
    second = await made(platform, *EVERY_TYPE)
    assert {each["action"] for each in second.values()} == {"none"}
    assert asked(platform) == ["GET contacts"]
    assert {name: each["metadata"] for name, each in second.items()} == {
        name: each["metadata"] for name, each in first.items()
    }


async def test_what_differs_is_changed_and_nothing_else(platform: Platform) -> None:
    await made(platform, field(), select("rank", "a", "b"))
    asked(platform)
    results = await made(platform, field(description="Of the day"), select("rank", "a", "b", "c"), field("late"))
    assert {name: each["action"] for name, each in results.items()} == {
        "mood": "update",
        "rank": "update",
        "late": "create",
    }
    assert asked(platform) == [
        "GET contacts",
        "PATCH contacts/mood",
        "PATCH contacts/rank",
        f"GET contacts/groups/{GROUP}",
        "POST contacts",
    ]
    assert results["mood"]["metadata"]["description"] == "Of the day"
    assert [each["value"] for each in results["rank"]["metadata"]["options"]] == ["a", "b", "c"]


async def test_an_archived_field_is_created_again(platform: Platform) -> None:
    await made(platform, field())
    headers = {"Authorization": "Bearer t"}
    async with httpx.AsyncClient(base_url=platform.hubspot.url, headers=headers) as hubspot:
        assert (await hubspot.delete(f"{PROPERTIES}/mood")).status_code == 204
    assert (await made(platform, field()))["mood"]["action"] == "create"


async def test_a_mapped_object_is_understood_and_named_as_asked(platform: Platform) -> None:
    answer = await put(platform, {"people": [field()], "deals": [field("rank")]}, "integrations/crm")
    assert answer.status_code == 200, answer.text
    assert {name: list(fields) for name, fields in answer.json()["fields"].items()} == {
        "people": ["mood"],
        "deals": ["rank"],
    }
    assert [each for each in asked(platform) if each.startswith("POST")] == [
        "POST contacts/groups",
        "POST contacts",
        "POST deals/groups",
        "POST deals",
    ]
    unknown = await put(platform, {"people": [field()]})
    assert unknown.status_code == 400
    assert unknown.json()["issues"][0]["name"] == "fields.people"


async def test_a_text_of_given_values_becomes_a_select(platform: Platform) -> None:
    options = {"values": ["Small", "Large"], "valuesRestricted": True}
    results = await made(platform, field("Company_Size", stringOptions=options))
    result = results["Company_Size"]
    assert (result["fieldName"], result["action"]) == ("company_size", "create")
    assert result["metadata"]["type"] == "enumeration"
    assert result["warnings"] == ["The provider's name for it is 'company_size'."]


async def test_what_hubspot_cannot_keep_is_told(platform: Platform) -> None:
    association = {"associationType": "lookup", "targetObject": "deals", "labels": {"singular": "Deal"}}
    results = await made(
        platform,
        field(required=True, indexed=True, stringOptions={"length": 9, "defaultValue": "x"}, association=association),
        field("score", "float", numericOptions={"min": 0, "precision": 5}, stringOptions={"length": 9}),
    )
    assert [words.split("'")[1] for words in results["mood"]["warnings"]] == [
        "required",
        "indexed",
        "stringOptions.length",
        "defaultValue",
        "association",
    ]
    assert [words.split("'")[1] for words in results["score"]["warnings"]] == [
        "numericOptions.precision",
        "numericOptions.min",
        "stringOptions",
    ]


async def test_uniqueness_that_comes_too_late_is_told_once_it_is_not_so(platform: Platform) -> None:
    await made(platform, field(), field("rank", unique=True))
    results = await made(platform, field(unique=True), field("rank", unique=True))
    assert [each["action"] for each in results.values()] == ["none", "none"]
    assert [words.split("'")[1] for words in results["mood"]["warnings"]] == ["unique"]
    assert "warnings" not in results["rank"]


async def test_another_type_is_told(platform: Platform) -> None:
    await made(platform, field())
    result = (await made(platform, field("mood", "float")))["mood"]
    assert (result["action"], result["metadata"]["type"]) == ("update", "number")
    assert result["warnings"] == ["Its type at the provider was 'string' and is now 'number'."]


async def test_everything_that_can_be_told_beforehand_is_told_at_once_and_nothing_changed(platform: Platform) -> None:
    fields = [
        field("mood"),
        field("MOOD"),
        field("a b"),
        field("owner", "reference"),
        field("odd", "colour"),
        field("rank", "singleSelect"),
    ]
    answer = await put(platform, {"contacts": fields, "deals": [field("1st")]})
    problem = answer.json()
    assert answer.status_code == 400
    assert problem["type"].endswith("/fields-invalid")
    assert [issue["name"] for issue in problem["issues"]] == [
        "fields.contacts.1.fieldName",
        "fields.contacts.2.fieldName",
        "fields.contacts.3.valueType",
        "fields.contacts.4.valueType",
        "fields.contacts.5.stringOptions.values",
        "fields.deals.0.fieldName",
    ]
    assert all(issue["in"] == "body" and issue["detail"] for issue in problem["issues"])
    assert problem["issues"][0]["value"] == "MOOD"
    assert "string, boolean" in problem["issues"][2]["remedy"]
    assert asked(platform) == []


async def test_what_only_hubspot_can_tell_refuses_all_too_before_anything_is_changed(platform: Platform) -> None:
    fields = {"contacts": [field(), field("email", "date"), field("lifecyclestage")], "unicorns": [field()]}
    answer = await put(platform, fields)
    assert answer.status_code == 400
    assert [issue["name"] for issue in answer.json()["issues"]] == [
        "fields.contacts.1.fieldName",
        "fields.contacts.2.fieldName",
        "fields.unicorns",
    ]
    assert "Unable to infer object type" in answer.json()["issues"][2]["detail"]
    assert asked(platform) == ["GET contacts", "GET unicorns"]


async def test_hubspots_own_field_may_be_named_as_it_is(platform: Platform) -> None:
    results = await made(platform, {"fieldName": "email", "displayName": "Email", "valueType": "string"})
    assert results["email"]["action"] == "none"


async def test_one_object_under_two_names_is_refused(platform: Platform) -> None:
    answer = await put(platform, {"people": [field()], "contacts": [field("rank")]}, "integrations/crm")
    assert answer.status_code == 400
    assert [issue["name"] for issue in answer.json()["issues"]] == ["fields.contacts"]


async def test_no_fields_are_no_work(platform: Platform) -> None:
    answer = await put(platform, {})
    assert (answer.status_code, answer.json()) == (200, {"success": True, "fields": {}})
    assert asked(platform) == []


async def test_a_field_that_hubspot_refuses_fails_alone(platform: Platform) -> None:
    platform.hubspot.faults.set(["400@request=5"])  # after the list, the group (twice) and the first field
    answer = await put(platform, [field("one"), field("two"), field("three")])
    assert answer.status_code == 200
    assert answer.json()["success"] is False
    results = answer.json()["fields"]["contacts"]
    assert {name: each["action"] for name, each in results.items()} == {
        "one": "create",
        "two": "none",
        "three": "create",
    }
    assert results["two"]["warnings"] == ["internal error"]
    platform.hubspot.faults.set([])
    assert {name: each["action"] for name, each in (await made(platform, field("one"), field("two"))).items()} == {
        "one": "none",
        "two": "create",
    }


@pytest.mark.parametrize("fault", ["429", "500", "403", "401", "reset"])
async def test_when_hubspot_fails_in_the_middle_the_rest_is_not_tried(platform: Platform, fault: str) -> None:
    platform.hubspot.faults.set([f"{fault}@request=6"])  # after both lists, the group (twice) and the first field
    answer = await put(platform, {"contacts": [field("one"), field("two")], "deals": [field("three")]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"] is False
    contacts, deals = answer.json()["fields"]["contacts"], answer.json()["fields"]["deals"]
    assert (contacts["one"]["action"], contacts["two"]["action"], deals["three"]["action"]) == (
        "create",
        "none",
        "none",
    )
    assert len(contacts["two"]["warnings"]) == 1
    assert deals["three"]["warnings"][0].startswith("It was not tried, after this: ")
    assert asked(platform)[-1] == "POST contacts"


@pytest.mark.parametrize(
    ("fault", "status", "slug", "retryable"),
    [
        ("403", 403, "fields-not-permitted", False),
        ("401", 403, "fields-not-permitted", False),
        ("429", 500, "fields-provider-failed", True),
        ("503", 500, "fields-provider-failed", True),
        ("html", 500, "fields-provider-failed", True),
    ],
)
@pytest.mark.parametrize("position", [1, 4])
async def test_when_hubspot_fails_before_a_change_that_is_the_answer(
    platform: Platform, fault: str, status: int, slug: str, retryable: bool, position: int
) -> None:
    platform.hubspot.faults.set([f"{fault}@request={position}"])
    answer = await put(platform, [field("one"), field("two")])
    problem = answer.json()
    assert answer.status_code == status, answer.text
    assert (problem["type"].rpartition("/")[2], problem["retryable"]) == (slug, retryable)
    assert problem["remedy"]
    assert ("Retry-After" in answer.headers) is (fault == "429")


async def test_what_is_not_there_is_a_404(platform: Platform) -> None:
    assert (await put(platform, [field()], group="nobody")).status_code == 404
    assert (await put(platform, [field()], "integrations/crm", group="nobody")).status_code == 404
    assert (await put(platform, [field()], "integrations/nosuch")).status_code == 404
    assert (await put(platform, [field()], "providers/nosuch")).status_code == 404
    assert asked(platform) == []


async def test_a_provider_that_cannot_says_so(platform: Platform) -> None:
    body = {"provider": "redmine", "groupRef": "acme", "consumerRef": "ada", "apiKey": "k"}
    workspace = {"providerWorkspaceRef": "https://redmine.example.com"}
    await platform.send("POST", "/connections:generate", 201, json=body | workspace)
    answer = await put(platform, {"issues": [field()]}, "providers/redmine")
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/fields-not-supported")
    assert "Redmine" in answer.json()["detail"]


async def test_what_is_kept_of_an_account_is_forgotten(platform: Platform) -> None:
    revision = (await platform.send("GET", "/integrations", 200))[0]["latestRevision"]["id"]
    path = f"/integrations/crm/revisions/{revision}:hydrate?connectionId={platform.connection}"

    async def names() -> set[str]:
        hydrated = await platform.send("GET", path, 200)
        return {each["fieldName"] for each in hydrated["content"]["read"]["objects"][0]["allFields"]}

    before = await names()
    platform.hubspot.journal.reset()
    assert await names() == before
    assert asked(platform) == []
    await made(platform, field())
    assert await names() == before | {"mood"}


async def test_only_the_builders_own_backend_may(platform: Platform) -> None:
    for owner in OWNERS:
        for headers in ({"X-Api-Key": "wrong"}, {"X-Api-Key": ""}):
            assert (await put(platform, [field()], owner, headers=headers)).status_code == 401
    key = await platform.send("POST", "/api-keys", 201, json={"label": "page", "scopes": ["frontend"]})
    for owner in OWNERS:
        assert (await put(platform, [field()], owner, headers={"X-Api-Key": key["key"]})).status_code == 403
    assert asked(platform) == []
