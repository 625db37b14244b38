"""The values that a request gives for the inputs of a custom scheme."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from conjunct.connections.problems import UnsupportedCredentials
from conjunct.connectors.auth_definition import CustomAuth, CustomInput
from conjunct.connectors.definition import Definition
from conjunct.core.problems import Issue

LONGEST_VALUE = 32_768
"""Characters of a text, or bytes of a list or an object as JSON."""

DEEPEST_VALUE = 4
"""Lists and objects within one another."""


def custom_values(definition: Definition, auth: CustomAuth, given: Mapping[str, Any], *, at: str) -> dict[str, Any]:
    """The values by name, without those that are empty; `at` goes before names in issues.

    Most are texts; lists and objects are taken, too. Raises `UnsupportedCredentials`, an issue for each fault; none
    shows a value.
    """
    elsewhere = inputs_among(definition, auth, given)
    issues = [*_faults(auth, {name: value for name, value in given.items() if name not in elsewhere}, at)]
    if issues:
        faults = "; ".join(f"{issue.name}: {issue.detail}" for issue in issues)
        raise UnsupportedCredentials(
            f"{definition.display} cannot be connected with what is given: {faults}.",
            remedy=f"It asks for: {', '.join(_described(each) for each in auth.inputs) or 'nothing'}.",
            issues=issues,
        )
    return {name: value for name, value in given.items() if name not in elsewhere and not _is_empty(value)}


def inputs_among(definition: Definition, auth: CustomAuth, given: Mapping[str, Any]) -> dict[str, str]:
    """Those of the values that are no secrets but inputs of the provider, as texts: they may stand among the others.

    A list, such as one of scopes, becomes its items with spaces between them.
    """
    secrets = {each.name for each in auth.inputs}
    asked = {each.name for each in definition.inputs if each.source == "customer"} - secrets
    texts = {name: _as_text(value) for name, value in given.items() if name in asked}
    return {name: text for name, text in texts.items() if text is not None}


def _faults(auth: CustomAuth, given: Mapping[str, Any], at: str) -> Iterator[Issue]:
    known = {each.name: each for each in auth.inputs}
    for name in given:
        if name not in known:
            yield Issue(f"{at}.{name[:100]}", "the provider does not ask for it")
    for name, rule in known.items():
        fault = _fault(rule, given.get(name))
        if fault is not None:
            yield Issue(f"{at}.{name}", fault, remedy=rule.hint)


def _fault(rule: CustomInput, value: Any) -> str | None:
    if _is_empty(value):
        return None if rule.optional else "it is needed and not given"
    if rule.choices and value not in [each.value for each in rule.choices]:
        return f"it must be one of: {', '.join(each.value for each in rule.choices)}"
    if isinstance(value, list | dict):
        if _depth(value) > DEEPEST_VALUE:
            return f"it nests deeper than {DEEPEST_VALUE} levels"
        return f"it is larger than {LONGEST_VALUE} bytes" if len(orjson.dumps(value)) > LONGEST_VALUE else None
    return f"it is longer than {LONGEST_VALUE} characters" if len(str(value)) > LONGEST_VALUE else None


def _as_text(value: Any) -> str | None:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = " ".join(value)
    return value if isinstance(value, str) and len(value) <= LONGEST_VALUE else None


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _depth(value: Any) -> int:
    if not isinstance(value, list | dict):
        return 0
    return 1 + max(map(_depth, value.values() if isinstance(value, dict) else value), default=0)


def _described(rule: CustomInput) -> str:
    return f"{rule.name} (optional)" if rule.optional else rule.name
