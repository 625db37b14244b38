"""Reading what a provider answers: JSON with exact numbers, and errors by what can be done about them. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, Protocol

import orjson

from conjunct.connectors.definition import ErrorRule, ErrorRules, RateLimit
from conjunct.connectors.errors import ERROR_CLASSES, ErrorKind, MalformedAnswer, ProviderError
from conjunct.connectors.formats import read_time
from conjunct.connectors.paths import parse_path

_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19
_MAX_DEPTH = 200
_TOO_DEEP = f"the answer is nested deeper than {_MAX_DEPTH} levels"
_NO_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_NOTHING = object()
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_TAGS = re.compile(r"<[^>]*>")
_MESSAGES = tuple(
    map(
        parse_path,
        (
            "message",
            "error.message",
            "error_description",
            "errors.0.message",
            "errors.0.detail",
            "errors.0",
            "error",
            "detail",
            "title",
            "0.message",
            "description",
            "Message",
            "Detail",
        ),
    )
)
_BY_STATUS = {
    401: ErrorKind.AUTH_INVALID,
    402: ErrorKind.FORBIDDEN,
    403: ErrorKind.FORBIDDEN,
    404: ErrorKind.NOT_FOUND,
    408: ErrorKind.RETRYABLE,
    409: ErrorKind.CONFLICT,
    410: ErrorKind.NOT_FOUND,
    423: ErrorKind.RETRYABLE,
    425: ErrorKind.RETRYABLE,
    429: ErrorKind.RATE_LIMITED,
    501: ErrorKind.BAD_REQUEST,
}
_LONGEST_MESSAGE = 500
_LONGEST_WAIT = 10 * 366 * 86_400.0  # seconds; beyond, a date could not hold it


class Response(Protocol):
    """An HTTP answer. Header names are found in any letter case."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


def read_json(response: Response) -> Any:
    """The parsed body; an empty one is None. Raises `MalformedAnswer`, also for one that nests beyond what is sensible.

    Numbers of any size stay exact: those that do not fit 64 bits become texts of their digits. Halves of characters,
    which JSON can write and nobody can keep, become U+FFFD.
    """
    body = response.body
    if not body.strip():
        return None
    try:
        return _exact_json(body)
    except orjson.JSONDecodeError as error:
        for name in _encodings(response):
            try:
                return _exact_json(body.decode(name).lstrip("\ufeff").encode())
            except (LookupError, ValueError):
                continue
        raise MalformedAnswer(_not_json(response, error), status=response.status) from None


def _encodings(response: Response) -> Iterator[str]:
    """What a text may be written in that is not plain UTF-8: what its first bytes tell, then what its header says."""
    yield json.detect_encoding(response.body).removesuffix("-sig").replace("utf-8", "utf-8-sig")
    charset = _CHARSET.search(response.headers.get("Content-Type", ""))
    if charset is not None:
        yield charset[1]


def _exact_json(body: bytes) -> Any:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = _parse_all(body)
        if found is _NOTHING:
            raise
        return found
    _refuse_deep(body, parsed)
    # Nineteen digits in a row may be a number that does not fit 64 bits, which orjson rounds.
    return _parse_all(body) if _LONG_NUMBER in body.translate(_ZEROS) else parsed


def _refuse_deep(body: bytes, parsed: Any) -> None:
    if _may_be_deep(body) and _is_deep(parsed):
        raise MalformedAnswer(_TOO_DEEP)


def _may_be_deep(body: bytes) -> bool:
    """Whether it can nest too deep, told by its brackets alone; those within texts count, too.

    Writing JSON, and all that walks through it, has a limit of depth; this costs a fifth of parsing.
    """
    brackets = body.translate(None, _NO_BRACKETS)
    for depth in range(0, _MAX_DEPTH, 2):
        if len(brackets) + depth <= _MAX_DEPTH:
            return False
        # Takes away two levels at most: what is empty, and what becomes empty by it.
        outer = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if len(outer) == len(brackets):
            return True
        brackets = outer
    return True


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return any(isinstance(each, dict | list) for each in level)


def _parse_all(body: bytes) -> Any:
    """As orjson parses, and numbers and texts that it refuses; `_NOTHING` for what is not JSON."""
    try:
        parsed = json.loads(
            body.decode(), parse_int=exact_number, parse_float=finite_number, parse_constant=_no_constant
        )
    except RecursionError:
        raise MalformedAnswer(_TOO_DEEP) from None
    except ValueError:
        return _NOTHING
    _refuse_deep(body, parsed)
    return _in_whole_characters(parsed) if _HALF.search(body) else parsed


def exact_number(digits: str) -> int | str:
    """A whole number; the text of its digits where it does not fit 64 bits."""
    if len(digits) > 20:
        return digits
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else digits


def finite_number(digits: str) -> float | str:
    """A number with a fraction; its text where it is too large to be one."""
    number = float(digits)
    return number if math.isfinite(number) else digits


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _in_whole_characters(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_in_whole_characters(each) for each in value]
    if isinstance(value, dict):
        return {_in_whole_characters(name): _in_whole_characters(each) for name, each in value.items()}
    return value


