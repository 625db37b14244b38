"""Credentials as they are kept: values in memory, one JSON document at rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from conjunct.connectors.auth import ApiKey, Basic, Bearer, Credentials


@dataclass(frozen=True, slots=True)
class Token:
    """A token with its times, as far as they are known."""

    text: str = field(repr=False)
    issued_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OAuthTokens:
    """What an OAuth grant gave. Without a refresh token, the access token is all there will ever be."""

    access: Token
    refresh: Token | None = None
    scopes: tuple[str, ...] | None = None


StoredCredentials = ApiKey | Basic | OAuthTokens


def place_of(connection_id: str) -> str:
    """Where a connection's credentials are sealed for; elsewhere they do not open."""
    return f"connection:{connection_id}:credentials"


def for_requests(credentials: StoredCredentials) -> Credentials:
    """What requests to the provider are made with."""
    return Bearer(credentials.access.text) if isinstance(credentials, OAuthTokens) else credentials


def access_expiry(credentials: StoredCredentials) -> datetime | None:
    """When the access token ends, if there is one and that is known."""
    return credentials.access.expires_at if isinstance(credentials, OAuthTokens) else None


def to_document(credentials: StoredCredentials) -> bytes:
    """The credentials as JSON, to be encrypted."""
    return orjson.dumps(_document(credentials))


def from_document(document: bytes) -> StoredCredentials:
    """The credentials from what `to_document` made."""
    found = orjson.loads(document)
    if "apiKey" in found:
        return ApiKey(found["apiKey"])
    if "basicAuth" in found:
        return Basic(**found["basicAuth"])
    tokens = found["oauth2AuthorizationCode"]
    refresh, scopes = tokens.get("refreshToken"), tokens.get("scopes")
    return OAuthTokens(
        access=_read_token(tokens["accessToken"]),
        refresh=None if refresh is None else _read_token(refresh),
        scopes=None if scopes is None else tuple(scopes),
    )


def shown(credentials: StoredCredentials, *, refresh_token: bool) -> dict[str, Any]:
    """The keys that they add to a `Connection` on the wire: a user name and a password have none there."""
    document = _document(credentials)
    document.pop("basicAuth", None)
    if not refresh_token and "oauth2AuthorizationCode" in document:
        document["oauth2AuthorizationCode"].pop("refreshToken", None)
    return document


def _document(credentials: StoredCredentials) -> dict[str, Any]:
    if isinstance(credentials, ApiKey):
        return {"apiKey": credentials.key}
    if isinstance(credentials, Basic):
        return {"basicAuth": {"username": credentials.username, "password": credentials.password}}
    tokens: dict[str, Any] = {"accessToken": _token_document(credentials.access)}
    if credentials.refresh is not None:
        tokens["refreshToken"] = _token_document(credentials.refresh)
    if credentials.scopes is not None:
        tokens["scopes"] = list(credentials.scopes)
    return {"oauth2AuthorizationCode": tokens}


def _token_document(token: Token) -> dict[str, str]:
    document = {"token": token.text}
    for name, moment in (("issuedAt", token.issued_at), ("expiresAt", token.expires_at)):
        if moment is not None:
            document[name] = moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return document


def _read_token(document: dict[str, str]) -> Token:
    issued, expires = document.get("issuedAt"), document.get("expiresAt")
    return Token(
        text=document["token"],
        issued_at=None if issued is None else datetime.fromisoformat(issued),
        expires_at=None if expires is None else datetime.fromisoformat(expires),
    )
