"""Lists and single records: shapes, paging, changes."""

from __future__ import annotations

import pytest

CONTACTS = "/crm/v3/objects/contacts"
FIRST_ID = "171591000001"


async def _read_to_the_end(http, path, **params):
    records, following = [], f"{path}"
    while following:
        answer = await http.get(following, params=params or None)
        assert answer.status_code == 200
        page = answer.json()
        records += page["results"]
        params = {}
        following = page.get("paging", {}).get("next", {}).get("link")
    return records


async def test_a_record_has_hubspots_shape(hubspot):
    record = (await hubspot.http.get(CONTACTS, params={"limit": 1})).json()["results"][0]
    assert list(record) == ["id", "properties", "createdAt", "updatedAt", "archived", "url"]
    properties = record["properties"]
    names = ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"]
    assert list(properties) == names
    assert record["id"] == properties["hs_object_id"] == FIRST_ID
    assert record["createdAt"] == properties["createdate"] == "2025-01-01T00:00:00.000Z"
    assert record["updatedAt"] == properties["lastmodifieddate"]
    assert record["archived"] is False
    assert record["url"].endswith(f"/record/0-1/{FIRST_ID}")


async def test_requested_properties_come_with_those_always_given_in_order_of_name(hubspot):
    params = {"limit": 1, "properties": "website,email,there_is_no_such_property"}
    record = (await hubspot.http.get(CONTACTS, params=params)).json()["results"][0]
    assert list(record["properties"]) == ["createdate", "email", "hs_object_id", "lastmodifieddate", "website"]
    assert record["properties"]["website"] is None


async def test_a_list_is_read_to_the_end_by_its_links(hubspot):
    records = await _read_to_the_end(hubspot.http, CONTACTS, limit=100, properties="email,company")
    ids = [record["id"] for record in records]
    assert len(ids) == len(set(ids)) == 250
    assert ids == sorted(ids)
    assert all("company" in record["properties"] for record in records)


async def test_after_is_the_id_to_go_on_from(hubspot):
    page = (await hubspot.http.get(CONTACTS, params={"limit": 100})).json()
    following = page["paging"]["next"]
    assert following["after"] == str(int(FIRST_ID) + 100)
    assert following["link"] == f"{hubspot.running.url}{CONTACTS}?limit=100&after={following['after']}"
    last = (await hubspot.http.get(CONTACTS, params={"limit": 100, "after": str(int(FIRST_ID) + 200)})).json()
    assert len(last["results"]) == 50
    assert "paging" not in last


async def test_a_page_has_ten_records_unless_it_says_otherwise(hubspot):
    assert len((await hubspot.http.get(CONTACTS)).json()["results"]) == 10


@pytest.mark.parametrize(
    "params", [{"limit": 101}, {"limit": 0}, {"limit": "x"}, {"after": "x"}, {"archived": "maybe"}]
)
async def test_parameters_that_make_no_sense_are_refused(hubspot, params):
    answer = await hubspot.http.get(CONTACTS, params=params)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("name", "count", "stamp"),
    [
        ("companies", 25, "hs_lastmodifieddate"),
        ("deals", 50, "hs_lastmodifieddate"),
        ("tickets", 13, "hs_lastmodifieddate"),
        ("machines", 25, "hs_lastmodifieddate"),
    ],
)
async def test_other_objects_have_their_share_of_records(hubspot, name, count, stamp):
    records = await _read_to_the_end(hubspot.http, f"/crm/v3/objects/{name}", limit=100)
    assert len(records) == count
    assert all(record["properties"][stamp] == record["updatedAt"] for record in records)


@pytest.mark.parametrize("alias", ["contact", "0-1", "CONTACTS"])
async def test_an_object_answers_to_its_other_names(hubspot, alias):
    assert (await hubspot.http.get(f"/crm/v3/objects/{alias}/{FIRST_ID}")).json()["id"] == FIRST_ID


async def test_the_dated_version_of_the_api_answers_the_same(hubspot):
    dated = await hubspot.http.get("/crm/objects/2026-03/contacts", params={"limit": 3})
    assert dated.json()["results"] == (await hubspot.http.get(CONTACTS, params={"limit": 3})).json()["results"]


async def test_the_same_seed_makes_the_same_bytes_and_another_seed_others(start):
    bodies = []
    for seed in (7, 7, 8):
        async with start(seed=seed) as hubspot:
            answer = await hubspot.http.get(CONTACTS, params={"limit": 100, "properties": "email,phone,interests"})
            bodies.append(answer.content.replace(hubspot.running.url.encode(), b""))
    assert bodies[0] == bodies[1]
    assert bodies[0] != bodies[2]


