"""Bodies of requests as bytes: JSON of any size of number, and forms with what is nested in brackets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import orjson

from conjunct.connectors.addresses import encode_form
from conjunct.connectors.formats import UnusableValue

Encoding = Literal["json", "form", "brackets"]

MEDIA_TYPES: Mapping[Encoding, str] = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "brackets": "application/x-www-form-urlencoded",
}


def json_body(value: Any) -> bytes:
    """A value as JSON; whole numbers of any size stay exact. Raises `UnusableValue` for what JSON cannot hold."""
    try:
        return orjson.dumps(value)
    except TypeError:
        pass
    try:
        # What orjson does not take: numbers beyond 64 bits, half of a surrogate pair.
        return json.dumps(value, separators=(",", ":"), default=_plain, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise UnusableValue("A value of the record cannot be written as JSON.") from None


def form_body(value: Any, *, indexed: bool) -> bytes:
    """A mapping as a form: `a[b]=1` for what is nested, `a[0][b]=1` for mappings in a list, nothing for null.

    A list of plain values repeats its name (`a=1&a=2`); `indexed`: it counts (`a[0]=1&a[1]=2`). Raises `UnusableValue`.
    """
    if not isinstance(value, Mapping):
        raise UnusableValue("A form is made of a mapping.")
    try:
        return encode_form([pair for name, each in value.items() for pair in _pairs(str(name), each, indexed)]).encode()
    except (UnicodeEncodeError, RecursionError):
        raise UnusableValue("A value of the record cannot be written in a form.") from None


ENCODERS: Mapping[Encoding, Callable[[Any], bytes]] = {
    "json": json_body,
    "form": lambda value: form_body(value, indexed=False),
    "brackets": lambda value: form_body(value, indexed=True),
}


def _pairs(name: str, value: Any, indexed: bool) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _pairs(f"{name}[{key}]", inner, indexed)
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            is_plain = not isinstance(inner, Mapping | list | tuple)
            yield from _pairs(name if is_plain and not indexed else f"{name}[{place}]", inner, indexed)
    else:
        yield name, "" if value is None else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError
