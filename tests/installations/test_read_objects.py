"""From a manifest and a config to what is read."""

from __future__ import annotations

from typing import Any

import pytest

from conjunct.installations import Backfill, ReadObject, parse_content, resolve_read_objects
from conjunct.manifests import Integration

BARE: dict[str, Any] = {"objectName": "contacts", "destination": "hook", "schedule": ""}


def resolve(declared: dict[str, Any] | list[dict[str, Any]], **objects: Any) -> dict[str, ReadObject]:
    declarations = declared if isinstance(declared, list) else [{**BARE, **declared}]
    integration = Integration.model_validate({"name": "crm", "provider": "acme", "read": {"objects": declarations}})
    content, issues = parse_content({"read": {"objects": objects}})
    assert content is not None, issues
    return resolve_read_objects(integration, content)


def one(declared: dict[str, Any], **config: Any) -> ReadObject:
    return resolve(declared, contacts=config)["contacts"]


def test_without_a_choice_the_manifest_decides():
    declared = {
        "schedule": "0 * * * *",
        "mapToName": "people",
        "requiredFields": [{"fieldName": "email"}],
        "optionalFields": [{"fieldName": "phone"}],
        "delivery": {"mode": "onRequest", "pageSize": 100},
    }
    assert one(declared) == ReadObject(
        object_name="contacts",
        mapped_name="people",
        destination="hook",
        schedule="0 * * * *",
        fields=("email",),
        delivery_mode="onRequest",
        page_size=100,
    )
    assert one(declared).delivered_name == "people"
    assert one({}).delivered_name == "contacts"


def test_the_config_goes_before_the_manifest():
    declared = {"schedule": "0 * * * *", "backfill": {"defaultPeriod": {"days": 30}}}
    chosen = one(
        declared,
        schedule="30 * * * *",
        destination="other",
        disabled=True,
        backfill={"defaultPeriod": {"fullHistory": True}},
    )
    assert (chosen.schedule, chosen.destination, chosen.disabled) == ("30 * * * *", "other", True)
    assert chosen.backfill == Backfill("full")
    assert not chosen.is_scheduled


@pytest.mark.parametrize(
    ("selected", "fields"),
    [
        ({}, ("email",)),
        ({"phone": True}, ("email", "phone")),
        ({"phone": False}, ("email",)),
        ({"email": False}, ("email",)),
        ({"email": True, "Email": True}, ("email",)),
        ({"custom__c": True, "$['address']['city']": True}, ("email", "custom__c", "$['address']['city']")),
    ],
)
def test_required_fields_are_always_read_and_others_when_selected(selected, fields):
    declared = {"requiredFields": [{"fieldName": "email"}], "optionalFields": [{"fieldName": "phone"}]}
    assert one(declared, selectedFields=selected).fields == fields


def test_a_predefined_mapping_moves_a_field_to_its_mapped_name():
    declared = {
        "requiredFields": [{"fieldName": "mobilephone", "mapToName": "phone"}],
        "optionalFields": [{"fieldName": "jobtitle", "mapToName": "role"}],
    }
    assert one(declared).mappings == {"phone": "mobilephone"}
    for name in ("jobtitle", "role"):
        chosen = one(declared, selectedFields={name: True, "mobilephone": True})
        assert chosen.mappings == {"phone": "mobilephone", "role": "jobtitle"}
        assert chosen.fields == ()


@pytest.mark.parametrize("where", ["requiredFields", "optionalFields"])
@pytest.mark.parametrize(
    ("given", "default", "mappings"),
    [
        ({"notes": "note__c"}, None, {"notes": "note__c"}),
        ({"notes": "note__c"}, "description", {"notes": "note__c"}),
        ({}, "description", {"notes": "description"}),
        ({"notes": ""}, "description", {"notes": "description"}),
        ({}, None, {}),
        ({"notes": ""}, None, {}),
    ],
)
def test_a_mapping_takes_the_groups_field_or_the_default(where, given, default, mappings):
    entry = {"mapToName": "notes"} | ({"default": default} if default else {})
    chosen = one({where: [entry]}, selectedFieldMappings=given)
    assert chosen.mappings == mappings
    assert chosen.source_fields == tuple(mappings.values())


