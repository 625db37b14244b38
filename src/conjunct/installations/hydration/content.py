"""What a revision is like for one customer, as a value: the manifest's objects with the provider's names for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from conjunct.connectors import FieldMetadata, ObjectSchema
from conjunct.connectors.describing import display_name
from conjunct.manifests import (
    Integration,
    IntegrationField,
    IntegrationFieldExistent,
    IntegrationObject,
    IntegrationWriteObject,
    read_objects,
    write_objects,
)

Described = Mapping[str, ObjectSchema | str]
"""By the provider's name of an object: what it is made of, or why that is not known."""

_OBJECT_KEYS = ("mapToName", "mapToDisplayName", "destination", "schedule", "optionalFieldsAuto", "backfill")


def hydrated_content(
    integration: Integration, described: Described, object_display: Callable[[str], str]
) -> dict[str, Any]:
    """The specification's `HydratedIntegration`.

    `object_display` gives what people call an object, where the provider was not asked or did not answer.
    """
    wire = integration.to_wire()
    content: dict[str, Any] = {
        key: wire[key] for key in ("name", "displayName", "module", "provider", "proxy") if key in wire
    }
    if integration.read:
        objects = [
            _read_object(each, described[each.object_name], object_display) for each in read_objects(integration)
        ]
        content["read"] = {"objects": objects}
    if integration.write:
        content["write"] = {"objects": [_write_object(each, object_display) for each in write_objects(integration)]}
    return content


def _read_object(
    declared: IntegrationObject, schema: ObjectSchema | str, object_display: Callable[[str], str]
) -> dict[str, Any]:
    wire = declared.to_wire()
    known = schema.fields if isinstance(schema, ObjectSchema) else {}
    display = schema.display_name if isinstance(schema, ObjectSchema) else object_display(declared.object_name)
    return {
        "objectName": declared.object_name,
        "displayName": display,
        **{key: wire[key] for key in _OBJECT_KEYS if key in wire},
        **({"error": schema} if isinstance(schema, str) else {}),
        "requiredFields": list(_fields(declared.required_fields, known)),
        "optionalFields": [*_fields(declared.optional_fields, known), *_all_others(declared, known)],
        "allFields": [_plain(field) for field in known.values()],
        "allFieldsMetadata": {name: field.to_wire() for name, field in known.items()},
    }


def _write_object(declared: IntegrationWriteObject, object_display: Callable[[str], str]) -> dict[str, Any]:
    wire = declared.to_wire()
    defaults = {"valueDefaults": wire["valueDefaults"]} if "valueDefaults" in wire else {}
    return {"objectName": declared.object_name, "displayName": object_display(declared.object_name), **defaults}


def _fields(fields: Iterable[IntegrationField], known: Mapping[str, FieldMetadata]) -> Iterator[dict[str, Any]]:
    by_folded_name = {name.casefold(): field for name, field in known.items()}
    for field in fields:
        wire = field.to_wire()
        if isinstance(field, IntegrationFieldExistent):
            found = by_folded_name.get(field.field_name.casefold())
            wire["displayName"] = found.display_name if found else display_name(field.field_name)
        yield wire


def _all_others(declared: IntegrationObject, known: Mapping[str, FieldMetadata]) -> Iterator[dict[str, Any]]:
    """With `optionalFieldsAuto`, clients expect among the optional fields whatever else there is."""
    if declared.optional_fields_auto != "all":
        return
    declared_fields = (*declared.required_fields, *declared.optional_fields)
    named = {each.field_name.casefold() for each in declared_fields if isinstance(each, IntegrationFieldExistent)}
    for name, field in known.items():
        if name.casefold() not in named:
            yield _plain(field)


def _plain(field: FieldMetadata) -> dict[str, Any]:
    return {"fieldName": field.field_name, "displayName": field.display_name}
