"""What became of the records that were written, read from a provider's answer or from an error. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from conjunct.connectors.answers import kind_of_words
from conjunct.connectors.definition import ErrorRules
from conjunct.connectors.errors import ErrorKind, MalformedAnswer, ProviderError, Unreachable, plain
from conjunct.connectors.paths import JsonPath, parse_path
from conjunct.connectors.records import NotARecord, exact_id
from conjunct.connectors.write_definition import Outcome
from conjunct.connectors.write_query import WriteFault, WriteState

Hidden = Callable[[str], str]
"""Takes secrets out of a text."""

_TURNED_AWAY = frozenset(
    {
        ErrorKind.AUTH_INVALID,
        ErrorKind.AUTH_REVOKED,
        ErrorKind.RATE_LIMITED,
        ErrorKind.QUOTA_EXHAUSTED,
        ErrorKind.API_DISABLED,
        ErrorKind.UNREACHABLE,
        ErrorKind.TIMEOUT,
        ErrorKind.FOREIGN_URL,
    }
)
"""Errors that the next record would meet, too."""

_GATEWAYS = frozenset({500, 502, 504, 520, 522, 524})
"""Statuses of those who do not know what became of a request, whatever else they may mean."""

_LONGEST = 500
_IN_PARENTHESES = re.compile(r"[^()]*\((.+)\)")


def state_after(error: ProviderError) -> WriteState:
    """What an error makes of the record that was sent: refused, not looked at (as all that follow), or unknown."""
    if isinstance(error, Unreachable):
        return "unknown" if error.sent else "untried"
    status = error.status or 0
    if isinstance(error, MalformedAnswer) or status in _GATEWAYS or error.kind is ErrorKind.SERVER:
        return "unknown"
    if error.kind in _TURNED_AWAY:
        return "untried"
    return "unknown" if error.kind is ErrorKind.RETRYABLE and status >= 500 else "refused"


def fault_of(error: ProviderError) -> WriteFault:
    """An error as what is said of a record."""
    return WriteFault(error.message, error.code, error.kind)


@dataclass(frozen=True, slots=True)
class OutcomeReader:
    """A compiled `Outcome`: reads an answer about one record, or one result of several."""

    id_at: JsonPath
    record_at: JsonPath | None
    ok_at: JsonPath | None
    errors_at: JsonPath | None
    message_at: JsonPath
    code_at: JsonPath | None
    rules: ErrorRules

    def tells(self, result: Any) -> bool:
        """Whether it is a result at all: something stands where its fate or its id is told."""
        if not isinstance(result, Mapping):
            return False
        paths = (self.ok_at, self.errors_at)
        return self.id(result) is not None or any(path is not None and path.find(result) is not None for path in paths)

    def faults(self, result: Any, status: int, hidden: Hidden) -> tuple[WriteFault, ...]:
        """Why it failed; empty when it did not."""
        errors = self.errors_at.find(result) if self.errors_at is not None else None
        if errors:
            return tuple(self.fault(each, status, hidden) for each in _several(errors, self.message_at))
        if self.ok_at is None or result is None or self.ok_at.find(result) is True:
            return ()
        if _is_true(self.ok_at.find(result)):
            return ()
        return (self.fault(result, status, hidden),)

    def fault(self, error: Any, status: int, hidden: Hidden) -> WriteFault:
        """One error; `message_at` and `code_at` lead into it unless it is a text."""
        found = error if isinstance(error, str) else self.message_at.find(error)
        code = None if self.code_at is None or isinstance(error, str) else self.code_at.find(error)
        message, code = hidden(_words(found, error)), hidden(str(code)) if isinstance(code, str | int) else None
        kind = kind_of_words(self.rules, status, code, message)
        return WriteFault(plain(message), None if code is None else plain(code), kind)

    def id(self, result: Any) -> str | None:
        """The record's id, digit for digit, if it is told."""
        return id_in(self.id_at.find(result))

    def record(self, result: Any) -> Mapping[str, Any] | None:
        """What is told of the record."""
        found = self.record_at.find(result) if self.record_at is not None else None
        return found if isinstance(found, Mapping) else None


def compile_outcome(rule: Outcome, rules: ErrorRules) -> OutcomeReader:
    """A reader of outcomes. Raises `PathSyntaxError`."""

    def compiled(text: str | None) -> JsonPath | None:
        return parse_path(text) if text is not None else None

    return OutcomeReader(
        id_at=parse_path(rule.id_at or ""),
        record_at=compiled(rule.record_at),
        ok_at=compiled(rule.ok_at),
        errors_at=compiled(rule.errors_at),
        message_at=parse_path(rule.message_at),
        code_at=compiled(rule.code_at),
        rules=rules,
    )


def id_in(value: Any) -> str | None:
    """A value as an id, or None when it is none."""
    try:
        return exact_id(value)
    except NotARecord:
        return None


def id_in_header(value: str | None) -> str | None:
    """The id that a header tells: itself, or the last segment of an address (`…/7`, `…/contacts(7)`)."""
    if not value:
        return None
    if "/" not in value:
        return unquote(value)
    last = urlsplit(value).path.rstrip("/").rpartition("/")[2]
    keyed = _IN_PARENTHESES.fullmatch(last)
    return unquote(keyed[1].strip("'") if keyed else last) or None


def _is_true(value: Any) -> bool:
    return bool(value) and value not in ("false", "False", "0")


def _several(errors: Any, message_at: JsonPath) -> list[Any]:
    """The errors one by one: of a list, or of a mapping by fields (`{"email": ["is taken"]}`)."""
    if isinstance(errors, list):
        return errors
    if isinstance(errors, Mapping) and message_at.find(errors) is None:
        return [
            f"{field}: {each if isinstance(each, str) else _words(None, each)}"
            for field, told in errors.items()
            for each in (told if isinstance(told, list) else [told])
        ]
    return [errors]


def _shown(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # nested too deep
        return f"something that is no text but {type(value).__name__}"


def _words(message: Any, error: Any) -> str:
    if isinstance(message, str) and message.strip():
        text = message
    elif message is None and (error is None or isinstance(error, bool) or not error):
        text = "the provider did not do it, and does not say why"
    else:
        text = _shown(error if message is None else message)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