def test_dynamic_mappings_are_optional_and_may_name_their_field():
    dynamic = [{"mapToName": "source"}, {"mapToName": "stage", "fieldName": "dealstage"}, {"mapToName": "unused"}]
    chosen = one({}, dynamicMappingsInput=dynamic, selectedFieldMappings={"source": "utm"})
    assert chosen.mappings == {"source": "utm", "stage": "dealstage"}


def test_a_field_may_be_delivered_under_both_names():
    declared = {"requiredFields": [{"fieldName": "email"}, {"fieldName": "email", "mapToName": "mail"}]}
    chosen = one(declared)
    assert (chosen.fields, chosen.mappings, chosen.source_fields) == (("email",), {"mail": "email"}, ("email",))


def test_all_fields_are_read_when_the_group_says_so():
    assert one({}, selectedFieldsAuto="all").all_fields
    assert not one({"optionalFieldsAuto": "all"}).all_fields


@pytest.mark.parametrize(
    ("manifest", "config", "backfill"),
    [
        (None, None, Backfill()),
        ({"days": 0}, None, Backfill()),
        ({"days": 30}, None, Backfill("days", 30)),
        ({"fullHistory": True}, None, Backfill("full")),
        ({"fullHistory": True}, {"days": 7}, Backfill("days", 7)),
        ({"fullHistory": True}, {"days": 0}, Backfill()),
        ({"fullHistory": True}, {"fullHistory": False}, Backfill()),
        ({"days": 30}, {"fullHistory": True, "days": 3}, Backfill("full")),
        (None, {"days": 3}, Backfill("days", 3)),
    ],
)
def test_backfill(manifest, config, backfill):
    declared = {"backfill": {"defaultPeriod": manifest}} if manifest else {}
    assert one(declared, **({"backfill": {"defaultPeriod": config}} if config else {})).backfill == backfill


def test_a_backfill_has_the_objects_conditions_unless_it_has_its_own():
    common = [{"fieldName": "status", "operator": "eq", "value": "open"}]
    own = [{"fieldName": "size", "operator": "eq", "value": 3}]
    period = {"defaultPeriod": {"days": 1}}
    assert one({}, fieldFilters=common, backfill=period).backfill.filters == (("status", "open"),)
    chosen = one({}, fieldFilters=common, backfill={**period, "fieldFilters": own})
    assert (chosen.filters, chosen.backfill.filters) == ((("status", "open"),), (("size", 3),))


def test_associated_objects_have_the_names_that_they_are_delivered_under():
    declared = [
        {**BARE, "associations": ["companies", "Deals", "notes"], "deletedRecords": "include"},
        {**BARE, "objectName": "companies", "mapToName": "company"},
        {**BARE, "objectName": "deals", "mapToName": "chance"},
    ]
    found = resolve(declared, contacts={})["contacts"]
    assert found.associations == {"companies": "company", "Deals": "chance", "notes": "notes"}
    assert found.deleted_records


def test_value_mappings_are_kept_from_delivered_to_provider():
    assert one({}, selectedValueMappings={"stage": {"open": "p1"}}).value_mappings == {"stage": {"open": "p1"}}


def test_objects_are_read_when_chosen_under_either_name_or_when_always():
    declared = [
        {**BARE, "mapToName": "people"},
        {**BARE, "objectName": "deals"},
        {**BARE, "objectName": "tickets", "enabled": "always"},
    ]
    assert list(resolve(declared)) == ["tickets"]
    assert list(resolve(declared, people={})) == ["contacts", "tickets"]
    assert list(resolve(declared, people={"objectName": "contacts"}, deals={})) == ["contacts", "deals", "tickets"]
    assert resolve(declared, tickets={"disabled": True})["tickets"].disabled
    assert list(resolve(declared, unknown={})) == ["tickets"]
