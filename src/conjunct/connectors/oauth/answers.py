"""What token endpoints answer: tokens in many shapes, and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from conjunct.connectors.answers import Response, classify, read_json
from conjunct.connectors.auth_definition import FromToken
from conjunct.connectors.definition import Definition
from conjunct.connectors.errors import AuthRevoked, BadRequest, MalformedAnswer, ProviderError
from conjunct.connectors.facts import facts_in, text_at
from conjunct.connectors.formats import read_time
from conjunct.connectors.oauth.requests import FORM, TokenRequest
from conjunct.connectors.paths import parse_path

LONGEST_TOKEN = 32_768
_LONGEST_LIFE = 100 * 366 * 24 * 3600
_YEAR_5000 = 95_617_584_000


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """What a token endpoint gave. `expires_in` is in seconds; without it nothing is known of the token's end.

    `scopes`, `workspace`, `consumer` and `facts` are as the provider tells them, None or absent where it does not.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in: int | None = None
    scopes: tuple[str, ...] | None = None
    workspace: str | None = None
    consumer: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def read_tokens(definition: Definition, request: TokenRequest, response: Response, now: datetime) -> IssuedTokens:
    """The tokens in an answer.

    Raises a `ProviderError` without secrets in its words: `AuthRevoked` where the grant is gone, `MalformedAnswer` for
    what is no token answer, otherwise by the definition's rules and the status.
    """
    try:
        return _read(request, _successful(definition, request.answer, response, now), now)
    except ProviderError as error:
        error.hide(request.secrets)
        error.message = request.redacted(error.message)
        error.args = (error.message,)
        raise


def _successful(definition: Definition, answer: FromToken, response: Response, now: datetime) -> dict[str, Any]:
    """The document of a success. Raises the `ProviderError` that the answer means otherwise."""
    good = 200 <= response.status < 300
    try:
        body = _document(response)
    except MalformedAnswer:
        if good:
            raise
        body = None
    told = body if isinstance(body, dict) else {}
    if told.get("error") == "invalid_grant":
        raise AuthRevoked(_words(told), status=response.status, code="invalid_grant")
    if not good:
        error = classify(response, body, definition.errors, definition.rate_limit, now)
        if isinstance(told.get("error"), str):
            error.code = told["error"][:100]
        raise error
    if parse_path(answer.access_token).find(body) is None and isinstance(told.get("error"), str):
        error = classify(response, body, definition.errors, definition.rate_limit, now)
        if not isinstance(error, BadRequest):
            raise error
        raise BadRequest(_words(told), status=response.status, code=told["error"][:100])
    if not isinstance(body, dict):
        raise MalformedAnswer("the provider's answer holds no tokens", status=response.status)
    return body


def _document(response: Response) -> Any:
    if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() == FORM:
        return dict(parse_qsl(response.body.decode("utf-8", "replace")))
    try:
        return read_json(response)
    except MalformedAnswer:
        # Some say text/plain or text/html of a form.
        pairs = dict(parse_qsl(response.body[: 2 * LONGEST_TOKEN].decode("utf-8", "replace")))
        if "access_token" in pairs or "error" in pairs:
            return pairs
        raise


def _words(body: Mapping[str, Any]) -> str:
    text = body.get("error_description")
    return str(text if isinstance(text, str) and text else body["error"])[:500]


def _read(request: TokenRequest, body: Mapping[str, Any], now: datetime) -> IssuedTokens:
    at = request.answer
    access = _token(parse_path(at.access_token).find(body))
    if access is None:
        raise MalformedAnswer("the provider's answer holds no access token that can be used")
    return IssuedTokens(
        access_token=access,
        refresh_token=_token(parse_path(at.refresh_token).find(body)),
        expires_in=_lifetime(request, body, now),
        scopes=_scopes(parse_path(at.scopes or "scope").find(body), request.scope_separator),
        workspace=text_at(at.workspace, body),
        consumer=text_at(at.consumer, body),
        facts=facts_in(at.facts, body),
    )


def _token(value: Any) -> str | None:
    """A token that can stand in a header."""
    fits = isinstance(value, str) and 0 < len(value) <= LONGEST_TOKEN and value.isascii() and value.isprintable()
    return value if fits else None


def _lifetime(request: TokenRequest, body: Any, now: datetime) -> int | None:
    seconds = _seconds(parse_path(request.answer.expires_in).find(body))
    if seconds is None and request.answer.expires_at is not None:
        moment = _moment(parse_path(request.answer.expires_at).find(body))
        seconds = None if moment is None else max(0, int((moment - now).total_seconds()))
    return request.lifetime if seconds is None else seconds


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return read_time(value, "unix_ms" if value > _YEAR_5000 else "unix")
    moment = read_time(value, "rfc3339")
    return moment if moment is not None and moment.tzinfo is not None else None


def _seconds(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST_LIFE:
        return None
    return int(value)


def _scopes(value: Any, separator: str) -> tuple[str, ...] | None:
    if isinstance(value, str):
        value = value.replace(separator, " ").split()
    if not isinstance(value, list):
        return None
    return tuple(each for each in value if isinstance(each, str) and each)[:1000] or None
