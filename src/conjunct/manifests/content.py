"""Access to plain data whose structure may be wrong: what is not as it should be is passed over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .faults import Path


def at(value: Any, *keys: str) -> Any:
    """The value under nested keys; None where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def mappings(value: Any, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The mappings in the list under `key`, with their positions; nothing where there is no list."""
    items = at(value, key)
    for index, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict):
            yield index, item


def objects(integration: dict[str, Any], action: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of an action of an integration, with their positions."""
    return mappings(integration.get(action), "objects")


def fields(read_object: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The fields of a read object, required ones first, with where they stand in it."""
    for key in ("requiredFields", "optionalFields"):
        for number, field in mappings(read_object, key):
            yield (key, number), field


def dotted(path: Path) -> str:
    """A path as issues name it."""
    return ".".join(str(part) for part in path)


def short(text: str) -> str:
    """A text of the author, no longer than is good to read."""
    return text if len(text) <= 100 else text[:99] + "…"
