"""The published facts about providers: `provider-catalog.json` in the shared folder beside the checkout.

Without it the tests that walk it show up as skipped, saying so.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_SHARED = Path(os.environ.get("CONJUNCT_SHARED_DIR") or Path(__file__).parents[3] / "shared")
_VARIABLE = re.compile(r"\{\{\s*\.\s*(\w+)\s*\}\}")


@cache
def _facts() -> dict[str, Any] | None:
    file = _SHARED / "facts" / "provider-catalog.json"
    return json.loads(file.read_text())["catalog"] if file.is_file() else None


def provider_facts() -> dict[str, Any]:
    """Every provider's facts by its name; skips the test, loudly, where they are absent."""
    facts = _facts()
    if facts is None:
        pytest.skip(f"NOT CHECKED AGAINST THE CATALOG'S FACTS: there are none in {_SHARED / 'facts'}")
    return facts


def filled(template: str, values: Mapping[str, str]) -> str:
    """A template of the facts, `https://{{.workspace}}.example.com`, with these values."""
    return _VARIABLE.sub(lambda found: values[found[1]], template)


def plainly(value: Any) -> Any:
    """The value as a comparison wants it: templates and spaces written in one way, and nothing that says nothing."""
    if isinstance(value, str):
        return " ".join(_VARIABLE.sub(r"{{.\1}}", value).split())
    if isinstance(value, list):
        return [plainly(item) for item in value]
    if isinstance(value, dict):
        plain = {key: sorted(item) if key == "moduleDependencies" else plainly(item) for key, item in value.items()}
        return {key: item for key, item in plain.items() if item not in (None, "", [], {})}
    return value


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf of a JSON value by its path; entries of lists that have names stand under these."""
    if isinstance(value, dict):
        pairs = [(key, item) for key, item in value.items()]
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        pairs = [(item["name"], item) for item in value]
    else:
        return {path: value}
    return {leaf: found for key, item in pairs for leaf, found in flat(item, f"{path}.{key}".lstrip(".")).items()}
