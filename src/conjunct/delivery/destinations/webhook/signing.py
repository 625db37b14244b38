"""Signatures of webhooks, as Svix and Standard Webhooks define them.

HMAC-SHA256 over `<id>.<seconds since 1970>.<body>`, in Base64 behind `v1,`. While a key is being replaced, there is
one signature for each valid key, separated by blanks: whoever knows one of them can verify.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

PREFIX = "whsec_"
KEY_BYTES = 32
OVERLAP = timedelta(hours=24)
"""How long an old key stays valid beside its successor."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key's bytes, and until when it signs; None is for ever."""

    secret: bytes = field(repr=False)
    valid_until: datetime | None = None

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> SigningKey:
        """The key from its stored form."""
        return cls(b64decode(entry["key"].removeprefix(PREFIX)), _valid_until(entry))

    def is_valid(self, now: datetime) -> bool:
        """Whether it still signs."""
        return self.valid_until is None or now < self.valid_until


def new_signing_key() -> str:
    """A fresh key as people see it: `whsec_` and the Base64 of 32 random bytes."""
    return PREFIX + b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def rotate(entries: Sequence[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Stored keys with a fresh one in front. The one before it ends after 24 hours; those that have ended go."""
    kept = [dict(entry) for entry in entries if SigningKey.parse(entry).is_valid(now)]
    for entry in kept:
        if entry["validUntil"] is None:
            entry["validUntil"] = (now + OVERLAP).isoformat()
    return [{"key": new_signing_key(), "validUntil": None}, *kept]


def signed_headers(message_id: str, body: bytes, now: datetime, keys: Sequence[SigningKey]) -> dict[str, str]:
    """The id, the time and the signatures, under the names of Svix and those of Standard Webhooks."""
    timestamp = str(int(now.timestamp()))
    content = b"%s.%s.%s" % (message_id.encode(), timestamp.encode(), body)
    signature = " ".join(
        "v1," + b64encode(hmac.digest(key.secret, content, "sha256")).decode() for key in keys if key.is_valid(now)
    )
    return {
        "svix-id": message_id,
        "svix-timestamp": timestamp,
        "svix-signature": signature,
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature,
    }


def _valid_until(entry: Mapping[str, Any]) -> datetime | None:
    text = entry["validUntil"]
    return None if text is None else datetime.fromisoformat(text)
