"""From fields on the wire to what a connector is asked for, and its answers back into the wire's words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conjunct.connectors import DraftFault, FieldDraft, FieldResult
from conjunct.core.problems import Issue
from conjunct.installations.fields.schemas import Association, FieldDefinition, FieldUpsertResult, StringOptions

_TEXTS = ("string",)
_SELECTS = ("singleSelect", "multiSelect")
_NUMBERS = ("int", "float")
_WIRE_NAMES = {
    "length": "stringOptions.length",
    "pattern": "stringOptions.pattern",
    "options": "stringOptions.values",
    "extensible": "stringOptions.valuesRestricted",
    "default": "defaultValue",
    "precision": "numericOptions.precision",
    "scale": "numericOptions.scale",
    "min": "numericOptions.min",
    "max": "numericOptions.max",
    "association": "association.associationType",
    "association_required": "association.required",
    "target_object": "association.targetObject",
    "target_field": "association.targetField",
    "cardinality": "association.cardinality",
    "on_delete": "association.onDelete",
    "reverse_name": "association.reverseLookupFieldName",
    "singular_label": "association.labels.singular",
    "plural_label": "association.labels.plural",
}
_FAULTY_PARTS = {"name": "fieldName", "value_type": "valueType", "options": "stringOptions.values"}


def draft_of(field: FieldDefinition) -> FieldDraft:
    """The field as a connector is asked for it. A text that must be one of some values is a select."""
    value_type = effective_type(field)
    facts: dict[str, Any] = {
        "description": field.description or None,
        "required": field.required or None,
        "unique": field.unique or None,
        "indexed": field.indexed or None,
    }
    options = field.string_options
    if options is not None and value_type in _TEXTS:
        facts |= {"length": options.length, "pattern": options.pattern, "default": options.default_value}
    if options is not None and value_type in _SELECTS:
        facts |= _choices(options)
    if field.numeric_options is not None and value_type in _NUMBERS:
        numeric = field.numeric_options
        facts |= {"precision": numeric.precision, "scale": numeric.scale, "min": numeric.min, "max": numeric.max}
        facts |= {"default": numeric.default_value}
    if field.association is not None:
        facts |= _association(field.association)
    given = {name: value for name, value in facts.items() if value is not None}
    return FieldDraft(field.field_name, field.display_name, value_type, given)


def effective_type(field: FieldDefinition) -> str:
    """The type that is meant."""
    options = field.string_options
    if field.value_type == "string" and options is not None and options.values and options.values_restricted:
        return "singleSelect"
    return field.value_type


def _choices(options: StringOptions) -> dict[str, Any]:
    listed = [{"value": value, "label": value, "order": place} for place, value in enumerate(options.values or (), 1)]
    extensible = True if options.values_restricted is False else None
    return {"options": listed or None, "default": options.default_value, "extensible": extensible}


def _association(association: Association) -> dict[str, Any]:
    labels = association.labels
    return {
        "association": association.association_type,
        "association_required": association.required or None,
        "target_object": association.target_object,
        "target_field": association.target_field,
        "cardinality": association.cardinality,
        "on_delete": association.on_delete,
        "reverse_name": association.reverse_lookup_field_name,
        "singular_label": labels.singular if labels is not None else None,
        "plural_label": labels.plural if labels is not None else None,
    }


def issues_of(faults: Iterator[DraftFault], object_name: str, fields: Sequence[FieldDefinition]) -> Iterator[Issue]:
    """What stands against fields, where it stands in the request."""
    for fault in faults:
        at = f"fields.{object_name}.{fault.index}.{_FAULTY_PARTS[fault.part]}"
        field = fields[fault.index]
        value = {"name": field.field_name, "value_type": field.value_type}.get(fault.part)
        yield Issue(at, fault.detail, value=value, remedy=fault.remedy)


def result_of(result: FieldResult, field: FieldDefinition) -> FieldUpsertResult:
    """The result on the wire."""
    warnings = [*result.warnings, *_left_out(result.left_out), *_beside_the_point(field)]
    return FieldUpsertResult(
        field_name=result.name, action=result.action, metadata=result.metadata, warnings=warnings or None
    )


def failure_of(field: FieldDefinition, why: str) -> FieldUpsertResult:
    """The result of a field that was not made."""
    return FieldUpsertResult(field_name=field.field_name, action="none", warnings=[why])


def _left_out(facts: Sequence[str]) -> Iterator[str]:
    names: Mapping[str, str] = {fact: _WIRE_NAMES.get(fact, fact) for fact in facts}
    if "target_object" in facts:
        # Without its object the rest of an association means nothing.
        names = {fact: name for fact, name in names.items() if not name.startswith("association.")}
        names = {**names, "association": "association"}
    for name in names.values():
        yield f"The provider cannot keep '{name}' of this field; it was left out."


def _beside_the_point(field: FieldDefinition) -> Iterator[str]:
    value_type, options = effective_type(field), field.string_options
    parts: list[str] = []
    if field.numeric_options is not None and value_type not in _NUMBERS:
        parts.append("numericOptions")
    if options is not None and value_type not in (*_TEXTS, *_SELECTS):
        parts.append("stringOptions")
    elif options is not None and value_type in _SELECTS:
        parts += [f"stringOptions.{name}" for name in ("length", "pattern") if getattr(options, name) is not None]
    elif options is not None and options.values:
        parts.append("stringOptions.values")
    for part in parts:
        yield f"'{part}' means nothing for a field of the type '{value_type}'; it was left out."
