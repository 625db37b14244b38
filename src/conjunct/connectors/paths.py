"""Paths into JSON: where a definition says that something stands in an answer.

Two spellings. Dotted: `paging.next.link`, `errors.0.message` (a number is a position in a list). Bracketed, for names
that hold dots: `$['@odata.nextLink']`. The empty path is the whole value. Where a definition says so, the step `*` is
every entry of a list: `results.*.stages`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from conjunct.kit.json_path import is_nested, parse_selector


class PathSyntaxError(ValueError):
    """The text is not a path."""


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A compiled path; `steps` are names, or positions as digits."""

    steps: tuple[str, ...]

    def find(self, node: Any) -> Any:
        """What stands there, or None when nothing does."""
        steps = self.steps
        if len(steps) == 1 and type(node) is dict:  # the usual path, for every record
            return node.get(steps[0])
        for step in steps:
            if isinstance(node, dict):
                node = node.get(step)
            elif isinstance(node, list) and step.isascii() and step.isdigit():
                position = int(step)
                node = node[position] if position < len(node) else None
            else:
                return None
        return node

    def spread(self, node: Any) -> list[Any]:
        """Everything that stands there: `*` is every entry of a list, and a list at the end is its entries."""
        found = [node]
        for step in self.steps:
            if step == "*":
                found = [entry for each in found if isinstance(each, list) for entry in each]
            else:
                found = [inner for each in found if (inner := JsonPath((step,)).find(each)) is not None]
        return [entry for each in found for entry in (each if isinstance(each, list) else [each])]


def other_path(text: str, other: str) -> JsonPath:
    """A path in which the step `{other}` is the name of another object. Raises `PathSyntaxError`."""
    return JsonPath(tuple(other if step == "{other}" else step for step in parse_path(text).steps))


@lru_cache(maxsize=4096)
def parse_path(text: str) -> JsonPath:
    """Compile a dotted or bracketed path. Raises `PathSyntaxError`."""
    if text == "":
        return JsonPath(())
    if is_nested(text):
        try:
            return JsonPath(parse_selector(text))
        except ValueError as error:
            raise PathSyntaxError(str(error)) from None
    steps = tuple(text.split("."))
    if not all(steps) or text.startswith("$"):
        raise PathSyntaxError(f"'{text}' is not a path; write a.b.0.c, or $['a']['b'] for names that hold dots")
    return JsonPath(steps)
