"""What checks of a definition are made of: faults of templates, paths into answers and patterns, each where it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conjunct.connectors.definition_base import Request
from conjunct.connectors.paths import PathSyntaxError, parse_path
from conjunct.connectors.templates import TemplateSyntaxError, compile_template, compile_text

Path = tuple[str | int, ...]

ITEM_VARIABLES = frozenset({"field", "value"})
CONDITIONS = ITEM_VARIABLES | {"condition"}
LONE_MAPPINGS = ("{record}",)
"""Texts that are mappings when they are rendered."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a merged definition, at a path."""

    path: Path
    detail: str


def check_request(
    path: Path, request: Request, variables: frozenset[str], of_items: frozenset[str] = ITEM_VARIABLES
) -> Iterator[Fault]:
    """Faults of a request's templates. `of_items` are the variables that `$each` may bring."""
    if not request.path:
        yield Fault((*path, "path"), "the request needs a path")
    for key in ("path", "query", "headers", "body"):
        yield from check_template((*path, key), getattr(request, key), variables, of_items)
    is_mapping = isinstance(request.body, dict) or request.body in LONE_MAPPINGS
    if request.encode not in (None, "json") and request.body is not None and not is_mapping:
        yield Fault((*path, "body"), "a form is a mapping")


def check_template(
    path: Path, value: Any, variables: frozenset[str], of_items: frozenset[str] = ITEM_VARIABLES
) -> Iterator[Fault]:
    """Faults of a JSON value of templates, each at the text where it is."""
    if isinstance(value, dict) and set(value) == {"$merge"} and isinstance(value["$merge"], list):
        parts = value["$merge"]
        wrong = [index for index, part in enumerate(parts) if not isinstance(part, str | dict)]
        yield from (Fault((*path, "$merge", index), "$merge has a list of mappings") for index in wrong)
        if not wrong:
            yield from check_template((*path, "$merge"), parts, variables, of_items)
        return
    if isinstance(value, dict) and not any(key in value for key in ("$list", "$literal", "$each", "$merge")):
        for key, item in value.items():
            yield from check_template((*path, key), key, variables, of_items)
            yield from check_template((*path, key), item, variables, of_items)
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict) and "$each" in item:
                yield from check_template((*path, index, "$each"), f"{{{item['$each']}}}", variables)
                rest = {key: inner for key, inner in item.items() if key != "$each"}
                yield from check_template((*path, index), rest, variables | of_items, of_items)
            else:
                yield from check_template((*path, index), item, variables, of_items)
        return
    try:
        compiled = compile_text(value) if isinstance(value, str) else compile_template(value)
    except TemplateSyntaxError as error:
        yield Fault(path, str(error))
        return
    for name in sorted(compiled.names - variables):
        yield Fault(path, f"there is no variable '{name}' here")


def check_path(path: Path, text: str | None) -> Iterator[Fault]:
    """The fault of a path into answers, if it has one."""
    if text is None:
        return
    try:
        parse_path(text)
    except PathSyntaxError as error:
        yield Fault(path, str(error))


def check_pattern(path: Path, text: str | None) -> Iterator[Fault]:
    """The fault of a regular expression, if it has one."""
    if text is None:
        return
    try:
        re.compile(text)
    except re.error as error:
        yield Fault(path, f"it is not a regular expression: {error}")


def named_groups(text: str | None) -> frozenset[str]:
    """The names of a regular expression's groups; none where it is not one."""
    try:
        return frozenset(re.compile(text or "").groupindex)
    except re.error:
        return frozenset()


def uses(request: Request, name: str, *, of_items: bool = True) -> bool:
    """Whether a request mentions the variable; without `of_items`, elsewhere than in `$each`.

    A template that cannot be read has its own fault and no second one.
    """
    parts = (request.path or "", request.query, request.headers, request.body)
    try:
        return any(name in compile_template(part if of_items else _without_items(part)).names for part in parts)
    except TemplateSyntaxError:
        return True


def _without_items(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_items(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_items(item) for item in value if not (isinstance(item, dict) and "$each" in item)]
    return value
