"""A provider's answers as they should not be: recorded ones, each with something wrong in it. Pure but for its dice.

Most of what is drawn changes a little of a body, so that what stands around it is still read.
"""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

BASE = "http://sample.test"

TEXTS = (
    "",
    " ",
    "0",
    "-1",
    "null",
    "false",
    "a\x00b",
    "\x00",
    "\ud800",
    "half \udead of a pair",
    "\u202e\u0085\ufeff",
    "$['a']['b']",
    "a.b.*",
    "{cursor}",
    "x" * 3000,
    "9" * 400,
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-01-31T09:30:00Z",
    "9999-99-99",
    "1e400",
    "https://evil.test/next",
    "//evil.test",
    "http://[::1",
    "\\\\evil.test",
    "?page=2",
    "/next",
    f"{BASE}/next",
)
NUMBERS = (0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**200, -(2**63) - 1, 1.5, -0.0, 1e308, 1e15)
SHAPES: tuple[Any, ...] = (
    [],
    {},
    [None],
    [[]],
    [{}],
    {"": None},
    {"id": None},
    [1, "1", 1.0],
    {"value": {"value": []}},
    {"nodes": None},
)
RAW = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "-1e400",
    "1E+2",
    "0.1e-400",
    "-0",
    "9" * 25,
    "9" * 5000,
    "1.00000000000000000000001",
    "18446744073709551616",
    "01",
    "tru",
    '"\\ud800"',
    '"\\u0000"',
    '"\\x"',
    '"\t"',
)
"""Texts of values that no writer of JSON would write, or only one of its own."""

NAMES = ("", "id", "ID", "$['a']['b']", "a.b", "*", "a\x00b", "\ud800", "__class__", "x" * 300)
DEPTHS = (5, 150, 195, 240)
STATUSES = (201, 202, 204, 206, 207, 301, 302, 304, 400, 401, 403, 404, 408, 409, 410, 412, 418, 422, 429, 451)
FAILURES = (500, 501, 502, 503, 504, 599)
HEADER_VALUES = (
    "",
    "0",
    "-5",
    "nan",
    "inf",
    "1e400",
    "9" * 30,
    "1767225600",
    "Wed, 99 Foo 2026 99:99:99 GMT",
    "Mon, 01 Jan 0001 00:00:00 +9999",
    "Fri, 31 Dec 9999 23:59:59 -1400",
    "<x>; rel=next",
    f'<{BASE}/next>; rel="next"',
    '<https://evil.test/>; rel="next"',
    "caf\xe9",
    "application/json; charset=klingon",
    "text/html",
)
PAGES = (
    b"<!DOCTYPE html><html><body>Please log in</body></html>",
    b"<?xml version='1.0'?><error/>",
    b"",
    b" \n",
    b"null",
    b"{}",
    b"[]",
    b"[{}]",
    b'"ok"',
    b"0",
    b"true",
    b"\xff\xfe\xfd",
    b"[" * 5000,
    b'{"a":' * 300 + b"1" + b"}" * 300,
)
_MARK = "\u0001raw\u0001"


@dataclass(frozen=True, slots=True)
class Told:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def mutated(told: Told, dice: Random, headers: tuple[str, ...]) -> Told:
    """The answer with something wrong in it; `headers` are names that a definition looks for."""
    drawn = dice.random()
    if drawn < 0.80:
        return Told(told.status, told.headers, _body(told.body, dice))
    if drawn < 0.88:
        name = dice.choice(("Retry-After", "Link", "Content-Type", "Location", *headers))
        return Told(told.status, {**told.headers, name: dice.choice(HEADER_VALUES)}, told.body)
    if drawn < 0.95:
        return Told(told.status, told.headers, _bytes(told.body, dice))
    status = dice.choice((*STATUSES, *FAILURES))
    body = dice.choice((told.body, _body(told.body, dice), dice.choice(PAGES)))
    return Told(status, told.headers, b"" if status in (204, 304) else body)


def _body(body: bytes, dice: Random) -> bytes:
    """The body with one to three of its values changed."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return _bytes(body, dice)  # not JSON: a table
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        parsed = _changed(parsed, dice)
    text = json.dumps(parsed)
    while json.dumps(_MARK) in text:
        text = text.replace(json.dumps(_MARK), dice.choice(RAW), 1)
    return (_with_a_key_twice(text, dice) if dice.random() < 0.05 else text).encode()


def _changed(body: Any, dice: Random) -> Any:
    places = list(_places(body))
    if not places:
        return _value(body, dice)
    container, key = dice.choice(places)
    dice.choice(CHANGES)(container, key, dice)
    return body


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Everything in a body, as what it is in and its name or number there."""
    waiting = [value] if isinstance(value, dict | list) else []
    while waiting:
        each = waiting.pop()
        for key, inner in each.items() if isinstance(each, dict) else enumerate(each):
            yield each, key
            if isinstance(inner, dict | list):
                waiting.append(inner)


