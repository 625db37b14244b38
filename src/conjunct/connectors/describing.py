"""What fields an object has: from what the provider tells of them, from sample records, and from the definition."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from conjunct.connectors.definition_base import ValueType
from conjunct.connectors.errors import MalformedAnswer
from conjunct.connectors.paths import parse_path
from conjunct.connectors.query import FieldMetadata, FieldValue
from conjunct.connectors.read_definition import ReadRule
from conjunct.connectors.records import Names, fields_of
from conjunct.connectors.schema_definition import Options, SchemaRule, StaticField
from conjunct.kit.json_path import format_selector

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?")


def described_fields(body: Any, rule: SchemaRule) -> dict[str, FieldMetadata]:
    """Fields from an answer that describes them. Raises `MalformedAnswer` when it does not."""
    listed = parse_path(rule.fields_at).find(body)
    if isinstance(listed, dict):
        listed = [{rule.name: name, **each} for name, each in listed.items() if isinstance(each, dict)]
    if not isinstance(listed, list):
        raise MalformedAnswer(f"there is no list of fields at '{rule.fields_at}'")
    fields = (_described(each, rule) for each in listed if isinstance(each, dict))
    return {field.field_name: field for field in fields if field is not None}


def _described(each: dict[str, Any], rule: SchemaRule) -> FieldMetadata | None:
    name = parse_path(rule.name).find(each)
    if not isinstance(name, str) or not name:
        return None
    display = parse_path(rule.display).find(each)
    provider_type = parse_path(rule.type_at).find(each)
    references = _references(each, rule)
    values = _values(each, rule.options)
    value_type = "reference" if references else _value_type(each, provider_type, rule)
    return FieldMetadata(
        field_name=name,
        display_name=display if isinstance(display, str) and display else name,
        value_type=value_type,
        provider_type=provider_type if isinstance(provider_type, str) else None,
        read_only=_read_only(each, rule),
        is_custom=_is_custom(each, rule),
        is_required=_required(each, rule),
        reference_to=references,
        values=values if value_type in ("singleSelect", "multiSelect") else (),
    )


def _value_type(each: dict[str, Any], provider_type: Any, rule: SchemaRule) -> ValueType:
    known = rule.types.get(provider_type) if isinstance(provider_type, str) else None
    if isinstance(known, dict):
        subtype = parse_path(rule.subtype_at).find(each) if rule.subtype_at is not None else None
        subtype = ("false", "true")[subtype] if isinstance(subtype, bool) else subtype
        known = known.get(subtype) if isinstance(subtype, str) else None
    return known or "other"


def _flag(each: dict[str, Any], path: str | None) -> bool | None:
    value = parse_path(path).find(each) if path is not None else None
    return value if isinstance(value, bool) else None


def _read_only(each: dict[str, Any], rule: SchemaRule) -> bool | None:
    told = _flag(each, rule.read_only_at)
    ways = [flag for path in rule.writable_at if (flag := _flag(each, path)) is not None]
    return told or not any(ways) if ways else told


def _required(each: dict[str, Any], rule: SchemaRule) -> bool | None:
    told = _flag(each, rule.required_at)
    if told is not None or not rule.required_if:
        return told
    flags = {path: _flag(each, path) for path in rule.required_if}
    if any(flag is not None and flag is not rule.required_if[path] for path, flag in flags.items()):
        return False
    return True if None not in flags.values() else None


def _is_custom(each: dict[str, Any], rule: SchemaRule) -> bool | None:
    if rule.standard_at is not None:
        return _flag(each, rule.standard_at) is not True
    return _flag(each, rule.custom_at)


def _references(each: dict[str, Any], rule: SchemaRule) -> tuple[str, ...]:
    value = parse_path(rule.refs_at).find(each) if rule.refs_at is not None else None
    names = value if isinstance(value, list) else [value]
    return tuple(rule.refs.get(name, name) for name in names if isinstance(name, str) and name)


def _values(each: dict[str, Any], options: Options | None) -> tuple[FieldValue, ...]:
    return options_in(each, options) if options is not None else ()


def options_in(told: Any, options: Options) -> tuple[FieldValue, ...]:
    """The allowed values that stand there."""
    listed = parse_path(options.at).spread(told)
    if options.active is not None:
        active = parse_path(options.active)
        listed = [option for option in listed if active.find(option) is not False]
    value_path, label_path = parse_path(options.value), parse_path(options.label)
    pairs = ((value_path.find(option), label_path.find(option)) for option in listed)
    return tuple(
        FieldValue(str(value), label if isinstance(label, str) else str(value))
        for value, label in pairs
        if isinstance(value, str | int)
    )


def static_fields(fields: Mapping[str, StaticField]) -> dict[str, FieldMetadata]:
    """Fields that the definition knows."""
    return {
        name: FieldMetadata(
            field_name=name,
            display_name=field.display or display_name(name),
            value_type=field.type,
            provider_type=field.provider_type,
            read_only=field.read_only,
            is_required=field.required,
            is_custom=False,
            reference_to=tuple(field.references),
        )
        for name, field in fields.items()
    }


def sampled_fields(records: Iterable[dict[str, Any]], rule: ReadRule, names: Names = None) -> dict[str, FieldMetadata]:
    """Fields that occur in records. Objects within a record add their own fields, as `$['owner']['id']`.

    `names` are those of custom fields by their ids.
    """
    own_fields, custom_fields = fields_of(rule, names)
    seen: dict[str, ValueType | None] = {}
    customs: dict[str, None] = {}
    for raw in records:
        own = own_fields(raw)
        if rule.custom_fields is not None:
            own.pop(rule.custom_fields.at, None)
            if not rule.custom_fields.at:
                own = {name: value for name, value in own.items() if name not in (names or {})}
        custom = {name: value for name, value in custom_fields(raw).items() if name not in own}
        customs |= dict.fromkeys(custom)
        for name, value in {**_with_nested(own), **custom}.items():
            seen[name] = _combined(seen.get(name), _type_of(value))
    return {
        name: FieldMetadata(name, display_name(name), value_type or "other", is_custom=name in customs)
        for name, value_type in seen.items()
    }


def _with_nested(fields: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        flat[name] = value
        if isinstance(value, dict):
            flat |= {format_selector((name, inner)): item for inner, item in value.items() if inner}
    return flat


def display_name(name: str) -> str:
    """Words for a field name: `created_on` → `Created on`."""
    words = " ".join(re.findall(r"[^\W_]+", name))
    return words[:1].upper() + words[1:] if words else name


def _type_of(value: Any) -> ValueType | None:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        if _DATE.fullmatch(value):
            return "date"
        return "datetime" if _DATETIME.fullmatch(value) else "string"
    return None if value is None else "other"


def _combined(first: ValueType | None, second: ValueType | None) -> ValueType | None:
    if first == second or second is None:
        return first
    if first is None:
        return second
    numbers, texts = {"int", "float"}, {"date", "datetime", "string"}
    if {first, second} <= numbers:
        return "float"
    return "string" if {first, second} <= texts else "other"
