"""A manifest's objects with the provider's words for them."""

from __future__ import annotations

from typing import Any

import pytest

from conjunct.connectors import FieldMetadata, ObjectSchema
from conjunct.installations.hydration.content import hydrated_content
from conjunct.manifests import Integration

SCHEMA = ObjectSchema(
    "contacts",
    "Contacts",
    {
        "Email": FieldMetadata("Email", "E-mail address", "string", "text", is_required=True),
        "$['address']['city']": FieldMetadata("$['address']['city']", "Town"),
        "phone": FieldMetadata("phone", "Phone"),
    },
)


def integration(read: dict[str, Any] | None = None, **parts: Any) -> Integration:
    contacts = {"objectName": "contacts", "destination": "hook", "schedule": "", **(read or {})}
    return Integration.model_validate({"name": "crm", "provider": "acme", "read": {"objects": [contacts]}, **parts})


def one(read: dict[str, Any], described: ObjectSchema | str = SCHEMA) -> dict[str, Any]:
    content = hydrated_content(integration(read), {"contacts": described}, str.upper)
    [found] = content["read"]["objects"]
    assert isinstance(found, dict)
    return found


def test_fields_of_the_manifest_have_the_providers_words_whatever_their_case():
    found = one(
        {
            "requiredFields": [
                {"fieldName": "email"},
                {"fieldName": "$['address']['city']", "mapToName": "city", "mapToDisplayName": "City"},
                {"mapToName": "notes", "default": "description", "prompt": "Which?"},
            ],
            "optionalFields": [{"fieldName": "lead_source"}],
        }
    )
    assert found["displayName"] == "Contacts"
    assert found["requiredFields"] == [
        {"fieldName": "email", "displayName": "E-mail address"},
        {
            "fieldName": "$['address']['city']",
            "mapToName": "city",
            "mapToDisplayName": "City",
            "displayName": "Town",
        },
        {"mapToName": "notes", "default": "description", "prompt": "Which?"},
    ]
    assert found["optionalFields"] == [{"fieldName": "lead_source", "displayName": "Lead source"}]


def test_all_fields_of_the_account_are_listed():
    found = one({})
    assert found["allFields"] == [
        {"fieldName": "Email", "displayName": "E-mail address"},
        {"fieldName": "$['address']['city']", "displayName": "Town"},
        {"fieldName": "phone", "displayName": "Phone"},
    ]
    assert found["allFieldsMetadata"]["Email"] == {
        "fieldName": "Email",
        "displayName": "E-mail address",
        "valueType": "string",
        "providerType": "text",
        "isRequired": True,
    }
    assert found["allFieldsMetadata"].keys() == SCHEMA.fields.keys()
    assert (found["requiredFields"], found["optionalFields"]) == ([], [])
    assert "error" not in found


@pytest.mark.parametrize("automatic", [False, True])
def test_with_optional_fields_auto_whatever_else_there_is_is_optional(automatic):
    found = one(
        {
            "requiredFields": [{"fieldName": "email"}],
            "optionalFields": [{"mapToName": "source"}],
            **({"optionalFieldsAuto": "all"} if automatic else {}),
        }
    )
    others = [
        {"fieldName": "$['address']['city']", "displayName": "Town"},
        {"fieldName": "phone", "displayName": "Phone"},
    ]
    assert found["optionalFields"] == [{"mapToName": "source"}, *(others if automatic else [])]
    assert found.get("optionalFieldsAuto") == ("all" if automatic else None)


def test_an_object_that_is_not_described_says_why_and_is_as_the_manifest_has_it():
    found = one(
        {
            "mapToName": "people",
            "schedule": "0 * * * *",
            "backfill": {"defaultPeriod": {"days": 3}},
            "requiredFields": [{"fieldName": "firstname"}],
            "optionalFieldsAuto": "all",
        },
        "No such object",
    )
    assert found == {
        "error": "No such object",
        "objectName": "contacts",
        "displayName": "CONTACTS",
        "mapToName": "people",
        "destination": "hook",
        "schedule": "0 * * * *",
        "backfill": {"defaultPeriod": {"days": 3}},
        "requiredFields": [{"fieldName": "firstname", "displayName": "Firstname"}],
        "optionalFields": [],
        "optionalFieldsAuto": "all",
        "allFields": [],
        "allFieldsMetadata": {},
    }


def test_the_other_parts():
    declared = integration(
        displayName="CRM",
        module="sales",
        write={"objects": [{"objectName": "leads", "inheritMapping": True, "valueDefaults": {"allowAnyFields": True}}]},
        proxy={"enabled": True, "useModule": True},
    )
    content = hydrated_content(declared, {"contacts": SCHEMA}, str.upper)
    del content["read"]
    assert content == {
        "name": "crm",
        "displayName": "CRM",
        "module": "sales",
        "provider": "acme",
        "write": {
            "objects": [{"objectName": "leads", "displayName": "LEADS", "valueDefaults": {"allowAnyFields": True}}]
        },
        "proxy": {"enabled": True, "useModule": True},
    }
    only_proxy = Integration.model_validate({"name": "crm", "provider": "acme", "proxy": {"enabled": True}})
    assert hydrated_content(only_proxy, {}, str.upper) == {
        "name": "crm",
        "provider": "acme",
        "proxy": {"enabled": True},
    }