async def test_a_record_is_created_with_everything_it_holds_and_can_be_read(hubspot):
    properties = {"email": "Mia@example.com", "firstname": 'Mia "M" \\', "annualrevenue": 12.5, "hs_email_optout": True}
    created = await hubspot.http.post(CONTACTS, json={"properties": properties})
    assert created.status_code == 201
    record = created.json()
    assert record["id"] == str(int(FIRST_ID) + 250)
    assert record["createdAt"] == record["updatedAt"] == "2026-06-01T12:00:00.123Z"
    assert record["properties"] == {
        "annualrevenue": "12.5",
        "createdate": "2026-06-01T12:00:00.123Z",
        "email": "Mia@example.com",
        "firstname": 'Mia "M" \\',
        "hs_email_optout": "true",
        "hs_object_id": record["id"],
        "lastmodifieddate": "2026-06-01T12:00:00.123Z",
    }
    by_email = await hubspot.http.get(f"{CONTACTS}/mia@example.com", params={"idProperty": "email"})
    assert by_email.json()["id"] == record["id"]
    last_page = await hubspot.http.get(CONTACTS, params={"after": record["id"]})
    assert [item["id"] for item in last_page.json()["results"]] == [record["id"]]


async def test_an_update_is_visible_everywhere_and_moves_the_stamp(hubspot, clock):
    await hubspot.http.get(CONTACTS, params={"properties": "jobtitle"})
    await hubspot.find("jobtitle", "EQ", "Astronaut")
    clock.move(60)
    path = f"{CONTACTS}/{FIRST_ID}"
    answer = await hubspot.http.patch(path, json={"properties": {"jobtitle": "Astronaut", "city": ""}})
    assert answer.status_code == 200
    assert answer.json()["updatedAt"] == "2026-06-01T12:01:00.123Z"
    assert "city" not in answer.json()["properties"]
    listed = (await hubspot.http.get(CONTACTS, params={"properties": "jobtitle"})).json()["results"][0]
    assert listed["properties"]["jobtitle"] == "Astronaut"
    assert listed["updatedAt"] == "2026-06-01T12:01:00.123Z"
    assert [record["id"] for record in await hubspot.find("jobtitle", "EQ", "Astronaut")] == [FIRST_ID]
    assert [record["id"] for record in await hubspot.find("city", "NOT_HAS_PROPERTY")] == [FIRST_ID]


async def test_an_archived_record_leaves_lists_and_searches_and_is_found_among_the_archived(hubspot):
    path = f"{CONTACTS}/{FIRST_ID}"
    assert (await hubspot.http.delete(path)).status_code == 204
    assert (await hubspot.http.delete(path)).status_code == 204
    assert (await hubspot.http.get(path)).status_code == 404
    assert FIRST_ID not in [item["id"] for item in await _read_to_the_end(hubspot.http, CONTACTS, limit=100)]
    assert await hubspot.find("hs_object_id", "EQ", FIRST_ID) == []
    archived = (await hubspot.http.get(CONTACTS, params={"archived": "true"})).json()["results"]
    assert [(item["id"], item["archived"], item["archivedAt"]) for item in archived] == [
        (FIRST_ID, True, "2026-06-01T12:00:00.123Z")
    ]
    assert (await hubspot.http.get(path, params={"archived": "true"})).json()["archived"] is True


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"favourite_colour": "red"}, "PROPERTY_DOESNT_EXIST"),
        ({"hs_object_id": "1"}, "READ_ONLY_VALUE"),
        ({"annualrevenue": "much"}, "INVALID_NUMBER"),
        ({"annualrevenue": "Infinity"}, "INVALID_NUMBER"),
        ({"birthday": "someday"}, "INVALID_DATE"),
        ({"lifecyclestage": "butterfly"}, "INVALID_OPTION"),
        ({"interests": "api;gossip"}, "INVALID_OPTION"),
    ],
)
async def test_a_value_that_cannot_be_set_is_refused_and_nothing_changes(hubspot, properties, code):
    path = f"{CONTACTS}/{FIRST_ID}"
    before = (await hubspot.http.get(path)).content
    answer = await hubspot.http.patch(path, json={"properties": {"city": "Oslo", **properties}})
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert [fault["code"] for fault in answer.json()["errors"]] == [code]
    assert (await hubspot.http.get(path)).content == before


async def test_two_contacts_cannot_share_an_email(hubspot):
    email = (await hubspot.http.get(f"{CONTACTS}/{FIRST_ID}")).json()["properties"]["email"]
    answer = await hubspot.http.post(CONTACTS, json={"properties": {"email": email.upper()}})
    assert (answer.status_code, answer.json()["category"]) == (409, "CONFLICT")
    assert answer.json()["message"] == f"Contact already exists. Existing ID: {FIRST_ID}"


async def test_an_email_of_any_length_is_free_when_nobody_has_it(hubspot):
    email = f"mia.{'9' * 5000}@example.com"
    assert (await hubspot.http.post(CONTACTS, json={"properties": {"email": email}})).status_code == 201


async def test_an_email_that_was_given_up_is_free(hubspot):
    email = (await hubspot.http.get(f"{CONTACTS}/{FIRST_ID}")).json()["properties"]["email"]
    await hubspot.http.patch(f"{CONTACTS}/{FIRST_ID}", json={"properties": {"email": "moved@example.com"}})
    assert (await hubspot.http.post(CONTACTS, json={"properties": {"email": email}})).status_code == 201


async def test_the_same_email_may_be_set_again_on_its_own_record(hubspot):
    email = (await hubspot.http.get(f"{CONTACTS}/{FIRST_ID}")).json()["properties"]["email"]
    answer = await hubspot.http.patch(f"{CONTACTS}/{FIRST_ID}", json={"properties": {"email": email}})
    assert answer.status_code == 200
