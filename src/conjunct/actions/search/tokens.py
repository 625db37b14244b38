"""Tokens of a search's pages: sealed, since they hold the provider's own, and good for the same search alone."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from conjunct.connectors import BadPageToken
from conjunct.core.encryption import DecryptionFailed, Keyring


class SearchTokens:
    """Seals and opens the tokens of one search: an object of an installation, with its conditions."""

    def __init__(
        self, keyring: Keyring, installation_id: str, object_name: str, conditions: Sequence[tuple[str, str, Any]]
    ) -> None:
        asked = orjson.dumps([object_name, *conditions])
        self._keyring = keyring
        self._place = f"search:{installation_id}:{hashlib.sha256(asked).hexdigest()}"

    def seal(self, token: str) -> str:
        """The token for the builder."""
        return base64.urlsafe_b64encode(self._keyring.encrypt(token.encode(), self._place)).decode()

    def open(self, sealed: str) -> str:
        """The provider's token. Raises `BadPageToken` unless this search has sealed it."""
        try:
            return self._keyring.decrypt(base64.urlsafe_b64decode(sealed), self._place).decode()
        except (DecryptionFailed, binascii.Error, ValueError):
            raise BadPageToken(
                "The page token was not made by this search.",
                remedy="Repeat the search as it was, with the nextPageToken of its answer; or leave pageToken out.",
            ) from None
