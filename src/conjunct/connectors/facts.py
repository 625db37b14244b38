"""Facts about a customer's account in what a provider says: short texts, found by path, perhaps cut out of more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from conjunct.connectors.auth_definition import TokenFact
from conjunct.connectors.paths import parse_path

_LONGEST = 2000


def facts_in(rules: Mapping[str, str | TokenFact], body: Any) -> dict[str, str]:
    """The facts by name; those that are not there, or are no short text or number, are left out."""
    found = {
        name: _fact(rule if isinstance(rule, TokenFact) else TokenFact(at=rule), body) for name, rule in rules.items()
    }
    return {name: value for name, value in found.items() if value is not None}


def text_at(path: str | None, body: Any) -> str | None:
    """The short text or number at a path as a text, or None."""
    value = parse_path(path).find(body) if path is not None else None
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if 0 < len(text) <= _LONGEST and text.isprintable() else None


def _fact(rule: TokenFact, body: Any) -> str | None:
    text = text_at(rule.at, body)
    if text is None or rule.capture is None:
        return text
    found = re.search(rule.capture, text)
    if found is None:
        return None
    named = found.groupdict()
    return named.get("result") or (found[1] if found.re.groups else found[0])
