"""Properties and their groups: made, changed, refused and archived as HubSpot does."""

from __future__ import annotations

from typing import Any

import pytest

PROPERTIES = "/crm/v3/properties/contacts"
MOOD = {"name": "mood", "label": "Mood", "type": "string", "fieldType": "text", "groupName": "contactinformation"}
FINE = {"label": "Fine", "value": "fine", "displayOrder": 2, "hidden": False, "description": "As it should be"}
BAD = {"label": "Bad", "value": "bad", "displayOrder": 1, "hidden": True}
CHOICE = {**MOOD, "type": "enumeration", "fieldType": "select", "options": [FINE, BAD]}


async def made(hubspot, **body: Any) -> dict[str, Any]:
    answer = await hubspot.http.post(PROPERTIES, json={**MOOD, **body})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def test_a_new_property_is_as_it_was_asked_for(hubspot):
    created = await made(hubspot, **{**CHOICE, "name": "Mood", "description": "Of the day", "hasUniqueValue": True})
    assert (created["name"], created["description"], created["hasUniqueValue"]) == ("mood", "Of the day", True)
    assert created["options"] == [FINE, BAD]
    assert created["modificationMetadata"]["readOnlyDefinition"] is False
    assert created["createdAt"] == created["updatedAt"] == "2026-06-01T12:00:00.123Z"
    assert (await hubspot.http.get(f"{PROPERTIES}/mood")).json() == created
    listed = (await hubspot.http.get(PROPERTIES)).json()["results"]
    assert [each for each in listed if each["name"] == "mood"] == [created]


async def test_a_name_that_is_taken_is_a_conflict(hubspot):
    await made(hubspot)
    again = await hubspot.http.post(PROPERTIES, json={**MOOD, "name": "MOOD"})
    problem = again.json()
    assert (again.status_code, problem["category"]) == (409, "OBJECT_ALREADY_EXISTS")
    assert problem["subCategory"] == "Properties.PROPERTY_WITH_NAME_EXISTS"
    assert (problem["message"], problem["context"]) == ("A property named 'mood' already exists.", {"name": ["mood"]})


@pytest.mark.parametrize(
    "change",
    [
        {"name": "1mood"},
        {"name": "mood of the day"},
        {"name": "m" * 101},
        {"groupName": "nosuch"},
        {"fieldType": "number"},
        {"type": "datetime", "fieldType": "datetime"},
        {"type": "enumeration", "fieldType": "select"},
        {"type": "bool", "fieldType": "booleancheckbox"},
        {"options": [FINE]},
        {"options": [FINE, FINE], "type": "enumeration", "fieldType": "select"},
        {"options": [{"value": "x"}], "type": "enumeration", "fieldType": "select"},
        {"description": 5},
    ],
)
async def test_a_property_that_hubspot_has_not_is_refused(hubspot, change):
    answer = await hubspot.http.post(PROPERTIES, json={**MOOD, **change})
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


async def test_a_change_leaves_what_it_does_not_name(hubspot, clock):
    created = await made(hubspot, **CHOICE, description="Of the day")
    clock.move(60)
    body = {"label": "Temper", "name": "other", "hasUniqueValue": True, "options": [BAD]}
    changed = (await hubspot.http.patch(f"{PROPERTIES}/mood", json=body)).json()
    expected = {**created, "label": "Temper", "options": [BAD], "updatedAt": "2026-06-01T12:01:00.123Z"}
    assert changed == {**expected, "archived": False}
    assert (await hubspot.http.get(f"{PROPERTIES}/mood")).json() == expected


async def test_values_stay_until_the_type_changes(hubspot):
    await made(hubspot)
    record = (await hubspot.http.post("/crm/v3/objects/contacts", json={"properties": {"mood": "fine"}})).json()
    path = f"/crm/v3/objects/contacts/{record['id']}?properties=mood"
    await hubspot.http.patch(f"{PROPERTIES}/mood", json={"label": "Temper"})
    assert (await hubspot.http.get(path)).json()["properties"]["mood"] == "fine"
    number = await hubspot.http.patch(f"{PROPERTIES}/mood", json={"type": "number", "fieldType": "number"})
    assert (number.status_code, number.json()["type"]) == (200, "number")
    assert (await hubspot.http.get(path)).json()["properties"]["mood"] is None


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("email", {"label": "Mail"}, 400),
        ("nosuch", {"label": "Mail"}, 404),
        ("mood", {"type": "number"}, 400),
        ("mood", {"groupName": "nosuch"}, 400),
        ("mood", {"label": ""}, 400),
    ],
)
async def test_a_change_that_cannot_be_is_refused(hubspot, name, body, status):
    before = await made(hubspot)
    assert (await hubspot.http.patch(f"{PROPERTIES}/{name}", json=body)).status_code == status
    assert (await hubspot.http.get(f"{PROPERTIES}/mood")).json() == before


async def test_an_archived_property_is_found_among_the_archived_until_it_is_made_again(hubspot):
    await made(hubspot)
    assert (await hubspot.http.delete(f"{PROPERTIES}/mood")).status_code == 204
    assert (await hubspot.http.delete(f"{PROPERTIES}/mood")).status_code == 404
    archived = (await hubspot.http.get(PROPERTIES, params={"archived": "true"})).json()["results"]
    assert [(each["name"], each["archived"]) for each in archived] == [("mood", True)]
    assert (await hubspot.http.get(f"{PROPERTIES}/mood", params={"archived": "true"})).json() == archived[0]
    assert (await hubspot.http.patch(f"{PROPERTIES}/mood", json={"label": "x"})).status_code == 404
    await made(hubspot)
    assert (await hubspot.http.get(PROPERTIES, params={"archived": "true"})).json()["results"] == []


async def test_groups(hubspot):
    groups = f"{PROPERTIES}/groups"
    own = {"name": "integrationcreatedproperties", "label": "Integration Created Properties"}
    assert (await hubspot.http.get(f"{groups}/{own['name']}")).status_code == 404
    created = await hubspot.http.post(groups, json=own)
    assert (created.status_code, created.json()) == (201, {**own, "displayOrder": -1, "archived": False})
    assert (await hubspot.http.get(f"{groups}/{own['name']}")).json() == created.json()
    names = [each["name"] for each in (await hubspot.http.get(groups)).json()["results"]]
    assert names == ["contactinformation", own["name"]]
    again = await hubspot.http.post(groups, json=own)
    assert (again.status_code, again.json()["subCategory"]) == (409, "Properties.GROUP_WITH_NAME_EXISTS")
    assert (await hubspot.http.post(groups, json={"name": "x y", "label": "X"})).status_code == 400
    assert (await hubspot.http.post(groups, json={"name": "x"})).status_code == 400
    assert (await made(hubspot, groupName=own["name"]))["groupName"] == own["name"]
    assert (await hubspot.http.get(f"/crm/v3/properties/deals/groups/{own['name']}")).status_code == 404