def _drop(container: Any, key: Any, _dice: Random) -> None:
    del container[key]


def _replace(container: Any, key: Any, dice: Random) -> None:
    container[key] = _value(container[key], dice)


def _empty(container: Any, key: Any, _dice: Random) -> None:
    container[key] = None


def _retype(container: Any, key: Any, _dice: Random) -> None:
    """The same, told in another type."""
    value = container[key]
    if isinstance(value, bool) or value is None:
        container[key] = str(value).lower()
    elif isinstance(value, int | float):
        container[key] = str(value)
    elif isinstance(value, str):
        container[key] = int(value) if value.isdecimal() and len(value) < 400 else [value]
    elif isinstance(value, list):
        container[key] = {str(place): each for place, each in enumerate(value)} if len(value) != 1 else value[0]
    else:
        container[key] = [value]


def _repeat(container: Any, key: Any, dice: Random) -> None:
    """An entry again, or many times; a value under another name."""
    if isinstance(container, list):
        container[key:key] = [copy.deepcopy(container[key]) for _ in range(dice.choice((1, 1, 30)))]
    else:
        container[dice.choice((key.upper(), *NAMES))] = copy.deepcopy(container[key])


def _rename(container: Any, key: Any, dice: Random) -> None:
    if isinstance(container, dict):
        container[dice.choice((key.upper(), *NAMES))] = container.pop(key)
    else:
        container.reverse()


def _among(container: Any, key: Any, dice: Random) -> None:
    """Something else beside it."""
    if isinstance(container, dict):
        container[dice.choice(NAMES)] = _value(None, dice)
    else:
        container.insert(key, _value(container[key], dice))


def _swap(container: Any, key: Any, dice: Random) -> None:
    other = dice.choice(list(container) if isinstance(container, dict) else range(len(container)))
    container[key], container[other] = container[other], container[key]


def _deepen(container: Any, key: Any, dice: Random) -> None:
    value = container[key]
    for _ in range(dice.choice(DEPTHS)):
        value = {"a": value} if dice.random() < 0.5 else [value]
    container[key] = value


CHANGES: tuple[Callable[[Any, Any, Random], None], ...] = (
    _drop,
    _replace,
    _replace,
    _replace,
    _empty,
    _retype,
    _retype,
    _repeat,
    _rename,
    _among,
    _swap,
    _deepen,
)


def _value(like: Any, dice: Random) -> Any:
    drawn = dice.random()
    if drawn < 0.4:
        return dice.choice(TEXTS)
    if drawn < 0.55:
        return dice.choice(NUMBERS)
    if drawn < 0.65:
        return dice.choice((True, False, None))
    if drawn < 0.8:
        return copy.deepcopy(dice.choice(SHAPES))
    if drawn < 0.9:
        return _MARK
    return [like] if dice.random() < 0.5 else {"value": like}


def _with_a_key_twice(text: str, dice: Random) -> str:
    begins = [place for place in range(len(text)) if text.startswith('{"', place)]
    if not begins:
        return text
    place = dice.choice(begins)
    name = text[place + 1 : text.index('"', place + 2) + 1]
    return f"{text[: place + 1]}{name}:{dice.choice(RAW)},{text[place + 1 :]}"


def _bytes(body: bytes, dice: Random) -> bytes:
    """The same in other bytes, half of it, or something else."""
    text = body.decode("utf-8", "replace")
    return dice.choice(
        (
            lambda: body[: dice.randint(0, len(body))],
            lambda: body + body,
            lambda: b"\xef\xbb\xbf" + body,
            lambda: b")]}',\n" + body,
            lambda: text.encode(dice.choice(("utf-16", "utf-16-le", "utf-32", "utf-32-be"))),
            lambda: text.replace("a", "\xe9").encode("latin-1", "replace"),
            lambda: body.replace(b'"', b"'"),
            lambda: body.replace(b"1", b"\x00", 1),
            lambda: gzip.compress(body, mtime=0),
            lambda: dice.choice(PAGES),
        )
    )()
