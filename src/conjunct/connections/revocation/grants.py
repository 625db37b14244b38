"""A grant to revoke, as it is kept until the provider has been told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from conjunct.connectors.oauth import OAuthClient


def place_of(revocation_id: str) -> str:
    """Where a grant is sealed for."""
    return f"token_revocation:{revocation_id}:grant"


@dataclass(frozen=True, slots=True)
class RevocableGrant:
    """Tokens, the client that they were made for, and the inputs that the provider's addresses are made of."""

    client: OAuthClient | None
    inputs: Mapping[str, str]
    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)

    def to_document(self) -> bytes:
        """The grant as JSON, to be encrypted."""
        client = None if self.client is None else [self.client.client_id, self.client.client_secret]
        return orjson.dumps([client, dict(self.inputs), self.access_token, self.refresh_token])

    @classmethod
    def from_document(cls, document: bytes) -> RevocableGrant:
        """The grant from what `to_document` made."""
        client, inputs, access_token, refresh_token = orjson.loads(document)
        return cls(None if client is None else OAuthClient(*client), inputs, access_token, refresh_token)
