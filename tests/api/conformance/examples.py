"""The specifications' own examples of requests, made to speak of things that exist here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.api.conformance.operations import Specified
from tests.support.specification import specification

OF_FIELDS = "of its fields"
"""The name of an example that is made of those of the fields."""


def example_bodies(specified: Specified) -> Iterator[tuple[str, Any]]:
    """The examples of an operation's body by their names, or else one made of the examples of its required fields."""
    content = specified.operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return
    named = {name: each["value"] for name, each in content.get("examples", {}).items()}
    if "example" in content:
        named["example"] = content["example"]
    if not named:
        named[OF_FIELDS] = _of_fields(content["schema"], specification(specified.document) or {})
    yield from named.items()


def speaking_of(body: Any, existing: Mapping[str, str]) -> Any:
    """The body, naming what exists: `existing` has values by the names of fields, wherever those stand."""
    if isinstance(body, dict):
        return {
            key: existing[key] if key in existing and isinstance(value, str) else speaking_of(value, existing)
            for key, value in body.items()
        }
    return [speaking_of(each, existing) for each in body] if isinstance(body, list) else body


def _of_fields(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """An example of the schema: its own, or one of the fields that it requires and of those that have examples."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "example" in schema:
        return schema["example"]
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return _of_fields(schema[choice][0], document)
    if "allOf" in schema:
        merged: dict[str, Any] = {}
        for part in schema["allOf"]:
            found = _of_fields(part, document)
            merged |= found if isinstance(found, dict) else {}
        return merged
    if schema.get("type") == "object" or "properties" in schema:
        required = schema.get("required", [])
        return {
            name: _of_fields(each, document) for name, each in schema.get("properties", {}).items() if name in required
        }
    if schema.get("type") == "array":
        return [_of_fields(schema["items"], document)]
    return schema.get("enum", [{"integer": 1, "boolean": True, "number": 1.5}.get(schema.get("type", ""), "text")])[0]
