from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from conjunct.manifests import parse_manifest
from conjunct.manifests.schema import editor_schema, schema_text

from . import examples

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference" / "manifest.schema.json"
REFERENCE = PUBLISHED.with_name("manifest.md")


def test_the_published_schema_is_the_one_of_the_models():
    command = "python -m conjunct.manifests.schema > docs/reference/manifest.schema.json"
    assert PUBLISHED.read_text() == schema_text(), f"Run: {command}"


def test_the_schema_is_valid_itself():
    jsonschema.Draft202012Validator.check_schema(editor_schema())


@pytest.mark.parametrize("text", examples.EVERY.values(), ids=examples.EVERY)
def test_good_manifests_fit_the_schema(text):
    jsonschema.Draft202012Validator(editor_schema()).validate(parse_manifest(text).to_wire())


@pytest.mark.parametrize(
    "content",
    [
        {"specVersion": "2.0.0", "integrations": [{"name": "a", "provider": "b"}]},
        {"specVersion": "1.0.0", "integrations": []},
        {"specVersion": "1.0.0", "integrations": [{"name": "a", "provider": "b", "raed": {}}]},
        {"specVersion": "1.0.0", "integrations": [{"name": "a", "provider": "b", "read": None}]},
        {"specVersion": "1.0.0", "integrations": [{"name": "a b", "provider": "b"}]},
    ],
)
def test_bad_manifests_do_not(content):
    assert not jsonschema.Draft202012Validator(editor_schema()).is_valid(content)


def test_every_key_has_a_description_in_the_schema_and_a_row_in_the_reference():
    definitions = editor_schema()["$defs"]
    reference = REFERENCE.read_text()
    keys = {(name, key) for name, part in definitions.items() for key in part.get("properties", {})}
    described = {
        (name, key)
        for name, part in definitions.items()
        for key, value in part.get("properties", {}).items()
        if "description" in value or "description" in definitions.get(value.get("$ref", "").rpartition("/")[2], {})
    }
    assert described == keys
    assert {key for _, key in keys if f"| `{key}` |" not in reference} == set()
