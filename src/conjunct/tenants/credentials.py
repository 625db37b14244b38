"""API keys and builders' tokens: random texts with a visible prefix, of which a digest is kept for look-up."""

from __future__ import annotations

import hashlib
import secrets

KEY_PREFIX = "cj_"
BUILDER_TOKEN_PREFIX = "cjb_"  # noqa: S105 - a prefix, not a secret
_SHOWN_CHARACTERS = 10


def new_api_key() -> str:
    """A fresh API key: a visible prefix and 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def new_builder_token() -> str:
    """A fresh token of a builder: a visible prefix and 256 random bits."""
    return BUILDER_TOKEN_PREFIX + secrets.token_urlsafe(32)


def digest_of(credential: str) -> bytes:
    """What is kept of a credential for look-up. It is random, so that a plain SHA-256 cannot be guessed back."""
    return hashlib.sha256(credential.encode()).digest()


def shown_prefix(credential: str) -> str:
    """The first characters of a credential, by which people tell it from others."""
    return credential[:_SHOWN_CHARACTERS]
