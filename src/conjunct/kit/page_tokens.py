"""Page tokens: where a list stopped, as an opaque text that only we can make.

A token holds the sort key of the last row that was returned ("keyset"), so that the next page starts after it whatever
was added meanwhile. It is signed, not encrypted: put no secrets into it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

Position = tuple[str | int | float | bool | None, ...]
"""The sort key of the last row returned, such as `("2026-01-01T00:00:00Z", "0192f0c1-…")`."""

MAX_LENGTH = 2048
"""Characters in the longest token."""

_SIGNATURE_BYTES = 16


def encode(position: Sequence[str | int | float | bool | None], *, key: bytes, scope: str = "") -> str:
    """A URL-safe token for `position`, good only with the same `key` and `scope`.

    `scope` names what is listed (project, filter), so that a token cannot be carried to another list. Raises ValueError
    when the token would be longer than `MAX_LENGTH`.
    """
    payload = json.dumps(list(position), separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    token = base64.urlsafe_b64encode(_sign(payload, key, scope) + payload).rstrip(b"=").decode()
    if len(token) > MAX_LENGTH:
        raise ValueError(f"A page token has at most {MAX_LENGTH} characters, not {len(token)}")
    return token


def decode(token: str, *, keys: Sequence[bytes], scope: str = "") -> Position:
    """The position in a token made by `encode` with any of the keys.

    Raises ValueError when it was not made by us, for this list.
    """
    if not token or len(token) > MAX_LENGTH or not token.isascii():
        raise ValueError("The page token is not valid")
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise ValueError("The page token is not valid") from None
    signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if not any([hmac.compare_digest(signature, _sign(payload, key, scope)) for key in keys]):  # noqa: C419 - all, always
        raise ValueError("The page token is not valid")
    return tuple(json.loads(payload))


def _sign(payload: bytes, key: bytes, scope: str) -> bytes:
    # The scope is hashed to a fixed length, so that no part of it can pass for a part of the payload.
    message = hashlib.sha256(scope.encode()).digest() + payload
    return hmac.new(key, message, hashlib.sha256).digest()[:_SIGNATURE_BYTES]