def _not_json(response: Response, error: orjson.JSONDecodeError) -> str:
    start = response.body[:200].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "the provider answered with a web page instead of JSON"
    if error.pos >= len(response.body.rstrip()):
        return f"the answer ends in the middle, after {len(response.body)} bytes"
    return f"the answer is not JSON: {error.msg} at character {error.pos}"


Tells = Callable[[int, Any], bool]
"""Whether an answer that means an error, by its status and parsed body, tells what is to be read all the same."""


def raise_for_error(
    response: Response, rules: ErrorRules, limits: RateLimit, now: datetime, tells: Tells | None = None
) -> Any:
    """The parsed body of a success, or of what `tells`. Raises the `ProviderError` that the answer means otherwise."""
    if 200 <= response.status < 300:
        body = read_json(response)
        if not _fails(body, rules):
            return body
    else:
        body = _any_body(response)
    if tells is not None and tells(response.status, body):
        return body
    raise classify(response, body, rules, limits, now)


def classify(response: Response, body: Any, rules: ErrorRules, limits: RateLimit, now: datetime) -> ProviderError:
    """The error that an answer means: by the definition's rules, then by its status."""
    code = _text_at(rules.code_at, body)
    message = _message(response, body, rules)
    rule = _rule(rules, response.status, code, message)
    kind = rule.kind if rule is not None else kind_of_status(response.status)
    wait = retry_after(response.headers, limits, now)
    if wait is None and rule is not None:
        wait = rule.retry_in
    return ERROR_CLASSES[kind](message, status=response.status, code=code, retry_after=wait)


def kind_of_words(rules: ErrorRules, status: int, code: str | None, message: str) -> ErrorKind:
    """What an error within an answer of success means: by the definition's rules, else a bad request."""
    rule = _rule(rules, status, code, message)
    return rule.kind if rule is not None else ErrorKind.BAD_REQUEST


def kind_of_status(status: int) -> ErrorKind:
    """What a status means by itself."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return ErrorKind.SERVER if status >= 500 else ErrorKind.BAD_REQUEST


def retry_after(headers: Mapping[str, str], limits: RateLimit, now: datetime) -> float | None:
    """Seconds to wait by the headers: `Retry-After` (seconds or a date), else the end of a window that is used up."""
    given = headers.get(limits.retry_after) or headers.get("Retry-After")
    if given:
        return _seconds_until(given, now)
    if limits.remaining is not None and headers.get(limits.remaining, "0").strip() != "0":
        return None
    return until_reset(headers, limits, now)


def until_reset(headers: Mapping[str, str], limits: RateLimit, now: datetime) -> float | None:
    """Seconds until the window of a provider's limit ends, where it tells."""
    text = headers.get(limits.reset, "") if limits.reset is not None else ""
    if not text:
        return None
    if limits.reset_format == "seconds":
        return _seconds_until(text, now)
    moment = read_time(text, limits.reset_format)
    return _sensible((moment - now).total_seconds()) if moment is not None else None


def _seconds_until(text: str, now: datetime) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        pass
    else:
        return _sensible(seconds) if not math.isnan(seconds) else None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return _sensible((aware - now).total_seconds())


def _sensible(wait: float) -> float:
    return min(max(0.0, wait), _LONGEST_WAIT)


def _fails(body: Any, rules: ErrorRules) -> bool:
    if rules.fail_if is not None and parse_path(rules.fail_if).find(body):
        return True
    return rules.fail_unless is not None and not parse_path(rules.fail_unless).find(body)


def _any_body(response: Response) -> Any:
    try:
        return read_json(response)
    except MalformedAnswer:
        return None


def _rule(rules: ErrorRules, status: int, code: str | None, message: str) -> ErrorRule | None:
    return next((rule for rule in rules.rules if _matches(rule, status, code, message)), None)


def _matches(rule: ErrorRule, status: int, code: str | None, message: str) -> bool:
    if rule.status is not None and status not in _listed(rule.status):
        return False
    if rule.code is not None and code not in _listed(rule.code):
        return False
    return rule.match is None or rule.match.lower() in message.lower()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text_at(path: str | None, body: Any) -> str | None:
    value = parse_path(path).find(body) if path is not None else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _words_by_field(body: Any) -> str | None:
    """What stands in `errors` as one text, or as texts by field: `{"email": ["is taken"]}`."""
    errors = body.get("errors") if isinstance(body, dict) else None
    if isinstance(errors, str):
        return errors
    texts = errors.items() if isinstance(errors, dict) else ()
    each = ((field, text[0] if isinstance(text, list) and text else text) for field, text in texts)
    return "; ".join(f"{field}: {text}" for field, text in each if isinstance(text, str)) or None


def _message(response: Response, body: Any, rules: ErrorRules) -> str:
    own = _text_at(rules.message_at, body)
    if own is None or not own.strip():
        own = next((text for path in _MESSAGES if isinstance(text := path.find(body), str) and text.strip()), None)
    found = own or _words_by_field(body)
    if found is None and 300 <= response.status < 400:
        found = "the provider sends us elsewhere; is the base URL right?"
    if found is None and body is None:
        found = " ".join(_TAGS.sub(" ", response.body[:4000].decode("utf-8", "replace")).split())
    found = found or f"the provider answered {response.status} without a message"
    return found if len(found) <= _LONGEST_MESSAGE else found[: _LONGEST_MESSAGE - 1] + "…"
