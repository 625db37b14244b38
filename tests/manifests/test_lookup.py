from __future__ import annotations

import pytest

from conjunct import manifests
from conjunct.manifests import parse_manifest, validate_integration

from . import examples

SALESFORCE, HUBSPOT = parse_manifest(examples.UNIFIED_CRM).integrations
(EVENTS,) = parse_manifest(examples.EVENTS).integrations
(WATCHES,) = parse_manifest(examples.WATCHES).integrations
ACCOUNT = manifests.read_objects(SALESFORCE)[0]


@pytest.mark.parametrize(("name", "found"), [("account", "account"), ("company", "account"), ("Account", None)])
def test_a_read_object_is_found_by_either_name(name, found):
    read_object = manifests.find_read_object(SALESFORCE, name)
    assert (read_object.object_name if read_object else None) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [("account", "account"), ("company", "account"), ("touchpoint__c", "touchpoint__c"), ("contact", None)],
)
def test_a_write_object_is_found_by_its_mapped_name_where_it_inherits(name, found):
    write_object = manifests.find_write_object(SALESFORCE, name)
    assert (write_object.object_name if write_object else None) == found


def test_a_write_object_that_does_not_inherit_has_its_own_name_only():
    content = SALESFORCE.to_wire()
    content["write"]["objects"][0]["inheritMapping"] = False
    integration = validate_integration(content)
    assert manifests.find_write_object(integration, "account") is not None
    assert manifests.find_write_object(integration, "company") is None


def test_a_subscribe_object_is_found_by_either_name():
    content = EVENTS.to_wire()
    content["read"]["objects"][0]["mapToName"] = "people"
    integration = validate_integration(content)
    for name in ("contacts", "people"):
        found = manifests.find_subscribe_object(integration, name)
        assert found is not None
        assert found.object_name == "contacts"
    assert manifests.find_subscribe_object(integration, "accounts") is None


def test_actions_that_an_integration_does_not_have_have_no_objects():
    assert manifests.read_objects(SALESFORCE) == (ACCOUNT,)
    assert manifests.write_objects(HUBSPOT) == ()
    assert manifests.subscribe_objects(HUBSPOT) == ()
    assert manifests.find_write_object(HUBSPOT, "company") is None


def test_the_fields_and_mappings_of_an_object():
    assert manifests.required_field_names(ACCOUNT) == ("name", "billingcity")
    assert manifests.field_names(ACCOUNT.optional_fields) == ("website", "phone")
    assert manifests.predefined_mappings(ACCOUNT) == {"city": "billingcity", "tel": "phone"}
    assert [mapping.map_to_name for mapping in manifests.required_mappings(ACCOUNT)] == ["region"]
    assert [mapping.map_to_name for mapping in manifests.optional_mappings(ACCOUNT)] == ["notes"]


def test_the_delivered_name_is_the_mapped_one():
    assert ACCOUNT.delivered_name == "company"
    assert manifests.read_objects(EVENTS)[0].delivered_name == "contacts"


def test_destinations_of_every_action():
    assert manifests.destinations(EVENTS) == {"eventWebhook", "otherWebhook"}
    assert manifests.destinations(WATCHES) == {"peopleWebhook", "schemaWebhook"}
