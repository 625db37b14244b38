"""Field selectors: a plain name (`email`) or a JSONPath in bracket notation (`$['address']['city']`).

Only names in quotes are understood, as RFC 9535 writes them; no indexes, wildcards or filters. A plain name stands for
itself, dots and all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

_SEGMENT = re.compile(
    r"""\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*\]""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "/": "/", "\\": "\\", "'": "'", '"': '"'}

Selector = tuple[str, ...]
"""The names to follow from a record inwards; never empty."""


def is_nested(text: str) -> bool:
    """Whether a selector is written in bracket notation (well-formed or not)."""
    return text.startswith("$[")


def parse_selector(text: str) -> Selector:
    """The names that a selector follows. Raises ValueError with a sentence that says what is malformed.

    >>> parse_selector("email")
    ('email',)
    >>> parse_selector("$['address']['city']")
    ('address', 'city')
    """
    if not text.strip():
        raise ValueError("A field selector must not be empty")
    if text.startswith("$."):
        raise ValueError(f"`{text}` uses dots; write a nested field with brackets, such as $['address']['city']")
    if not is_nested(text):
        return (text,)
    names: list[str] = []
    position = 1
    while position < len(text):
        segment = _SEGMENT.match(text, position)
        if segment is None:
            raise ValueError(f"`{text}` is not valid at character {position + 1}: expected a name such as ['city']")
        quoted = segment[1] if segment[1] is not None else segment[2]
        name = _unescape(quoted, text)
        if not name:
            raise ValueError(f"`{text}` holds an empty name")
        names.append(name)
        position = segment.end()
    return tuple(names)


def format_selector(selector: Selector) -> str:
    """The text of a selector: a plain name where that reads back the same, otherwise bracket notation."""
    if len(selector) == 1 and not selector[0].startswith(("$[", "$.")):
        return selector[0]
    return "$" + "".join("['" + name.replace("\\", "\\\\").replace("'", "\\'") + "']" for name in selector)


def lookup(record: Mapping[str, Any], selector: Selector, default: Any = None, *, ignore_case: bool = False) -> Any:
    """The value that `selector` leads to, or `default` where a name is missing or its parent is no object.

    With `ignore_case` an exact name is preferred, then the first one that differs in case only.
    """
    value: Any = record
    for name in selector:
        if type(value) is not dict and not isinstance(value, Mapping):  # the usual type first: it is quick to tell
            return default
        if name in value:
            value = value[name]
            continue
        key = _find_key(value, name) if ignore_case else None
        if key is None:
            return default
        value = value[key]
    return value


def assign(record: MutableMapping[str, Any], selector: Selector, value: Any) -> None:
    """Set the value that `selector` leads to, making the objects on the way.

    Raises ValueError when something that is not an object already stands on the way.
    """
    for depth, name in enumerate(selector[:-1], start=1):
        inner = record.setdefault(name, {})
        if not isinstance(inner, MutableMapping):
            holder = format_selector(selector[:depth])
            raise ValueError(f"{holder} holds a value, so nothing can be put inside it")  # noqa: TRY004  it is data
        record = inner
    record[selector[-1]] = value


def take(
    record: MutableMapping[str, Any], selector: Selector, default: Any = None, *, ignore_case: bool = False
) -> Any:
    """Take out the value that `selector` leads to, with the objects that held nothing else; `default` if there is none.

    `ignore_case` is as in `lookup`.
    """
    way: list[tuple[MutableMapping[str, Any], str]] = []
    value: Any = record
    for name in selector:
        if not isinstance(value, MutableMapping):
            return default
        key = name if name in value else _find_key(value, name) if ignore_case else None
        if key is None:
            return default
        way.append((value, key))
        value = value[key]
    for depth, (holder, key) in enumerate(reversed(way)):
        if depth and holder[key]:
            break
        del holder[key]
    return value


def _find_key(record: Mapping[str, Any], name: str) -> str | None:
    folded = name.casefold()
    return next((key for key in record if key.casefold() == folded), None)


def _unescape(quoted: str, text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[1] is not None:
            return chr(int(match[1], 16))
        if match[2] not in _ESCAPED:
            raise ValueError(f"`{text}` holds the unknown escape \\{match[2]}")
        return _ESCAPED[match[2]]

    name = _ESCAPE.sub(replace, quoted)
    # JSON writes a character beyond the basic plane as two \u escapes; together they are one character.
    joined = name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if "\ufffd" in joined and "\ufffd" not in name:
        raise ValueError(f"`{text}` holds half a surrogate pair")
    return joined
