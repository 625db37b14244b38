"""What we answer fits the published specification of the manifest, as it stands beside the checkout."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator

from conjunct.manifests import parse_manifest

from . import examples

SHARED = Path(os.environ.get("CONJUNCT_SHARED_DIR", Path(__file__).parents[3] / "shared"))


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    path = SHARED / "spec" / "manifest.json"
    if not path.exists():
        pytest.skip(f"The specification is not at {path}: set CONJUNCT_SHARED_DIR")
    schemas: dict[str, Any] = _with_alternatives(json.loads(path.read_text()))["components"]["schemas"]
    return schemas


def _with_alternatives(part: Any) -> Any:
    """`oneOf` as `anyOf`: by the letter, a field with `fieldName` and `mapToName` fits both kinds and so neither."""
    if isinstance(part, list):
        return [_with_alternatives(item) for item in part]
    if isinstance(part, dict):
        return {"anyOf" if key == "oneOf" else key: _with_alternatives(item) for key, item in part.items()}
    return part


@pytest.mark.parametrize("text", examples.ALL.values(), ids=examples.ALL)
def test_the_wire_form_fits_the_specification(schemas, text):
    manifest = parse_manifest(text)
    OAS30Validator(schemas["Manifest"]).validate(manifest.to_wire())
    for integration in manifest.integrations:
        OAS30Validator(schemas["Integration"]).validate(integration.to_wire())


def _keys(schema: Any, path: str = "") -> set[str]:
    """Every key that a schema knows, as a path; lists and alternatives add nothing to it."""
    keys: set[str] = set()
    for name, part in schema.get("properties", {}).items():
        keys |= {f"{path}.{name}"} | _keys(part, f"{path}.{name}")
    for part in [schema.get("items"), *schema.get("anyOf", [])]:
        if part:
            keys |= _keys(part, path)
    return keys


def _written_keys(content: Any, path: str = "") -> set[str]:
    if isinstance(content, list):
        return {key for item in content for key in _written_keys(item, path)}
    if isinstance(content, dict):
        inner = {key for name, item in content.items() for key in _written_keys(item, f"{path}.{name}")}
        return inner | {f"{path}.{name}" for name in content}
    return set()


def test_every_key_of_the_specification_is_understood_and_no_other(schemas):
    written = {key for text in examples.ALL.values() for key in _written_keys(parse_manifest(text).to_wire())}
    assert written == _keys(schemas["Manifest"])
