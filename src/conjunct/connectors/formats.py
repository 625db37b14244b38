"""Times and quotations as providers want them: the pipes of a template, and reading times back.

Every function is pure. Those that refuse a value raise `UnusableValue`, which says whose value it was.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from conjunct.core.problems import InvalidRequest

TimeStyle = Literal["rfc3339", "rfc3339ms", "unix", "unix_ms", "date", "datetime"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")


class Verbatim(str):
    """A text that the definition's author wrote, which pipes for names let pass as it is."""

    __slots__ = ()


class UnusableValue(InvalidRequest):
    """A value cannot stand where the provider's definition would put it."""

    slug = "unusable-value"
    title = "A value cannot be sent to the provider"


def _utc(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    raise UnusableValue(f"{value!r} is not a point in time")


def rfc3339(value: Any) -> str:
    """`2026-01-31T09:30:00Z`"""
    return _utc(value).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339ms(value: Any) -> str:
    """`2026-01-31T09:30:00.250Z`"""
    moment = _utc(value)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def unix(value: Any) -> int:
    """Whole seconds since 1970."""
    return int(_utc(value).timestamp() // 1)


def unix_ms(value: Any) -> int:
    """Whole milliseconds since 1970."""
    moment = _utc(value)
    return int(moment.replace(microsecond=0).timestamp()) * 1000 + moment.microsecond // 1000


def day(value: Any) -> str:
    """`2026-01-31`"""
    return _utc(value).strftime("%Y-%m-%d")


def spaced(value: Any) -> str:
    """`2026-01-31 09:30:00`"""
    return _utc(value).strftime("%Y-%m-%d %H:%M:%S")


def _earlier(value: Any) -> datetime:
    """A second earlier: for providers whose bounds leave out the moment that they name."""
    return _moved(value, timedelta(seconds=-1))


def _later(value: Any) -> datetime:
    """A second later."""
    return _moved(value, timedelta(seconds=1))


def _moved(value: Any, step: timedelta) -> datetime:
    try:
        return _utc(value) + step
    except OverflowError:
        raise UnusableValue(f"there is no time {'before' if step < timedelta(0) else 'after'} {value}") from None


TIMES: dict[str, Callable[[Any], str | int]] = {
    "rfc3339": rfc3339,
    "rfc3339ms": rfc3339ms,
    "unix": unix,
    "unix_ms": unix_ms,
    "date": day,
    "datetime": spaced,
}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _last_segment(value: Any) -> str:
    """Of an address, for providers whose ids are addresses."""
    return _text(value).rstrip("/").rpartition("/")[2]


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _integer(value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or (isinstance(value, float) and number != value):
        raise UnusableValue(f"{value!r} is not a whole number")
    return number


def _name(value: Any) -> str:
    text = _text(value)
    if isinstance(value, Verbatim):
        return text
    if _NAME.fullmatch(text) is None:
        raise UnusableValue(
            f"{text!r} is not a name of an object or field",
            remedy="Names have letters, digits, underscores, hyphens and dots, and begin with a letter.",
        )
    return text


def _each(quote: Callable[[Any], str]) -> Callable[[Any], str]:
    """Lists are quoted entry by entry, with commas between."""
    return lambda value: ",".join(map(quote, value)) if isinstance(value, list | tuple) else quote(value)


def _soql(value: Any) -> str:
    if isinstance(value, Verbatim | bool | int | float):
        return _text(value)
    escaped = _text(value).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def _soql_like(value: Any) -> str:
    """A pattern of SOQL's LIKE for texts that have this one in them, whatever it has of the pattern's own signs."""
    escaped = _soql(_text(value))[1:-1].replace("%", "\\%").replace("_", "\\_")
    return f"'%{escaped}%'"


def _odata(value: Any) -> str:
    if isinstance(value, bool | int | float):
        return _text(value)
    return "'" + _text(value).replace("'", "''") + "'"


def _double_quoted(value: Any) -> str:
    return '"' + _text(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r") + '"'


PIPES: dict[str, Callable[[Any], Any]] = {
    **TIMES,
    "earlier": _earlier,
    "later": _later,
    "text": _text,
    "int": _integer,
    "next": lambda value: _integer(value) + 1,
    "last": _last_segment,
    "csv": lambda value: ",".join(map(_text, _items(value))),
    "name": _name,
    "names": lambda value: ",".join(map(_name, _items(value))),
    "lower": lambda value: _text(value).lower(),
    "upper": lambda value: _text(value).upper(),
    "soql": _each(_soql),
    "soql_like": _soql_like,
    "odata": _each(_odata),
    "quoted": _each(_double_quoted),
    "json": lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    "base64": lambda value: base64.b64encode(_text(value).encode()).decode(),
}
"""The pipes of a template: `{since|unix}`, `{fields|csv}`, `{value|soql}`."""


def read_time(value: Any, style: TimeStyle) -> datetime | None:
    """A provider's time as an aware datetime, or None when it cannot be read as one."""
    try:
        if style in ("unix", "unix_ms"):
            seconds = float(value) / (1000 if style == "unix_ms" else 1)
            return datetime.fromtimestamp(seconds, UTC)
        if style == "date":
            parsed = date.fromisoformat(value[:10])
            return datetime(parsed.year, parsed.month, parsed.day, tzinfo=UTC)
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
