"""What is asked of a connector, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from conjunct.connectors.definition_base import ValueType

ALL_FIELDS = "*"
NO_ASSOCIATIONS: Mapping[str, list[Associated]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """Which records of which object.

    `fields` are plain names or selectors such as `$['owner']['name']`; `"*"` among them means all that the provider
    gives. `since` and `until` are both inclusive and aware. `filters` are (field, value) equalities. `deleted` asks for
    deleted records instead. `page_size` is a wish, cut to what the provider allows. `associations` are names of other
    objects, of whose records those that belong to each record are told.
    """

    object: str
    fields: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    filters: tuple[tuple[str, Any], ...] = ()
    deleted: bool = False
    page_size: int | None = None
    associations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for bound in (self.since, self.until):
            if bound is not None and bound.tzinfo is None:
                raise ValueError("the bounds of a read need a time zone")


@dataclass(frozen=True, slots=True)
class Associated:
    """A record of another object that belongs to a record.

    `metadata` is what the provider says of the kind of the association, None where it says nothing; `raw` is its entry.
    """

    id: str
    metadata: Any = None
    raw: Any = None


class Record(NamedTuple):
    """One record: its id as exact text (None where the object has none), the requested fields under lower-cased names,
    and what the provider sent. `associations` are by the other object's name, and empty unless they were asked for."""

    id: str | None
    fields: dict[str, Any]
    raw: dict[str, Any]
    associations: Mapping[str, list[Associated]] = NO_ASSOCIATIONS


@dataclass(frozen=True, slots=True)
class FailedRecord:
    """An entry of a page that is not a record; the page goes on without it. `index` is its place on the page."""

    index: int
    reason: str
    raw: Any


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a read.

    `next` is the opaque token of the next page, None at the end. `total` is the number of all matching records, told on
    the first page by providers that tell. `filtered` counts records outside the bounds that the provider sent anyway.
    `under` are the ids of the parents whose records these are, where they are listed under parents.
    """

    records: list[Record]
    next: str | None = None
    total: int | None = None
    failed: list[FailedRecord] = field(default_factory=list)
    filtered: int = 0
    under: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldValue:
    """An allowed value of a field."""

    value: str
    display_value: str

    def to_wire(self) -> dict[str, Any]:
        """As the specification's `FieldValue`."""
        return {"value": self.value, "displayValue": self.display_value}


@dataclass(frozen=True, slots=True)
class FieldMetadata:
    """What is known of a field; None where it is not known."""

    field_name: str
    display_name: str
    value_type: ValueType = "other"
    provider_type: str | None = None
    read_only: bool | None = None
    is_custom: bool | None = None
    is_required: bool | None = None
    reference_to: tuple[str, ...] = ()
    values: tuple[FieldValue, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """As the specification's `FieldMetadata`; what is not known is left out."""
        wire: dict[str, Any] = {
            "fieldName": self.field_name,
            "displayName": self.display_name,
            "valueType": self.value_type,
        }
        optional = {
            "providerType": self.provider_type,
            "readOnly": self.read_only,
            "isCustom": self.is_custom,
            "isRequired": self.is_required,
        }
        wire |= {key: value for key, value in optional.items() if value is not None}
        if self.reference_to:
            wire["referenceTo"] = list(self.reference_to)
        if self.values:
            wire["values"] = [value.to_wire() for value in self.values]
        return wire


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """An object's fields, by field name."""

    name: str
    display_name: str
    fields: dict[str, FieldMetadata]

    def to_wire(self) -> dict[str, Any]:
        """As the specification's `ObjectMetadata`."""
        return {
            "name": self.name,
            "displayName": self.display_name,
            "fields": {name: metadata.to_wire() for name, metadata in self.fields.items()},
        }
