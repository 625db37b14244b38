"""The JSON Schema of amp.yaml, for editors. `python -m conjunct.manifests.schema` prints it.

It says what the models say; rules that span several keys are checked by `parse_manifest` only.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from .models import Manifest


class _WithoutNull(GenerateJsonSchema):
    """A key that is not given is left out, never null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default") in (None, "", ()):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def editor_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a manifest."""
    schema = Manifest.model_json_schema(by_alias=True, mode="validation", schema_generator=_WithoutNull)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://conjunct.dev/schemas/manifest-1.0.0.json",
        **schema,
    }


def schema_text() -> str:
    """The schema as the file that is published."""
    return json.dumps(editor_schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
