"""From a `provider.yaml` to a checked `Definition`: every fault at once, each with its line, column and path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from conjunct.connectors.auth_definition import AuthModel
from conjunct.connectors.checks import check_definition
from conjunct.connectors.definition import Definition, DefinitionDocument
from conjunct.connectors.definition_base import Model
from conjunct.connectors.yaml_source import Path, YamlSource, read_yaml
from conjunct.core.problems import Issue, Unprocessable

INHERITED = ("defaults", "objects", "errors", "rate_limit", "events")
"""What a definition has of the one that it extends."""


class InvalidDefinition(Unprocessable):
    """A provider definition has faults; each is an issue."""

    slug = "invalid-provider-definition"
    title = "The provider definition is not valid"


Extended = Callable[[str], str | None]
"""The YAML text of the definition of that name; None where there is none."""


def load_definition(
    text: str, *, source: str = "provider.yaml", extended: Extended | None = None, vetted: bool = False
) -> Definition:
    """The definition in a YAML text. `source` names the file in the problem; `extended` finds what it extends.

    A `vetted` one comes with Conjunct, whose tests have checked it: it is read in a tenth of the time, without looking
    for faults that its schema does not show. Raises `InvalidDefinition`.
    """
    yaml_source = read_yaml(text, vetted=vetted)
    issues = list(yaml_source.issues)
    definition: Definition | None = None
    if not issues:
        definition = _validated(yaml_source, issues, extended)
    if definition is not None and not issues and not vetted:
        found = (
            yaml_source.issue(_written(yaml_source, fault.path), fault.detail) for fault in check_definition(definition)
        )
        # A fault of the defaults is in every object, and written once.
        issues.extend({(issue.name, issue.detail): issue for issue in found}.values())
    if issues or definition is None:
        issues.sort(key=lambda issue: (issue.line or 0, issue.column or 0))
        first = f"line {issues[0].line}: {issues[0].name or 'the text'}: {issues[0].detail}"
        raise InvalidDefinition(f"{source} has {len(issues)} fault(s), the first at {first}", issues=issues)
    return definition


def _validated(source: YamlSource, issues: list[Issue], extended: Extended | None) -> Definition | None:
    data = source.value
    if not isinstance(data, dict):
        issues.append(source.issue((), "a provider definition is a mapping"))
        return None
    try:
        DefinitionDocument.model_validate(_without_inherited_nulls(data))
        return Definition.model_validate(merged(_with_inherited(source, data, issues, extended)))
    except ValidationError as error:
        issues.extend(_issue(source, details) for details in error.errors(include_url=False))
        return None


def _with_inherited(
    source: YamlSource, data: dict[str, Any], issues: list[Issue], extended: Extended | None
) -> dict[str, Any]:
    name = data.get("extends")
    if not isinstance(name, str):
        return data
    text = extended(name) if extended is not None else None
    base = read_yaml(text).value if text is not None else None
    if not isinstance(base, dict) or "extends" in base:
        why = "extends another one itself" if isinstance(base, dict) else "is not there"
        issues.append(source.issue(("extends",), f"the definition '{name}' {why}"))
        return data
    return {**data, **{key: merge(base.get(key), data.get(key) or {}) for key in INHERITED if key in base}}


def merged(data: Mapping[str, Any]) -> dict[str, Any]:
    """The document with each object deep-merged over the defaults."""
    defaults = data.get("defaults") or {}
    rest = {key: value for key, value in data.items() if key not in ("defaults", "objects", "anchors")}
    return {**rest, "objects": {name: merge(defaults, own or {}) for name, own in (data.get("objects") or {}).items()}}


def merge(base: Any, own: Any) -> Any:
    """`own` over `base`: mappings key by key, anything else replaces, null removes.

    A mapping that names another `style` (of paging) replaces: what belongs to one style says nothing of another.
    """
    if not isinstance(own, dict):
        return own
    if not isinstance(base, dict) or ("style" in own and own["style"] != base.get("style")):
        base = {}
    result = {key: value for key, value in base.items() if key not in own}
    for key, value in own.items():
        if value is not None:
            result[key] = merge(base.get(key), value)
    return {key: value for key, value in result.items() if value is not None}


def _without_inherited_nulls(data: Mapping[str, Any]) -> dict[str, Any]:
    document = dict(data)
    if isinstance(document.get("defaults"), dict):
        document["defaults"] = _without_nulls(document["defaults"])
    if isinstance(document.get("objects"), dict):
        document["objects"] = {
            name: _without_nulls(own) if own is not None else {} for name, own in document["objects"].items()
        }
    return document


def _without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(item) for key, item in value.items() if item is not None}


def _written(source: YamlSource, path: Path) -> Path:
    """Where a part of a merged object was written: in the object, or in the defaults."""
    if path[:1] != ("objects",) or path in source.marks:
        return path
    inherited = ("defaults", *path[2:])
    own_depth = len(_known(source, path))
    return inherited if len(_known(source, inherited)) + 1 > own_depth else path


def _known(source: YamlSource, path: Path) -> Path:
    while path and path not in source.marks:
        path = path[:-1]
    return path


def _issue(source: YamlSource, details: ErrorDetails) -> Issue:
    path = _path(source, details)
    value = details.get("input")
    shown = value if isinstance(value, str | int | float | bool) else None
    if details["type"] == "extra_forbidden":
        near = get_close_matches(str(path[-1]), _KEYS, n=1)
        remedy = f"Did you mean '{near[0]}'?" if near else None
        return source.issue(path, f"there is no key '{path[-1]}' here", remedy=remedy)
    if details["type"] == "missing":
        return source.issue(path, f"'{path[-1]}' is missing")
    detail = details["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return source.issue(path, detail, value=shown)


def _path(source: YamlSource, details: ErrorDetails) -> Path:
    """The path of a fault in the text: without the names of union members that pydantic puts in between."""
    path: Path = ()
    *parents, last = details["loc"] or ("",)
    for part in parents:
        if (*path, part) in source.marks:
            path = (*path, part)
    return (*path, last) if details["type"] == "missing" or (*path, last) in source.marks else path


def _keys(base: type[BaseModel]) -> set[str]:
    keys: set[str] = set()
    for model in base.__subclasses__():
        keys |= {info.alias or name for name, info in model.model_fields.items()} | _keys(model)
    return keys


_KEYS = sorted(_keys(Model) | _keys(AuthModel))
