"""How what a builder writes becomes the provider's record."""

from typing import Any

import pytest

from conjunct.installations import ConfigContent, WriteMapping, write_mapping
from conjunct.manifests import Integration

READ_OBJECT = {
    "objectName": "contacts",
    "mapToName": "people",
    "destination": "d",
    "requiredFields": [
        {"fieldName": "email"},
        {"fieldName": "jobtitle", "mapToName": "title"},
        {"fieldName": "$['address']['city']", "mapToName": "town"},
        {"fieldName": "state", "mapToName": "$['info']['status']"},
    ],
    "optionalFields": [
        {"fieldName": "mobilephone", "mapToName": "phone"},
        {"mapToName": "notes"},
        {"mapToName": "language", "default": "hs_language"},
    ],
}


def made(chosen: dict[str, Any] | None = None, **options: Any) -> WriteMapping:
    """The mapping of the contacts for a group that chose so."""
    integration = Integration.model_validate(
        {
            "name": "crm",
            "provider": "hubspot",
            "read": {"objects": [READ_OBJECT]},
            "write": {"objects": [{"objectName": "contacts", "inheritMapping": True}]},
        }
    )
    content = ConfigContent.model_validate({"read": {"objects": {"contacts": chosen or {}}}})
    return write_mapping(integration, content, "contacts", **options)


def test_names_become_the_providers_and_nested_fields_stand_where_it_has_them() -> None:
    given: dict[str, Any] = {
        "title": "CEO",
        "town": "Paris",
        "info": {"status": "new", "other": 1},
        "phone": "5",
        "email": "a@b.c",
    }
    before = {**given, "info": dict(given["info"])}
    assert made().record(given) == {
        "jobtitle": "CEO",
        "address": {"city": "Paris"},
        "state": "new",
        "info": {"other": 1},
        "mobilephone": "5",
        "email": "a@b.c",
    }
    assert given == before
    # An object that held nothing else is gone with its field; a nested name may be given as it is written, too.
    assert made().record({"info": {"status": "new"}}) == {"state": "new"}
    assert made().record({"$['info']['status']": None}) == {"state": None}
    both = made().record({"town": "Paris", "address": {"city": "Rome", "zip": "1"}})
    assert both == {"address": {"city": "Paris", "zip": "1"}}


def test_what_the_group_has_not_mapped_is_left_out_and_what_it_has_is_written() -> None:
    assert made().record({"notes": "x", "language": "fr", "lastname": "L"}) == {"hs_language": "fr", "lastname": "L"}
    assert made({"selectedFieldMappings": {"notes": "field_a"}}).record({"notes": "x"}) == {"field_a": "x"}
    dynamic = {"dynamicMappingsInput": [{"mapToName": "source"}, {"mapToName": "priority"}]}
    mapping = made({**dynamic, "selectedFieldMappings": {"priority": "hs_priority"}})
    assert mapping.record({"source": "web", "priority": "high"}) == {"hs_priority": "high"}


def test_two_names_that_stand_for_one_another_do_not_meet() -> None:
    mapping = WriteMapping({"phone": "mobilephone", "mobilephone": "phone"})
    assert mapping.record({"phone": "1", "mobilephone": "2"}) == {"mobilephone": "1", "phone": "2"}
    assert WriteMapping({"phone": "mobilephone"}).record({"phone": "1", "mobilephone": "2"}) == {"mobilephone": "1"}


def test_values_become_the_providers() -> None:
    chosen = {
        "selectedValueMappings": {
            "title": {"boss": "CEO", "aide": ""},
            "MobilePhone": {"none": "0"},
            "stage": {"open": "1"},
            "$['address']['zip']": {"north": "75"},
        }
    }
    given = {"title": ["boss", "aide", 3], "phone": "none", "stage": "open", "address": {"zip": "north"}}
    assert made(chosen).record(given) == {
        "jobtitle": ["CEO", "aide", 3],
        "mobilephone": "0",
        "stage": "1",
        "address": {"zip": "75"},
    }


def test_everything_that_is_not_mapped_can_be_left_out() -> None:
    assert made(mapped_only=True).record({"title": "CEO", "email": "a@b.c", "x": 1}) == {"jobtitle": "CEO"}


def test_a_field_within_the_value_of_another_cannot_be_written() -> None:
    with pytest.raises(ValueError, match=r"\$\['address'\]\['city'\] cannot be written: address holds a value"):
        made().record({"address": "1 Main Street", "town": "Paris"})


def test_without_a_read_object_records_pass_as_they_are() -> None:
    integration = Integration.model_validate({"name": "crm", "provider": "hubspot"})
    assert write_mapping(integration, ConfigContent(), "contacts").record({"title": {"a": []}}) == {"title": {"a": []}}
