"""Secrets hidden from what a provider says."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

import orjson

HIDDEN = "[secret]"
_CUT = "…"
_WORD = 3
"""Secrets of so many characters at most are hidden as words only: they stand within others by chance."""

_LEAST_PART, _SURE_PART = 6, 16
_LEAST_END = 4
_WORTH_ENCODING = 6
_BYTES_BEFORE = (0, 1, 2)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, however they are written there, and without longer parts of them.

    A part is half of a secret, or 16 characters of one, or its beginning (4 characters) where the text is cut off.
    """
    low = _lower(text)
    hidden = bytearray(len(text))
    for secret in set(secrets):
        if 0 < len(secret) <= _WORD:
            _hide_words(low, _lower(secret), hidden)
        elif secret:
            for form in set(map(_lower, _forms(secret))):
                _hide(low, form, hidden)
    if not any(hidden):
        return text
    shown = "".join("\0" if is_hidden else each for each, is_hidden in zip(text, hidden, strict=True))
    return re.sub("\0+", HIDDEN, shown)


def texts_in(value: Any) -> Iterator[str]:
    """All texts within a JSON value; numbers as texts, too, for a customer's secret may be one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from texts_in(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def _forms(secret: str) -> Iterator[str]:
    """All ways in which an answer may repeat a secret: as it is, as forms, JSON and HTML write it, encoded."""
    yield from (secret, quote(secret, safe=""), quote_plus(secret), orjson.dumps(secret).decode()[1:-1], escape(secret))
    if len(secret) < _WORTH_ENCODING:
        return
    content = secret.encode()
    yield content.hex()
    for before in _BYTES_BEFORE:
        # What is the same whatever stands before and after it, as a user name before a password.
        encoded = base64.b64encode(b"\0" * before + content).decode()
        bare = encoded.rstrip("=")
        whole = bare[(before * 8 + 5) // 6 : len(bare) - (bare != encoded)]
        yield from (whole, whole.replace("+", "-").replace("/", "_"))


def _hide(text: str, form: str, hidden: bytearray) -> None:
    """Mark what is the form, a part of it, or its beginning at the end of the text."""
    at = text.find(form)
    while at >= 0:
        _mark(hidden, at, len(form))
        at = text.find(form, at + 1)
    part = max(_LEAST_PART, min(_SURE_PART, len(form) // 2))
    if part < len(form):
        for at in range(len(text) - part + 1):
            if text[at : at + part] in form:
                _mark(hidden, at, part)
    kept = len(text.removesuffix(_CUT))
    for length in range(min(len(form) - 1, kept), _LEAST_END - 1, -1):
        if text.startswith(form[:length], kept - length):
            _mark(hidden, kept - length, length)
            break


def _hide_words(text: str, word: str, hidden: bytearray) -> None:
    for found in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text):
        _mark(hidden, found.start(), len(word))


def _mark(hidden: bytearray, at: int, length: int) -> None:
    hidden[at : at + length] = b"\1" * length


def _lower(text: str) -> str:
    """The text in lower case, each character in its place: what is encoded is written in either case."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(low if len(low := each.lower()) == 1 else each for each in text)
