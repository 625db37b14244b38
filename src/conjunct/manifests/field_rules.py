"""Rules about the fields of a read object: well-formed selectors, and names that do not collide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conjunct.kit import json_path

from .content import dotted, fields, objects, short
from .faults import Fault, Path
from .models import MAX_NAME


def check_fields(integration: dict[str, Any]) -> Iterator[Fault]:
    """Faults of the fields of every read object."""
    for index, read_object in objects(integration, "read"):
        for fault in _check_fields(read_object):
            yield fault.under(("read", "objects", index))


def _check_fields(read_object: dict[str, Any]) -> Iterator[Fault]:
    plain: dict[json_path.Selector, Path] = {}
    mapped: dict[json_path.Selector, Path] = {}
    for path, field in fields(read_object):
        for key in ("fieldName", "mapToName", "default"):
            yield from _check_selector(field.get(key), (*path, key))
        if "mapToName" in field:
            continue
        if (selector := _selector(field.get("fieldName"))) is not None:
            yield from _claim(plain, selector, (*path, "fieldName"), "is listed twice")
    for path, field in fields(read_object):
        selector = _selector(field.get("mapToName"))
        if selector is None:
            continue
        place = (*path, "mapToName")
        yield from _claim(mapped, selector, place, "is mapped twice")
        if selector in plain and field.get("fieldName") != field["mapToName"]:
            other = dotted(plain[selector])
            detail = f"`{short(field['mapToName'])}` is also a field that is read under its own name ({other})"
            yield Fault(place, detail, "Map to another name, or map that field too", field["mapToName"])
    yield from _check_nesting(mapped)


def _claim(
    owners: dict[json_path.Selector, Path], selector: json_path.Selector, path: Path, complaint: str
) -> Iterator[Fault]:
    name = json_path.format_selector(selector)
    if selector in owners:
        detail = f"`{short(name)}` {complaint}; first in {dotted(owners[selector])}"
        yield Fault(path, detail, "Keep one of the two", name)
    else:
        owners[selector] = path


def _check_nesting(mapped: dict[json_path.Selector, Path]) -> Iterator[Fault]:
    """A mapped name cannot be a value and hold another one inside itself."""
    for selector, path in mapped.items():
        for depth in range(1, len(selector)):
            outer = selector[:depth]
            if outer in mapped:
                names = json_path.format_selector(selector), json_path.format_selector(outer)
                detail = f"`{short(names[0])}` lies inside `{short(names[1])}`, which is mapped to a value itself"
                yield Fault(path, detail, "Map one of the two to another name", names[0])


def _check_selector(text: Any, path: Path) -> Iterator[Fault]:
    if isinstance(text, str) and text.strip() and len(text) <= MAX_NAME:
        try:
            json_path.parse_selector(text)
        except ValueError as error:
            yield Fault(path, str(error), "A nested field looks like $['address']['city']", text)


def _selector(text: Any) -> json_path.Selector | None:
    try:
        return json_path.parse_selector(text) if isinstance(text, str) and len(text) <= MAX_NAME else None
    except ValueError:
        return None
