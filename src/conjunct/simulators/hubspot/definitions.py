"""Which objects the simulated account has, and how HubSpot describes an object and its properties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PORTAL_ID = 44_237_313
_DEFINED_AT = "2020-06-30T15:57:37.277Z"


@dataclass(frozen=True, slots=True)
class OptionDetails:
    """How an option is shown."""

    order: int = -1
    hidden: bool = False
    description: str | None = None


@dataclass(frozen=True, slots=True)
class PropertyGroup:
    """A group in which properties are shown together."""

    name: str
    label: str
    order: int = -1

    def to_wire(self) -> dict[str, Any]:
        """The group as `GET /crm/v3/properties/{object}/groups` tells it."""
        return {"name": self.name, "label": self.label, "displayOrder": self.order, "archived": False}


@dataclass(frozen=True, slots=True)
class Property:
    """A property of an object. `options` are the (value, label) pairs of an enumeration.

    `details` say how each option is shown; without them, options are shown in their order. Those of an `external`
    property are told elsewhere: by the pipelines, or by the owners.
    """

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    options: tuple[tuple[str, str], ...] = ()
    read_only: bool = False
    custom: bool = False
    unique: bool = False
    refers_to: str | None = None
    group: str = ""
    description: str = ""
    details: tuple[OptionDetails, ...] = ()
    created: str = _DEFINED_AT
    updated: str = _DEFINED_AT
    archived_at: str | None = None
    external: bool = False

    def to_wire(self, default_group: str) -> dict[str, Any]:
        """The property as `GET /crm/v3/properties/{object}` tells it."""
        wire: dict[str, Any] = {
            "updatedAt": self.updated,
            "createdAt": self.created,
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group or default_group,
            "options": self._options(),
            "displayOrder": -1,
            "calculated": False,
            "externalOptions": self.external,
            "hasUniqueValue": self.unique,
            "hidden": False,
            "hubspotDefined": not self.custom,
            "modificationMetadata": {
                "archivable": True,
                "readOnlyDefinition": not self.custom,
                "readOnlyValue": self.read_only,
            },
            "formField": not self.read_only,
            "dataSensitivity": "non_sensitive",
        }
        if self.refers_to is not None:
            wire["referencedObjectType"] = self.refers_to
        if self.archived_at is not None:
            wire |= {"archived": True, "archivedAt": self.archived_at}
        return wire

    def _options(self) -> list[dict[str, Any]]:
        if self.external:
            return []
        details = self.details or [OptionDetails(order) for order in range(len(self.options))]
        wire: list[dict[str, Any]] = []
        for (value, label), shown in zip(self.options, details, strict=True):
            told = {"description": shown.description} if shown.description is not None else {}
            wire.append({"label": label, "value": value, **told, "displayOrder": shown.order, "hidden": shown.hidden})
        return wire


@dataclass(frozen=True, slots=True)
class ObjectType:
    """An object (a kind of record). There is one record for every `share` contacts.

    `created` and `stamp` name the properties that hold the moments of creation and of the last change, `unique` the one
    whose values may not repeat. `default` are the properties of an answer to a call that names none; `touched` is the
    enumeration or text property that a made-up user changes. Records of a `read_only` object come from elsewhere.
    """

    name: str
    singular: str
    label: str
    type_id: str
    first_id: int
    share: int
    stamp: str
    default: tuple[str, ...]
    searchable: tuple[str, ...]
    touched: str
    properties: tuple[Property, ...]
    unique: str | None = None
    custom: bool = False
    required: tuple[str, ...] = ()
    secondary: tuple[str, ...] = ()
    created: str = "createdate"
    read_only: bool = False

    @property
    def full_name(self) -> str:
        """The name in schemas: `CONTACT`, or with the account's number for an object of its own."""
        return f"p{PORTAL_ID}_{self.name}" if self.custom else self.singular.upper()

    @property
    def aliases(self) -> tuple[str, ...]:
        """Every name that a path may call the object by, in lower case."""
        return self.name, self.singular, self.type_id, self.full_name.lower()

    @property
    def always(self) -> tuple[str, ...]:
        """The properties that every answer holds, asked for or not: creation, id, last change."""
        return self.created, "hs_object_id", self.stamp

    @property
    def plural(self) -> str:
        """The plural as people read it."""
        return self.name.capitalize().replace("_", " ")

    @property
    def group(self) -> str:
        """The property group that the object's properties stand in."""
        return f"{self.singular}information"

    def to_wire(self, properties: Sequence[Property]) -> dict[str, Any]:
        """The object as `GET /crm/v3/schemas/{object}` tells it, with these properties."""
        return {
            "labels": {"singular": self.label, "plural": self.plural},
            "requiredProperties": list(self.required),
            "searchableProperties": list(self.searchable),
            "primaryDisplayProperty": self.searchable[0],
            "secondaryDisplayProperties": list(self.secondary),
            "archived": False,
            "restorable": True,
            "metaType": "PORTAL_SPECIFIC" if self.custom else "HUBSPOT",
            "id": self.type_id.removeprefix("0-").removeprefix("2-"),
            "fullyQualifiedName": self.full_name,
            "createdAt": _DEFINED_AT,
            "updatedAt": _DEFINED_AT,
            "objectTypeId": self.type_id,
            "properties": [item.to_wire(self.group) for item in properties],
            "associations": [],
            "name": self.name if self.custom else self.full_name,
        }
