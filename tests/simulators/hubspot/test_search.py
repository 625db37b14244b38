"""Searches: every operator, sorting, paging, the cap of 10,000, and what is refused."""

from __future__ import annotations

from datetime import datetime

import pytest

SEARCH = "/crm/v3/objects/contacts/search"
FIRST_ID = 171591000001
BY_ID = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]


async def _everything(hubspot, *names):
    results = []
    for after in (0, 200):
        results += (await hubspot.search(limit=200, after=after, properties=list(names)))["results"]
    return results


def _ids(records):
    return [record["id"] for record in records]


async def test_a_search_answers_total_results_and_the_next_offset(hubspot):
    page = await hubspot.search(limit="200", properties=["email"])
    assert list(page) == ["total", "results", "paging"]
    assert (page["total"], len(page["results"]), page["paging"]) == (250, 200, {"next": {"after": "200"}})
    last = await hubspot.search(limit=200, after=page["paging"]["next"]["after"], properties=["email"])
    assert (last["total"], len(last["results"])) == (250, 50)
    assert "paging" not in last


COMPARISONS = {
    "GT": lambda value, bound: value > bound,
    "GTE": lambda value, bound: value >= bound,
    "LT": lambda value, bound: value < bound,
    "LTE": lambda value, bound: value <= bound,
    "EQ": lambda value, bound: value == bound,
    "NEQ": lambda value, bound: value != bound,
}


@pytest.mark.parametrize("operator", COMPARISONS)
async def test_moments_compare_as_moments_in_any_notation(hubspot, operator):
    records = await _everything(hubspot)
    bound = records[100]["properties"]["lastmodifieddate"]
    expected = [r["id"] for r in records if COMPARISONS[operator](r["properties"]["lastmodifieddate"], bound)]
    moment = datetime.fromisoformat(bound)
    for notation in (bound, str(int(moment.timestamp() * 1000)), bound.replace("Z", "+00:00")):
        assert _ids(await hubspot.find("lastmodifieddate", operator, notation)) == expected[:200]


@pytest.mark.parametrize("operator", COMPARISONS)
async def test_ids_compare_as_numbers(hubspot, operator):
    records = await _everything(hubspot)
    expected = [r["id"] for r in records if COMPARISONS[operator](int(r["id"]), FIRST_ID + 99)]
    assert _ids(await hubspot.find("hs_object_id", operator, str(FIRST_ID + 99))) == expected[:200]


async def test_numbers_compare_as_numbers_and_records_without_a_value_do_not_match(hubspot):
    records = await _everything(hubspot, "annualrevenue")
    values = {r["id"]: r["properties"]["annualrevenue"] for r in records}
    expected = [one for one, value in values.items() if value is not None and float(value) > 999_999.5]
    assert 0 < len(expected) < 250
    assert _ids(await hubspot.find("annualrevenue", "GT", "999999.5")) == expected


async def test_a_range_holds_both_its_bounds(hubspot):
    found = await hubspot.find("hs_object_id", "BETWEEN", str(FIRST_ID + 3), highValue=str(FIRST_ID + 5))
    assert _ids(found) == [str(FIRST_ID + 3), str(FIRST_ID + 4), str(FIRST_ID + 5)]


async def test_texts_are_equal_whatever_their_case(hubspot):
    records = await _everything(hubspot, "lifecyclestage", "city")
    berlin = [r["id"] for r in records if r["properties"]["city"] == "Berlin"]
    assert _ids(await hubspot.find("city", "EQ", "berLIN")) == berlin
    assert (
        _ids(await hubspot.find("city", "NEQ", "Berlin")) == [r["id"] for r in records if r["id"] not in berlin][:200]
    )


async def test_in_and_not_in_part_the_records(hubspot):
    records = await _everything(hubspot, "city")
    inside = [r["id"] for r in records if r["properties"]["city"] in ("Berlin", "Osaka")]
    outside = [r["id"] for r in records if r["properties"]["city"] not in ("Berlin", "Osaka")]
    assert _ids(await hubspot.find("city", "IN", values=["berlin", "osaka"])) == inside
    assert _ids(await hubspot.find("city", "NOT_IN", values=["berlin", "osaka"])) == outside


async def test_having_a_value_and_having_none_part_the_records(hubspot):
    records = await _everything(hubspot, "birthday")
    having = [r["id"] for r in records if r["properties"]["birthday"] is not None]
    assert 0 < len(having) < 250
    assert _ids(await hubspot.find("birthday", "HAS_PROPERTY")) == having
    assert _ids(await hubspot.find("birthday", "NOT_HAS_PROPERTY")) == [
        r["id"] for r in records if r["id"] not in having
    ]


@pytest.mark.parametrize("wanted", ["northwind", "Harbor Foo*", "north*", "*wind"])
async def test_tokens_match_whole_words_in_a_row_and_stars_parts_of_a_word(hubspot, wanted):
    records = await _everything(hubspot, "company")
    text = wanted.replace("*", "").casefold()
    expected = [r["id"] for r in records if text in r["properties"]["company"].casefold()]
    assert expected
    assert _ids(await hubspot.find("company", "CONTAINS_TOKEN", wanted)) == expected
    others = [r["id"] for r in records if r["id"] not in expected]
    assert _ids(await hubspot.find("company", "NOT_CONTAINS_TOKEN", wanted)) == others[:200]


async def test_a_part_of_a_word_is_no_token(hubspot):
    assert await hubspot.find("company", "CONTAINS_TOKEN", "north") == []


async def test_a_token_finds_the_domain_of_an_email(hubspot):
    assert len(await hubspot.find("email", "CONTAINS_TOKEN", "*@example.com")) == 200


