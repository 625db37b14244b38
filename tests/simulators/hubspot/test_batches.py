"""Batches: whole, partial and refused."""

from __future__ import annotations

import pytest

BATCH = "/crm/v3/objects/contacts/batch"
FIRST_ID = 171591000001


def _inputs(*ids):
    return {"inputs": [{"id": str(one)} for one in ids]}


async def test_records_are_read_by_id(hubspot):
    body = {**_inputs(FIRST_ID + 2, FIRST_ID), "properties": ["email"]}
    answer = await hubspot.http.post(f"{BATCH}/read", json=body)
    assert answer.status_code == 200
    assert list(answer.json()) == ["completedAt", "status", "startedAt", "results"]
    assert [item["id"] for item in answer.json()["results"]] == [str(FIRST_ID + 2), str(FIRST_ID)]
    expected = ["createdate", "email", "hs_object_id", "lastmodifieddate"]
    assert list(answer.json()["results"][0]["properties"]) == expected


async def test_records_are_read_by_a_unique_property(hubspot):
    email = (await hubspot.http.get(f"/crm/v3/objects/contacts/{FIRST_ID}")).json()["properties"]["email"]
    answer = await hubspot.http.post(f"{BATCH}/read", json={"idProperty": "email", **_inputs(email)})
    assert [item["id"] for item in answer.json()["results"]] == [str(FIRST_ID)]


async def test_missing_records_are_told_in_errors_with_status_207(hubspot):
    answer = await hubspot.http.post(f"{BATCH}/read", json=_inputs(FIRST_ID, "nobody", 5))
    assert answer.status_code == 207
    assert [item["id"] for item in answer.json()["results"]] == [str(FIRST_ID)]
    assert answer.json()["numErrors"] == 1
    assert answer.json()["errors"][0]["category"] == "OBJECT_NOT_FOUND"
    assert answer.json()["errors"][0]["context"] == {"ids": ["nobody", "5"]}


async def test_a_batch_is_created_whole(hubspot):
    inputs = [{"properties": {"email": f"{name}@example.org"}} for name in ("ann", "bob")]
    answer = await hubspot.http.post(f"{BATCH}/create", json={"inputs": inputs})
    assert answer.status_code == 201
    emails = [item["properties"]["email"] for item in answer.json()["results"]]
    assert emails == ["ann@example.org", "bob@example.org"]


@pytest.mark.parametrize("emails", [("new@example.org", "held@example.org"), ("a@example.org", "A@example.org")])
async def test_a_conflict_refuses_the_whole_batch_without_trace_ids(hubspot, emails):
    await hubspot.http.post("/crm/v3/objects/contacts", json={"properties": {"email": "held@example.org"}})
    inputs = [{"properties": {"email": email}} for email in emails]
    answer = await hubspot.http.post(f"{BATCH}/create", json={"inputs": inputs})
    assert (answer.status_code, answer.json()["category"]) == (409, "CONFLICT")
    assert (await hubspot.search())["total"] == 251


async def test_a_conflict_is_told_by_its_trace_id_and_the_rest_created(hubspot):
    await hubspot.http.post("/crm/v3/objects/contacts", json={"properties": {"email": "held@example.org"}})
    emails = ("held@example.org", "new@example.org")
    inputs = [{"objectWriteTraceId": str(i), "properties": {"email": email}} for i, email in enumerate(emails)]
    answer = await hubspot.http.post(f"{BATCH}/create", json={"inputs": inputs})
    assert answer.status_code == 207
    assert [item["properties"]["email"] for item in answer.json()["results"]] == ["new@example.org"]
    assert answer.json()["errors"][0]["category"] == "CONFLICT"
    holder = str(FIRST_ID + 250)
    assert answer.json()["errors"][0]["context"] == {"objectWriteTraceId": ["0"], "existingId": [holder]}


async def test_a_bad_value_refuses_the_whole_batch(hubspot):
    inputs = [{"id": str(FIRST_ID), "properties": {"city": "Oslo"}}, {"id": "1", "properties": {"first000name": "x"}}]
    answer = await hubspot.http.post(f"{BATCH}/update", json={"inputs": inputs})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "PROPERTY_DOESNT_EXIST")
    assert await hubspot.find("city", "EQ", "Oslo") == []


async def test_an_update_of_unknown_records_is_partial(hubspot):
    inputs = [{"id": str(FIRST_ID), "properties": {"city": "Oslo"}}, {"id": "1", "properties": {"city": "Oslo"}}]
    answer = await hubspot.http.post(f"{BATCH}/update", json={"inputs": inputs})
    assert answer.status_code == 207
    assert [item["id"] for item in answer.json()["results"]] == [str(FIRST_ID)]
    assert answer.json()["errors"][0]["context"] == {"ids": ["1"]}
    assert [item["id"] for item in await hubspot.find("city", "EQ", "Oslo")] == [str(FIRST_ID)]


async def test_repeated_ids_refuse_an_update(hubspot):
    inputs = [{"id": str(FIRST_ID), "properties": {"city": "Oslo"}}] * 2
    answer = await hubspot.http.post(f"{BATCH}/update", json={"inputs": inputs})
    assert (answer.status_code, answer.json()["context"]) == (400, {"ids": [str(FIRST_ID)]})


async def test_a_batch_is_archived(hubspot):
    assert (await hubspot.http.post(f"{BATCH}/archive", json=_inputs(FIRST_ID, 1))).status_code == 204
    assert (await hubspot.search())["total"] == 249


@pytest.mark.parametrize("kind", ["read", "create", "update", "archive"])
@pytest.mark.parametrize("body", [{}, {"inputs": "all"}, {"inputs": [1]}, {"inputs": [{"id": "1"}] * 101}])
async def test_inputs_that_make_no_sense_are_refused(hubspot, kind, body):
    answer = await hubspot.http.post(f"{BATCH}/{kind}", json=body)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
