"""Short ways to write down a property."""

from __future__ import annotations

from conjunct.simulators.hubspot.definitions import Property


def text(name: str, label: str, field_type: str = "text", *, unique: bool = False, custom: bool = False) -> Property:
    """A text."""
    return Property(name, label, "string", field_type, unique=unique, custom=custom)


def number(name: str, label: str, *, custom: bool = False) -> Property:
    """A number."""
    return Property(name, label, "number", "number", custom=custom)


def moment(name: str, label: str) -> Property:
    """A point in time."""
    return Property(name, label, "datetime", "date")


def choice(
    name: str,
    label: str,
    options: tuple[tuple[str, str], ...],
    field_type: str = "select",
    *,
    custom: bool = False,
    external: bool = False,
) -> Property:
    """One of some values, or several of them in a `checkbox`; `external` ones are told by the object's pipelines."""
    return Property(name, label, "enumeration", field_type, options, custom=custom, external=external)


def reference(name: str, label: str, target: str) -> Property:
    """The id of a record of another object."""
    return Property(name, label, "number", "number", refers_to=target)


def owner() -> Property:
    """Whose record it is: the id of an owner."""
    return Property("hubspot_owner_id", "Owner", "enumeration", "select", refers_to="OWNER", external=True)


def system(stamp: str, created: str = "createdate") -> tuple[Property, ...]:
    """What every object has: the moments of creation and of the last change, and the id."""
    return (
        Property(created, "Create Date", "datetime", "date", read_only=True),
        Property("hs_object_id", "Record ID", "number", "number", read_only=True),
        Property(stamp, "Last Modified Date", "datetime", "date", read_only=True),
    )
