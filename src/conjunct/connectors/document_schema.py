"""The published JSON Schema of `provider.yaml`, for editors; made of the models.

`python -m conjunct.connectors.document_schema > docs/reference/provider-definition.schema.json` writes it anew.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from conjunct.connectors.definition import DefinitionDocument


def document_schema() -> dict[str, Any]:
    """The JSON Schema of `provider.yaml`. In defaults and objects every key may be null."""
    schema = DefinitionDocument.model_json_schema(by_alias=True)
    inherited = ["ObjectDefinition"]
    for name in inherited:
        definition = schema["$defs"][name]
        for key, part in definition.get("properties", {}).items():
            inherited += [each for each in _references(part) if each not in inherited]
            definition["properties"][key] = _or_null(_with_null_entries(part))
    objects = schema["properties"]["objects"]
    objects["additionalProperties"] = _or_null(objects["additionalProperties"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://conjunct.dev/schemas/provider-definition.json",
        **schema,
        "title": "Conjunct provider definition",
    }


def _or_null(part: Any) -> dict[str, Any]:
    return {"anyOf": [part, {"type": "null"}]}


def _with_null_entries(part: dict[str, Any]) -> dict[str, Any]:
    """The schema of a property; where it is a mapping, each of its entries may be removed, too."""
    entries = part.get("additionalProperties")
    return {**part, "additionalProperties": _or_null(entries)} if isinstance(entries, dict) else part


def _references(part: Any) -> list[str]:
    if isinstance(part, list):
        return [name for item in part for name in _references(item)]
    if not isinstance(part, dict):
        return []
    own = [part["$ref"].rpartition("/")[2]] if isinstance(part.get("$ref"), str) else []
    return own + [name for key, item in part.items() if key != "$ref" for name in _references(item)]


def document_schema_text() -> str:
    """The schema as the published file has it."""
    return json.dumps(document_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document_schema_text())
