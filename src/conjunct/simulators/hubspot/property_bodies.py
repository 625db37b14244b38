"""What a body says of a property or of a property group, read with HubSpot's refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conjunct.simulators.hubspot import errors
from conjunct.simulators.hubspot.definitions import OptionDetails, Property, PropertyGroup

_WIDGETS = {
    "bool": ("booleancheckbox", "calculation_equation"),
    "date": ("date",),
    "datetime": ("date",),
    "enumeration": ("booleancheckbox", "checkbox", "radio", "select", "calculation_equation"),
    "number": ("number", "calculation_equation"),
    "string": ("file", "html", "phonenumber", "text", "textarea", "calculation_equation"),
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_REQUIRED = ("name", "label", "type", "fieldType", "groupName")


def read_new(body: Mapping[str, Any]) -> Property:
    """The property that a body creates. Raises `HubSpotError`."""
    missing = [name for name in _REQUIRED if not isinstance(body.get(name), str) or not body[name]]
    if missing:
        raise errors.invalid(f"Some required fields were not set: {missing}")
    name = _name(body["name"])
    plain = Property(name, body["label"], body["type"], body["fieldType"], custom=True, group=body["groupName"])
    return _checked(replace(plain, unique=body.get("hasUniqueValue") is True, **_changes(body)))


def read_change(current: Property, body: Mapping[str, Any]) -> Property:
    """The property as a body changes it: what it does not name stays, as do the name and the uniqueness."""
    texts = {"label": "label", "type": "type", "fieldType": "field_type", "groupName": "group"}
    given: dict[str, Any] = {key: _text(body, name) for name, key in texts.items() if body.get(name) is not None}
    return _checked(replace(current, **given, **_changes(body)))


def read_group(body: Mapping[str, Any]) -> PropertyGroup:
    """The group that a body creates. Raises `HubSpotError`."""
    missing = [name for name in ("name", "label") if not isinstance(body.get(name), str) or not body[name]]
    if missing:
        raise errors.invalid(f"Some required fields were not set: {missing}")
    order = body.get("displayOrder", -1)
    return PropertyGroup(_name(body["name"]), body["label"], order if isinstance(order, int) else -1)


def _name(text: str) -> str:
    name = text.lower()
    if not _NAME.fullmatch(name):
        raise errors.invalid(f"The name '{text}' is invalid: use letters, digits and underscores, a letter first.")
    return name


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body[name]
    if not isinstance(value, str) or (not value and name != "description"):
        raise errors.invalid(f"Invalid input JSON: {name} must be a text")
    return value


def _changes(body: Mapping[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if body.get("description") is not None:
        changes["description"] = _text(body, "description")
    if body.get("options") is not None:
        changes["options"], changes["details"] = _options(body["options"])
    return changes


def _options(wire: Any) -> tuple[tuple[tuple[str, str], ...], tuple[OptionDetails, ...]]:
    if not isinstance(wire, list) or not all(isinstance(item, dict) for item in wire):
        raise errors.invalid("Invalid input JSON: options must be an array of objects")
    pairs = tuple((str(item.get("value", "")), str(item.get("label", ""))) for item in wire)
    if len({value for value, _ in pairs}) < len(pairs) or not all(value and label for value, label in pairs):
        raise errors.invalid("Property options need a label and a value each, and no value twice")
    details = tuple(
        OptionDetails(
            order=item["displayOrder"] if isinstance(item.get("displayOrder"), int) else -1,
            hidden=item.get("hidden") is True,
            description=item.get("description") if isinstance(item.get("description"), str) else None,
        )
        for item in wire
    )
    return pairs, details


def _checked(item: Property) -> Property:
    widgets = _WIDGETS.get(item.type)
    if widgets is None:
        raise errors.invalid(f"Invalid input JSON: unknown property type {item.type!r}, there are {(*_WIDGETS,)}")
    if item.field_type not in widgets:
        raise errors.invalid(f"A property of type '{item.type}' has no field type '{item.field_type}': {widgets}")
    values = {value for value, _ in item.options}
    if item.type == "enumeration" and not values:
        raise errors.invalid(f"Property '{item.name}' is an enumeration and needs options")
    if item.type == "bool" and values != {"true", "false"}:
        raise errors.invalid(f"Property '{item.name}' is a bool: its options are 'true' and 'false'")
    if item.type not in ("enumeration", "bool") and values:
        raise errors.invalid(f"Property '{item.name}' of type '{item.type}' has no options")
    return item
