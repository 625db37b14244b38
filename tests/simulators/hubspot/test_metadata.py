"""Properties, schemas, pipelines and the account."""

from __future__ import annotations

import pytest

OBJECTS = ("contacts", "companies", "deals", "tickets", "machines")
MOOD = {"name": "mood", "label": "Mood", "type": "string", "fieldType": "text", "groupName": "contactinformation"}


@pytest.mark.parametrize("name", OBJECTS)
async def test_every_value_that_a_record_holds_has_a_property(hubspot, name):
    properties = (await hubspot.http.get(f"/crm/v3/properties/{name}")).json()["results"]
    names = [item["name"] for item in properties]
    answer = await hubspot.http.get(f"/crm/v3/objects/{name}", params={"properties": ",".join(names), "limit": 13})
    for record in answer.json()["results"]:
        assert sorted(names) == sorted(record["properties"])
        for item in properties:
            value = record["properties"][item["name"]]
            options = [option["value"] for option in item["options"]]
            assert value is None or not options or set(value.split(";")) <= set(options)


async def test_a_property_has_hubspots_shape(hubspot):
    stage = (await hubspot.http.get("/crm/v3/properties/contacts/lifecyclestage")).json()
    assert (stage["type"], stage["fieldType"], stage["label"]) == ("enumeration", "radio", "Lifecycle Stage")
    assert stage["options"][1] == {"label": "Lead", "value": "lead", "displayOrder": 1, "hidden": False}
    assert stage["hubspotDefined"] is True
    assert stage["modificationMetadata"] == {"archivable": True, "readOnlyDefinition": True, "readOnlyValue": False}
    stamp = (await hubspot.http.get("/crm/v3/properties/contacts/lastmodifieddate")).json()
    assert (stamp["type"], stamp["modificationMetadata"]["readOnlyValue"]) == ("datetime", True)
    company = (await hubspot.http.get("/crm/v3/properties/contacts/associatedcompanyid")).json()
    assert company["referencedObjectType"] == "COMPANY"


async def test_a_property_can_be_added_used_and_taken_away(hubspot):
    created = await hubspot.http.post("/crm/v3/properties/contacts", json=MOOD)
    assert (created.status_code, created.json()["hubspotDefined"]) == (201, False)
    record = (await hubspot.http.post("/crm/v3/objects/contacts", json={"properties": {"mood": "fine"}})).json()
    assert record["properties"]["mood"] == "fine"
    assert [item["id"] for item in await hubspot.find("mood", "EQ", "fine")] == [record["id"]]
    assert (await hubspot.http.delete("/crm/v3/properties/contacts/mood")).status_code == 204
    assert (await hubspot.http.get("/crm/v3/properties/contacts/mood")).status_code == 404
    await hubspot.http.post("/crm/v3/properties/contacts", json=MOOD)
    again = await hubspot.http.get(f"/crm/v3/objects/contacts/{record['id']}", params={"properties": "mood"})
    assert again.json()["properties"]["mood"] is None


async def test_a_made_up_property_can_come_back_with_another_type(hubspot):
    await hubspot.find("interests", "EQ", "automation")
    await hubspot.http.delete("/crm/v3/properties/contacts/interests")
    number = {**MOOD, "name": "interests", "type": "number", "fieldType": "number"}
    assert (await hubspot.http.post("/crm/v3/properties/contacts", json=number)).status_code == 201
    assert await hubspot.find("interests", "GT", "0") == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**MOOD, "name": "email"}, 409),
        ({**MOOD, "type": "colour"}, 400),
        ({**MOOD, "options": "x"}, 400),
        ({"name": "mood"}, 400),
    ],
)
async def test_a_property_that_makes_no_sense_is_refused(hubspot, body, status):
    assert (await hubspot.http.post("/crm/v3/properties/contacts", json=body)).status_code == status


async def test_hubspots_own_properties_stay(hubspot):
    assert (await hubspot.http.delete("/crm/v3/properties/contacts/email")).status_code == 400


@pytest.mark.parametrize(
    ("name", "type_id", "full_name"),
    [("contacts", "0-1", "CONTACT"), ("machines", "2-3465404", "p44237313_machines")],
)
async def test_a_schema_describes_an_object(hubspot, name, type_id, full_name):
    schema = (await hubspot.http.get(f"/crm/v3/schemas/{name}")).json()
    assert (schema["objectTypeId"], schema["fullyQualifiedName"]) == (type_id, full_name)
    properties = (await hubspot.http.get(f"/crm/v3/properties/{full_name}")).json()["results"]
    assert schema["properties"] == properties


async def test_schemas_list_the_accounts_own_objects(hubspot):
    schemas = (await hubspot.http.get("/crm/v3/schemas")).json()["results"]
    assert [item["name"] for item in schemas] == ["machines"]
    assert schemas[0]["requiredProperties"] == ["serial_number"]


async def test_the_stages_of_an_object_are_told_by_its_pipelines_alone(hubspot):
    pipeline = (await hubspot.http.get("/crm/v3/pipelines/deals")).json()["results"][0]
    stage = (await hubspot.http.get("/crm/v3/properties/deals/dealstage")).json()
    assert (stage["externalOptions"], stage["options"]) == (True, [])
    deals = (await hubspot.http.get("/crm/v3/objects/deals", params={"properties": "dealstage"})).json()["results"]
    assert {deal["properties"]["dealstage"] for deal in deals} <= {stage["id"] for stage in pipeline["stages"]}


@pytest.mark.parametrize("path", ["/account-info/v3/details", "/account-info/2026-03/details", "/integrations/v1/me"])
async def test_the_account_tells_its_number(hubspot, path):
    assert (await hubspot.http.get(path)).json()["portalId"] == 44237313
