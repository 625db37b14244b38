"""Fields of an object as a GraphQL schema tells them: what is asked, and how the answer is read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conjunct.connectors.definition_base import Request, ValueType
from conjunct.connectors.errors import ObjectMissing
from conjunct.connectors.paths import parse_path
from conjunct.connectors.query import FieldMetadata, FieldValue
from conjunct.connectors.schema_definition import SchemaRule

TYPE, INPUT = "graphql_type", "graphql_input_"
"""Variables of the request: the name of the type, and of those that writes take, counted from 0."""

_SCALARS: dict[str, ValueType] = {
    "String": "string",
    "ID": "string",
    "Int": "int",
    "Float": "float",
    "Boolean": "boolean",
    "Date": "date",
    "DateTime": "datetime",
}
_SHAPE = "kind name enumValues { name description }"


def introspection_request(rule: SchemaRule) -> Request:
    """The request that asks for the types: the definition's, with our document where it has no body."""
    given = rule.request or Request()
    if given.body is not None:
        return given
    names = [TYPE, *(f"{INPUT}{index}" for index in range(len(rule.graphql_inputs)))]
    inner = f"{_SHAPE} ofType {{ {_SHAPE} ofType {{ {_SHAPE} ofType {{ {_SHAPE} }} }} }}"
    fields = f"fields {{ name description args {{ defaultValue type {{ kind }} }} type {{ {inner} }} }}"
    inputs = "inputFields { name defaultValue type { kind } }"
    parts = [f"{name}: __type(name: ${name}) {{ {fields if name == TYPE else inputs} }}" for name in names]
    document = f"query({', '.join(f'${name}: String!' for name in names)}) {{ {' '.join(parts)} }}"
    body = {"query": {"$literal": document}, "variables": {name: f"{{{name}}}" for name in names}}
    return given.model_copy(update={"method": given.method or "POST", "body": body})


def introspected_fields(body: Any, rule: SchemaRule, type_name: str) -> dict[str, FieldMetadata]:
    """The fields of the type. Raises `ObjectMissing` where the schema has none of that name."""
    listed = parse_path(f"data.{TYPE}.fields").find(body)
    if not isinstance(listed, list):
        raise ObjectMissing(f"the provider's schema has no type '{type_name}' with fields")
    inputs = [
        _inputs(parse_path(f"data.{INPUT}{index}.inputFields").find(body)) for index in range(len(rule.graphql_inputs))
    ]
    fields = (_field(each, rule, inputs) for each in listed if isinstance(each, dict) and not _needs_arguments(each))
    return {field.field_name: field for field in fields if field is not None}


def _inputs(listed: Any) -> Mapping[str, bool]:
    """The names that a write takes, and whether it needs them."""
    entries = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return {
        str(each.get("name")): parse_path("type.kind").find(each) == "NON_NULL" and each.get("defaultValue") is None
        for each in entries
    }


def _needs_arguments(field: Mapping[str, Any]) -> bool:
    args = field.get("args")
    return isinstance(args, list) and any(_inputs([{"name": "", **arg}])[""] for arg in args if isinstance(arg, dict))


def _field(each: dict[str, Any], rule: SchemaRule, inputs: list[Mapping[str, bool]]) -> FieldMetadata | None:
    name = each.get("name")
    if not isinstance(name, str) or not name:
        return None
    inner, is_list = _unwrapped(each.get("type"))
    provider_type = inner.get("name") if isinstance(inner.get("name"), str) else None
    reference = rule.refs.get(provider_type or "")
    values = _values(inner) if inner.get("kind") == "ENUM" else ()
    return FieldMetadata(
        field_name=name,
        display_name=name,
        value_type="reference" if reference and not is_list else _value_type(inner, provider_type, is_list, rule),
        provider_type=provider_type,
        read_only=not any(name in each for each in inputs) if inputs else None,
        is_required=inputs[0].get(name, False) if inputs else None,
        reference_to=(reference,) if reference else (),
        values=values,
    )


def _unwrapped(told: Any) -> tuple[dict[str, Any], bool]:
    """The type within NON_NULL and LIST, and whether there was a LIST."""
    is_list = False
    while isinstance(told, dict) and told.get("kind") in ("NON_NULL", "LIST"):
        is_list = is_list or told["kind"] == "LIST"
        told = told.get("ofType")
    return (told if isinstance(told, dict) else {}), is_list


def _value_type(inner: Mapping[str, Any], name: str | None, is_list: bool, rule: SchemaRule) -> ValueType:
    if inner.get("kind") == "ENUM":
        return "multiSelect" if is_list else "singleSelect"
    known = rule.types.get(name or "", _SCALARS.get(name or ""))
    return "other" if is_list or known is None or isinstance(known, dict) else known


def _values(inner: Mapping[str, Any]) -> tuple[FieldValue, ...]:
    listed = inner.get("enumValues")
    entries = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    named = ((each.get("name"), each.get("description")) for each in entries)
    return tuple(
        FieldValue(name, label if isinstance(label, str) and label else name)
        for name, label in named
        if isinstance(name, str) and name
    )
