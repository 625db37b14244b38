from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from conjunct.manifests import Change, Changes, ObjectChange, diff, validate_integration

CONTENT: dict[str, Any] = {
    "name": "acme",
    "provider": "hubspot",
    "read": {
        "objects": [
            {
                "objectName": "contacts",
                "destination": "hook",
                "schedule": "@daily",
                "requiredFields": [{"fieldName": "email"}, {"mapToName": "notes"}],
                "optionalFields": [{"fieldName": "phone", "mapToName": "tel"}],
                "backfill": {"defaultPeriod": {"days": 30}},
            },
            {"objectName": "deals", "destination": "hook", "schedule": "@hourly"},
        ]
    },
    "write": {"objects": [{"objectName": "contacts"}]},
    "subscribe": {"objects": [{"objectName": "tickets", "destination": "hook", "otherEvents": ["a"]}]},
    "proxy": {"enabled": True},
}


def changes_of(*edits: tuple[str, Any]) -> Changes:
    """What differs after setting (or, with None, removing) values at dotted paths."""
    content = deepcopy(CONTENT)
    for path, value in edits:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        target: Any = content
        for part in parents:
            target = target[part]
        if value is None:
            del target[last]
        else:
            target[last] = value
    return diff(validate_integration(CONTENT), validate_integration(content))


def test_an_integration_equal_in_effect_has_no_changes():
    changes = changes_of()
    assert not changes
    assert changes == Changes()


def test_the_order_of_objects_and_fields_does_not_count():
    read = CONTENT["read"]["objects"]
    fields = read[0]["requiredFields"]
    assert not changes_of(("read.objects", [{**read[1]}, {**read[0], "requiredFields": fields[::-1]}]))


def test_without_an_old_revision_everything_is_added():
    changes = diff(None, validate_integration(CONTENT))
    assert [(item.action, item.object_name, item.kind) for item in changes.objects] == [
        ("read", "contacts", "added"),
        ("read", "deals", "added"),
        ("write", "contacts", "added"),
        ("subscribe", "tickets", "added"),
    ]
    assert [change.key for change in changes.settings] == ["name", "provider", "proxy"]


def test_a_removed_read_object():
    changes = changes_of(("read.objects.1", None))
    assert changes.objects == (ObjectChange("read", "deals", "removed"),)
    assert changes.of("read", "removed") == changes.objects
    assert changes.of("read", "added") == changes.of("write", "removed") == ()


def test_a_removed_action_removes_its_objects():
    assert changes_of(("write", None)).objects == (ObjectChange("write", "contacts", "removed"),)


def test_an_added_object():
    added = {"objectName": "companies", "destination": "hook"}
    changes = changes_of(("read.objects", [*CONTENT["read"]["objects"], added]))
    assert changes.objects == (ObjectChange("read", "companies", "added"),)


@pytest.mark.parametrize(
    ("key", "value", "change"),
    [
        ("schedule", "@weekly", Change("schedule", "@daily", "@weekly")),
        ("destination", "other", Change("destination", "hook", "other")),
        ("mapToName", "people", Change("mapToName", None, "people")),
        ("optionalFieldsAuto", "all", Change("optionalFieldsAuto", None, "all")),
        ("delivery", {"mode": "onRequest"}, Change("delivery", None, {"mode": "onRequest"})),
        (
            "backfill",
            {"defaultPeriod": {"fullHistory": True}},
            Change("backfill", {"defaultPeriod": {"days": 30}}, {"defaultPeriod": {"fullHistory": True}}),
        ),
    ],
)
def test_a_changed_key_of_an_object(key, value, change):
    changes = changes_of((f"read.objects.0.{key}", value))
    assert changes.objects == (ObjectChange("read", "contacts", "changed", (change,)),)
    assert changes.objects[0].touches(key)
    assert not changes.objects[0].touches("requiredFields")


def test_fields_count_one_by_one():
    changes = changes_of(
        ("read.objects.0.requiredFields", [{"fieldName": "email"}, {"fieldName": "name"}]),
        ("read.objects.0.optionalFields", [{"fieldName": "mobile", "mapToName": "tel"}]),
    )
    (item,) = changes.objects
    assert item.changes == (
        Change("requiredFields.notes", {"mapToName": "notes"}, None),
        Change("requiredFields.name", None, {"fieldName": "name"}),
        Change(
            "optionalFields.tel",
            {"fieldName": "phone", "mapToName": "tel"},
            {"fieldName": "mobile", "mapToName": "tel"},
        ),
    )
    assert item.touches("requiredFields")
    assert item.touches("optionalFields")


def test_a_field_moved_from_optional_to_required():
    (item,) = changes_of(
        ("read.objects.0.requiredFields", [*CONTENT["read"]["objects"][0]["requiredFields"], {"fieldName": "fax"}]),
    ).objects
    assert item.changes == (Change("requiredFields.fax", None, {"fieldName": "fax"}),)


def test_changed_settings():
    changes = changes_of(("provider", "salesforce"), ("displayName", "Acme"), ("proxy", None))
    assert changes.objects == ()
    assert changes.settings == (
        Change("provider", "hubspot", "salesforce"),
        Change("proxy", {"enabled": True}, None),
        Change("displayName", None, "Acme"),
    )