async def test_filters_of_a_group_must_all_match_and_groups_any(hubspot):
    records = await _everything(hubspot, "city", "lifecyclestage")

    def condition(name, value):
        return {"propertyName": name, "operator": "EQ", "value": value}

    groups = [
        {"filters": [condition("city", "Berlin"), condition("lifecyclestage", "lead")]},
        {"filters": [condition("city", "Osaka")]},
    ]
    found = await hubspot.search(filterGroups=groups, limit=200)
    expected = [
        r["id"]
        for r in records
        if (r["properties"]["city"], r["properties"]["lifecyclestage"]) == ("Berlin", "lead")
        or r["properties"]["city"] == "Osaka"
    ]
    assert _ids(found["results"]) == expected
    assert found["total"] == len(expected)


async def test_free_text_looks_into_the_searchable_properties(hubspot):
    record = (await hubspot.search(limit=1))["results"][0]["properties"]
    found = await hubspot.search(query=f"{record['lastname'].upper()} {record['email']}")
    assert [r["properties"]["email"] for r in found["results"]] == [record["email"]]


@pytest.mark.parametrize("sort", [[{"propertyName": "annualrevenue", "direction": "DESCENDING"}], ["-annualrevenue"]])
async def test_records_are_sorted_by_one_property_with_missing_values_last(hubspot, sort):
    pages = [
        await hubspot.search(sorts=sort, limit=200, after=after, properties=["annualrevenue"]) for after in (0, 200)
    ]
    values = [r["properties"]["annualrevenue"] for page in pages for r in page["results"]]
    present = [float(value) for value in values if value is not None]
    assert present == sorted(present, reverse=True)
    assert values[: len(present)].count(None) == 0
    assert len(values) == 250


async def test_a_change_is_seen_by_the_next_page_of_a_search(hubspot):
    first = await hubspot.search(limit=200, sorts=BY_ID)
    await hubspot.http.delete(f"/crm/v3/objects/contacts/{FIRST_ID}")
    second = await hubspot.search(limit=200, sorts=BY_ID, after=200)
    assert (first["total"], second["total"]) == (250, 249)
    assert _ids(second["results"])[0] == str(FIRST_ID + 201)


async def test_created_records_are_found(hubspot):
    await hubspot.find("company", "EQ", "Acme")
    created = await hubspot.http.post("/crm/v3/objects/contacts", json={"properties": {"company": "Acme"}})
    assert _ids(await hubspot.find("company", "EQ", "Acme")) == [created.json()["id"]]
    assert _ids(await hubspot.find("createdate", "GTE", "2026-06-01T00:00:00Z")) == [created.json()["id"]]


async def test_a_search_ends_at_10000_results_and_is_taken_up_by_id(start):
    async with start(records=12_000) as hubspot:
        ids, last, refusals = [], 0, 0
        while True:
            bound = {"propertyName": "hs_object_id", "operator": "GT", "value": str(last)}
            body = {"filterGroups": [{"filters": [bound]}], "sorts": BY_ID, "limit": 200}
            after = "0"
            while after:
                answer = await hubspot.http.post(SEARCH, json={**body, "after": after})
                if answer.status_code == 400:
                    assert after == "10000"
                    refusals += 1
                    break
                ids += _ids(answer.json()["results"])
                after = answer.json().get("paging", {}).get("next", {}).get("after")
            if not after:
                break
            last = int(ids[-1])
    assert ids == [str(FIRST_ID + place) for place in range(12_000)]
    assert refusals == 1


def _filter(**condition):
    return {"filterGroups": [{"filters": [condition]}]}


@pytest.mark.parametrize(
    "body",
    [
        _filter(propertyName="wingspan", operator="EQ", value="1"),
        _filter(propertyName=["email"], operator="EQ", value="1"),
        _filter(propertyName="email", operator="LIKE", value="1"),
        _filter(propertyName="email", operator=["EQ"], value="1"),
        _filter(propertyName="email", operator="EQ"),
        _filter(propertyName="email", operator="EQ", value={"a": 1}),
        _filter(propertyName="email", operator="IN", value="1"),
        _filter(propertyName="email", operator="IN", values=[]),
        _filter(propertyName="hs_object_id", operator="BETWEEN", value="1"),
        _filter(propertyName="hs_object_id", operator="GT", value="nan"),
        _filter(propertyName="lastmodifieddate", operator="GT", value="yesterday"),
        _filter(propertyName="lastmodifieddate", operator="GT", value="0001-01-01T00:00:00+14:00"),
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "HAS_PROPERTY"}] * 7}]},
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "HAS_PROPERTY"}] * 5}] * 4},
        {"filterGroups": ["all"]},
        {"filterGroups": {"filters": []}},
        {"sorts": ["wingspan"]},
        {"sorts": ["email", "city"]},
        {"sorts": [{"propertyName": "email", "direction": "UP"}]},
        {"limit": 201},
        {"limit": 0},
        {"limit": True},
        {"after": "ten"},
        {"after": -1},
        {"after": 10_000},
        {"properties": [1]},
        {"query": 1},
    ],
)
async def test_a_search_that_makes_no_sense_is_refused(hubspot, body):
    answer = await hubspot.http.post(SEARCH, json=body)
    assert answer.status_code == 400, answer.text
    assert (answer.json()["status"], answer.json()["category"]) == ("error", "VALIDATION_ERROR")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b'{"limit": 1', b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(hubspot, body):
    answer = await hubspot.http.post(SEARCH, content=body)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["message"].startswith("Invalid input JSON on line 1, column 1") or b"{" in body
