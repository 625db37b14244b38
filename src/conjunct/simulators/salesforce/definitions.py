"""What an object is, and what its fields are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Value = Any
"""A field's value as JSON has it: text, number, boolean, None, or an object for a compound field."""

Record = dict[str, Value]

TEXTUAL = frozenset({"string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "combobox"})
NUMERIC = frozenset({"int", "double", "currency", "percent"})
COMPOUND = frozenset({"address", "location", "complexvalue"})


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object. `options` are the (value, label) pairs of a picklist; `refers_to` names objects.

    `required` means that a new record must bring a value. `parent` is the name by which a query reaches the record
    that a reference names; `compound` the field that this one is a part of.
    """

    name: str
    type: str = "string"
    label: str = ""
    length: int = 0
    options: tuple[tuple[str, str], ...] = ()
    restricted: bool = False
    refers_to: tuple[str, ...] = ()
    parent: str | None = None
    children: str | None = None
    required: bool = False
    createable: bool = True
    updateable: bool = True
    default: Value = None
    unique: bool = False
    external_id: bool = False
    calculated: bool = False
    auto_number: bool = False
    precision: int = 0
    scale: int = 0
    compound: str | None = None
    help: str | None = None

    @property
    def custom(self) -> bool:
        """Whether the org made it."""
        return self.name.endswith("__c")

    @property
    def filterable(self) -> bool:
        """Whether a query may compare it."""
        return self.type not in COMPOUND and not (self.type == "textarea" and self.length > 255)

    @property
    def writable(self) -> bool:
        """Whether any record may bring a value."""
        return self.createable or self.updateable


@dataclass(frozen=True, slots=True)
class ObjectType:
    """An object of the org: `share` main records stand to one of it; `make` makes the `place`th, None makes none.

    `derive` sets the values that come of others. `touched` is the field that `touch` changes, with its values.
    """

    name: str
    prefix: str
    label: str
    plural: str
    fields: tuple[Field, ...]
    share: int | None = 1
    fixed: int | None = None
    make: Callable[[int, int, Any], Record] = field(default=lambda _place, _bits, _seeder: {})
    derive: Callable[[Record], None] = field(default=lambda _record: None)
    touched: tuple[str, tuple[str, ...]] = ("", ())
    unique_together: tuple[str, ...] = ()
    name_field: str | None = "Name"
    searchable: tuple[str, ...] = ("Name",)
    createable: bool = True
    deletable: bool = True
    stamps: bool = True

    @property
    def custom(self) -> bool:
        """Whether the org made it."""
        return self.name.endswith("__c")

    def count(self, main: int) -> int:
        """How many records there are when the main object has `main`."""
        if self.fixed is not None:
            return self.fixed
        return 0 if self.share is None else -(-main // self.share)
