"""How sessions are found again, and what their secrets are sealed for."""

from __future__ import annotations

import hashlib


def digest_of(secret: str) -> bytes:
    """What is kept of an id or a state for look-up. They have 256 random bits, so that digests tell nothing of them."""
    return hashlib.sha256(secret.encode()).digest()


def values_place(session_digest: bytes) -> str:
    """What a session's values are sealed for."""
    return f"custom_auth_session:{session_digest.hex()}:values"


def link_place(session_digest: bytes) -> str:
    """What the token of a session's link is sealed for."""
    return f"custom_auth_session:{session_digest.hex()}:link"
