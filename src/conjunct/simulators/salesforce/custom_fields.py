"""Custom fields as their definitions write them (`Metadata` of the Tooling API), and as fields of an object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from conjunct.simulators.salesforce.database import Database
from conjunct.simulators.salesforce.definitions import Field
from conjunct.simulators.salesforce.errors import SalesforceError, invalid

_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c")
_PLAIN = {
    "Checkbox": "boolean",
    "Date": "date",
    "DateTime": "datetime",
    "Email": "email",
    "Phone": "phone",
    "Url": "url",
    "TextArea": "textarea",
}
_NUMBERS = {"Number": "double", "Currency": "currency", "Percent": "percent"}
_LENGTHS = {"email": 80, "phone": 40, "url": 255, "textarea": 255}
_LONG_TEXTS = ("LongTextArea", "Html")
_PICKLISTS = {"Picklist": "picklist", "MultiselectPicklist": "multipicklist"}
_TYPES = {"string": "Text", "double": "Number", "reference": "Lookup"} | {
    kind: name for name, kind in (_PLAIN | _NUMBERS | _PICKLISTS).items() if name != "Number"
}


def read(name: str, metadata: Mapping[str, Any], database: Database) -> Field:
    """The field that a definition makes. Raises `SalesforceError`."""
    if not _NAME.fullmatch(name):
        message = f"The field name {name!r} must end in __c and hold letters, digits and single underscores only"
        raise invalid("INVALID_FIELD_NAME", message, "FullName")
    kind, label = metadata.get("type"), metadata.get("label")
    if not isinstance(label, str) or not label:
        raise _missing("label", kind)
    made = _of_type(name, str(kind), metadata, database)
    unique = metadata.get("unique") is True
    external_id = metadata.get("externalId") is True
    return Field(
        name,
        made.type,
        label,
        made.length,
        made.options,
        made.restricted,
        made.refers_to,
        made.parent,
        made.children,
        required=metadata.get("required") is True,
        default=made.default,
        unique=unique,
        external_id=external_id,
        precision=made.precision,
        scale=made.scale,
        help=metadata.get("inlineHelpText"),
    )


def write(item: Field) -> dict[str, Any]:
    """The definition of a field, as far as there is something to tell."""
    metadata: dict[str, Any] = {
        "type": "LongTextArea" if item.type == "textarea" and item.length > 255 else _TYPES.get(item.type, item.type),
        "label": item.label,
        "required": item.required,
        "externalId": item.external_id,
        "inlineHelpText": item.help,
    }
    if item.length and item.type in ("string", "textarea"):
        metadata |= {"length": item.length, "unique": item.unique}
    if item.precision:
        metadata |= {"precision": item.precision, "scale": item.scale, "unique": item.unique}
    if item.options:
        values = [{"valueName": value, "label": label, "default": False} for value, label in item.options]
        metadata["valueSet"] = {
            "restricted": item.restricted,
            "valueSetDefinition": {"sorted": False, "value": values},
        }
    if item.refers_to:
        metadata |= {"referenceTo": item.refers_to[0], "relationshipName": (item.children or "").removesuffix("__r")}
    return metadata


def _of_type(name: str, kind: str, metadata: Mapping[str, Any], database: Database) -> Field:
    if kind == "Text":
        return Field(name, "string", length=_whole(metadata, "length", kind, 1, 255))
    if kind in _LONG_TEXTS:
        _whole(metadata, "visibleLines", kind, 2, 50)
        return Field(name, "textarea", length=_whole(metadata, "length", kind, 256, 131_072))
    if kind in _NUMBERS:
        precision = _whole(metadata, "precision", kind, 1, 18)
        return Field(name, _NUMBERS[kind], precision=precision, scale=_whole(metadata, "scale", kind, 0, precision))
    if kind == "Checkbox":
        if "defaultValue" not in metadata:
            raise _missing("defaultValue", kind)
        return Field(name, "boolean", default=str(metadata["defaultValue"]).lower() == "true")
    if kind in _PLAIN:
        return Field(name, _PLAIN[kind], length=_LENGTHS.get(_PLAIN[kind], 0))
    if kind in _PICKLISTS:
        return _picklist(name, kind, metadata)
    if kind == "Lookup":
        return _look_up(name, metadata, database)
    raise invalid("INVALID_INPUT", f"{kind} is not a type of custom field that can be made here", "Metadata")


def _picklist(name: str, kind: str, metadata: Mapping[str, Any]) -> Field:
    value_set = metadata.get("valueSet")
    definition = value_set.get("valueSetDefinition") if isinstance(value_set, dict) else None
    values = definition.get("value") if isinstance(definition, dict) else None
    if not isinstance(value_set, dict) or not isinstance(values, list) or not values:
        raise _missing("valueSet", kind)
    options = []
    for value in values:
        text = value.get("valueName", value.get("fullName")) if isinstance(value, dict) else None
        if not isinstance(text, str):
            raise _missing("valueName", kind)
        options.append((text, str(value.get("label", text))))
    if kind == "MultiselectPicklist":
        _whole(metadata, "visibleLines", kind, 3, 10)
    restricted = value_set.get("restricted") is True
    length = 4099 if kind == "MultiselectPicklist" else 255
    return Field(name, _PICKLISTS[kind], length=length, options=tuple(options), restricted=restricted)


def _look_up(name: str, metadata: Mapping[str, Any], database: Database) -> Field:
    target = database.find(str(metadata.get("referenceTo")))
    if target is None:
        raise invalid("FIELD_INTEGRITY_EXCEPTION", "The referenceTo is not an object", "Metadata")
    children = metadata.get("relationshipName")
    return Field(
        name,
        "reference",
        length=18,
        refers_to=(target.kind.name,),
        parent=f"{name.removesuffix('__c')}__r",
        children=f"{children}__r" if children else None,
    )


def _whole(metadata: Mapping[str, Any], name: str, kind: str, least: int, most: int) -> int:
    value = metadata.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _missing(name, kind)
    if not least <= value <= most:
        message = f"The {name} of a CustomField of type {kind} must be between {least} and {most}"
        raise invalid("FIELD_INTEGRITY_EXCEPTION", message, "Metadata")
    return value


def _missing(name: str, kind: object) -> SalesforceError:
    message = f"Must specify '{name}' for a CustomField of type {kind}"
    return invalid("FIELD_INTEGRITY_EXCEPTION", message, "Metadata")
