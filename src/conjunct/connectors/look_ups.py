"""What a definition's `after_connect` finds in the provider's answers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conjunct.connectors.definition import LookUp
from conjunct.connectors.facts import facts_in
from conjunct.connectors.oauth.parameters import rendered
from conjunct.connectors.paths import parse_path


def looked_up(rule: LookUp, body: Any, inputs: Mapping[str, str]) -> dict[str, str]:
    """The facts by name that an answer holds; those that it does not hold are left out."""
    return facts_in(rule.take, body if rule.list_ is None else _entry(rule, rule.list_, body, inputs))


def _entry(rule: LookUp, list_at: str, body: Any, inputs: Mapping[str, str]) -> Any:
    """The entry of the list that has all that is wanted, in any letter case."""
    wanted = rendered(rule.match, inputs)
    if len(wanted) < len(rule.match):
        return None
    entries = parse_path(list_at).find(body)
    for entry in entries if isinstance(entries, list) else ():
        if all(_shown(parse_path(path).find(entry)) == text.casefold() for path, text in wanted.items()):
            return entry
    return None


def _shown(value: Any) -> str:
    return str(value).casefold() if isinstance(value, str | int | bool) else ""
