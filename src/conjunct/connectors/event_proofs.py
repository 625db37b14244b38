"""Whether a request with events is the provider's: signatures and tokens, compared in constant time. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from conjunct.connectors.event_definition import Events, Hmac, Timestamp, Token
from conjunct.connectors.events import EventRefused, EventRequest
from conjunct.connectors.formats import read_time
from conjunct.connectors.paths import parse_path

_VARIABLE = re.compile(r"\{(\w+)\}")
_MOST_SIGNATURES = 20


def verify(rule: Events, request: EventRequest, secrets: Sequence[str], now: datetime) -> None:
    """Prove that a request is the provider's, by one of the secrets: while one is replaced there are two.

    Raises `EventRefused`. Where the provider proves nothing (`none`), everything is taken.
    """
    how = rule.verify
    if how.none:
        return
    usable = [secret for secret in secrets if secret]
    if not usable:
        raise EventRefused("there is no secret to check it with")
    if how.hmac is not None:
        _check_signature(how.hmac, request, usable, now)
    elif how.token is not None:
        _check_token(rule, how.token, request, usable)
    else:
        raise EventRefused("nothing says how it is to be checked")


def _check_signature(rule: Hmac, request: EventRequest, secrets: Sequence[str], now: datetime) -> None:
    value = request.header(rule.header)
    if not value:
        raise EventRefused(f"it has no header {rule.header}")
    named = _parts(value)
    given = [each for name, each in named if name == rule.part] if rule.part is not None else [value.strip()]
    given = [each.removeprefix(rule.prefix) for each in given if each.startswith(rule.prefix)]
    timestamp = _timestamp(rule.timestamp, request, named, now) if rule.timestamp is not None else ""
    message = _signed(rule.signed, request, timestamp)
    wanted = [_signature(rule, key, message) for secret in secrets if (key := _key(rule, secret))]
    if rule.encoding == "hex":
        given = [each.lower() for each in given]
    if not _is_among(given[:_MOST_SIGNATURES], wanted):
        raise EventRefused("its signature is not the one that the secret makes")


def _timestamp(rule: Timestamp, request: EventRequest, named: Iterable[tuple[str, str]], now: datetime) -> str:
    """The time of the signature as it is written. Raises `EventRefused` for one that is long ago, or far ahead."""
    if rule.part is not None:
        text: Any = dict(named).get(rule.part)
    elif rule.header is not None:
        text = request.header(rule.header)
    else:
        text = parse_path(rule.at or "").find(request.json())
    moment = read_time(text, rule.format) if text is not None and not isinstance(text, bool) else None
    if moment is None:
        raise EventRefused("it does not tell when it was signed")
    if abs((now - moment).total_seconds()) > rule.fresh_for:
        raise EventRefused(f"it was signed at {moment:%Y-%m-%dT%H:%M:%SZ}, which is not now")
    return str(text)


def _signed(template: str, request: EventRequest, timestamp: str) -> bytes:
    values = {
        "body": request.body,
        "method": request.method.encode(),
        "url": request.url.encode(errors="replace"),
        "timestamp": timestamp.encode(errors="replace"),
    }
    pieces = _VARIABLE.split(template)
    return b"".join(values[piece] if place % 2 else piece.encode() for place, piece in enumerate(pieces))


def _key(rule: Hmac, secret: str) -> bytes:
    """The secret as bytes; nothing where it is not what it should be."""
    try:
        if rule.key == "hex":
            return bytes.fromhex(secret)
        return base64.b64decode(secret, validate=True) if rule.key == "base64" else secret.encode()
    except (ValueError, binascii.Error):
        return b""


def _signature(rule: Hmac, key: bytes, message: bytes) -> str:
    digest = hmac.new(key, message, getattr(hashlib, rule.algorithm))
    return digest.hexdigest() if rule.encoding == "hex" else base64.b64encode(digest.digest()).decode()


def _parts(value: str) -> list[tuple[str, str]]:
    """`t=1,v1=ab` by names."""
    return [(name.strip(), text.strip()) for name, _, text in (part.partition("=") for part in value.split(",")[:100])]


def _check_token(rule: Events, token: Token, request: EventRequest, secrets: Sequence[str]) -> None:
    given = [_decoded(token, each) for each in _tokens(rule, token, request)]
    if not given or not all(_is_among([each], secrets) for each in given):
        raise EventRefused("it does not have the token that it should")


def _tokens(rule: Events, token: Token, request: EventRequest) -> list[str]:
    """The tokens that a request has: one for all, or one in each event."""
    if token.header is not None:
        value = request.header(token.header) or ""
        return [value.removeprefix(token.prefix)] if value.startswith(token.prefix) else []
    if token.query is not None:
        return [request.query.get(token.query, "")]
    path, body = parse_path(token.at or ""), request.json()
    events = parse_path(rule.each).find(body)
    found = [path.find(each) for each in events] if isinstance(events, list) and rule.each else [path.find(body)]
    return [each if isinstance(each, str) else "" for each in found]


def _decoded(token: Token, text: str) -> str:
    """What was given; of HTTP Basic the password."""
    if token.user is None:
        return text
    try:
        user, _, password = base64.b64decode(text.strip().removeprefix("Basic "), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return ""
    return password if user == token.user else ""


def _is_among(given: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether one of them is right; how long it takes tells nothing of how alike they are."""
    found = False
    for one in given:
        for other in wanted:
            is_same = hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))
            found = found or (is_same and bool(other))
    return found
