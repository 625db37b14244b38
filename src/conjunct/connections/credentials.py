"""Credentials as they are kept: values in memory, one JSON document at rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from conjunct.connectors.auth import ApiKey, Basic, Bearer, Credentials, CustomSecrets
from conjunct.connectors.auth_definition import Auth, CustomAuth
from conjunct.connectors.oauth import Login, OAuthClient, exchanged_values
from conjunct.connectors.redaction import texts_in


@dataclass(frozen=True, slots=True)
class Token:
    """A token with its times, as far as they are known."""

    text: str = field(repr=False)
    issued_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OAuthTokens:
    """What an OAuth grant gave. Without a refresh token and a client of the customer's own, it is all there will be.

    `client` is the customer's own OAuth client, of the client credentials and the password grants; `login` is the user
    of the latter.
    """

    access: Token
    refresh: Token | None = None
    scopes: tuple[str, ...] | None = None
    client: OAuthClient | None = None
    login: Login | None = None


@dataclass(frozen=True, slots=True)
class CustomCredentials:
    """The values of a custom scheme, by name, and the access token that was bought for them, if it has one."""

    values: Mapping[str, Any] = field(repr=False)
    access: Token | None = None


@dataclass(frozen=True, slots=True)
class Unbought:
    """A client of the customer's own, with a user for the password grant, for which no access token is bought yet."""

    client: OAuthClient
    login: Login | None = None
    scopes: tuple[str, ...] | None = None


StoredCredentials = ApiKey | Basic | OAuthTokens | CustomCredentials

_CODE, _CLIENT, _PASSWORD = "oauth2AuthorizationCode", "oauth2ClientCredentials", "oauth2PasswordCredentials"


def place_of(connection_id: str) -> str:
    """Where a connection's credentials are sealed for; elsewhere they do not open."""
    return f"connection:{connection_id}:credentials"


def for_requests(auth: Auth, credentials: StoredCredentials) -> Credentials:
    """What requests to the provider are made with. Raises `UnusableCredentials`."""
    if isinstance(credentials, OAuthTokens):
        return Bearer(credentials.access.text)
    if isinstance(credentials, CustomCredentials):
        bought = None if credentials.access is None else credentials.access.text
        known = exchanged_values(auth, credentials.values, bought) if isinstance(auth, CustomAuth) else {}
        return CustomSecrets(known)
    return credentials


def access_token(credentials: StoredCredentials) -> Token | None:
    """The access token, if there is one."""
    return credentials.access if isinstance(credentials, OAuthTokens | CustomCredentials) else None


def with_access(credentials: OAuthTokens | CustomCredentials, renewed: OAuthTokens) -> StoredCredentials:
    """The credentials with new tokens; what the provider did not give anew stays as it was."""
    if isinstance(credentials, CustomCredentials):
        return replace(credentials, access=renewed.access)
    return replace(
        credentials,
        access=renewed.access,
        refresh=renewed.refresh or credentials.refresh,
        scopes=renewed.scopes or credentials.scopes,
    )


def secrets_of(credentials: StoredCredentials | Unbought) -> tuple[str, ...]:
    """All texts in them that must never be shown."""
    if isinstance(credentials, ApiKey | Basic):
        return credentials.secrets
    if isinstance(credentials, CustomCredentials):
        bought = () if credentials.access is None else (credentials.access.text,)
        return (*bought, *texts_in(dict(credentials.values)))
    client, login = credentials.client, credentials.login
    own = (*(() if client is None else (client.client_secret,)), *(() if login is None else (login.password,)))
    if isinstance(credentials, Unbought):
        return own
    return (credentials.access.text, *(() if credentials.refresh is None else (credentials.refresh.text,)), *own)


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
    if "customAuth" in found:
        bought = found.get("accessToken")
        return CustomCredentials(found["customAuth"], None if bought is None else _read_token(bought))
    tokens = next(found[kind] for kind in (_CODE, _CLIENT, _PASSWORD) if kind in found)
    refresh, scopes = tokens.get("refreshToken"), tokens.get("scopes")
    has_login = "username" in tokens
    return OAuthTokens(
        access=_read_token(tokens["accessToken"]),
        refresh=None if refresh is None else _read_token(refresh),
        scopes=None if scopes is None else tuple(scopes),
        client=OAuthClient(tokens["clientId"], tokens["clientSecret"]) if "clientId" in tokens else None,
        login=Login(tokens["username"], tokens["password"]) if has_login else None,
    )


def shown(credentials: StoredCredentials, *, refresh_token: bool) -> dict[str, Any]:
    """The keys that they add to a `Connection` on the wire, which has none for users, clients and custom values.

    An access token stands under `oauth2AuthorizationCode`, whatever grant it came from: it is the only place for one.
    """
    if isinstance(credentials, ApiKey):
        return {"apiKey": credentials.key}
    access = access_token(credentials)
    if access is None:
        return {}
    tokens: dict[str, Any] = {"accessToken": _token_document(access)}
    if isinstance(credentials, OAuthTokens):
        if refresh_token and credentials.refresh is not None:
            tokens["refreshToken"] = _token_document(credentials.refresh)
        if credentials.scopes is not None:
            tokens["scopes"] = list(credentials.scopes)
    return {_CODE: tokens}


def _document(credentials: StoredCredentials) -> dict[str, Any]:
    if isinstance(credentials, ApiKey):
        return {"apiKey": credentials.key}
    if isinstance(credentials, Basic):
        return {"basicAuth": {"username": credentials.username, "password": credentials.password}}
    if isinstance(credentials, CustomCredentials):
        bought = {} if credentials.access is None else {"accessToken": _token_document(credentials.access)}
        return {"customAuth": dict(credentials.values), **bought}
    tokens: dict[str, Any] = {"accessToken": _token_document(credentials.access)}
    if credentials.refresh is not None:
        tokens["refreshToken"] = _token_document(credentials.refresh)
    if credentials.scopes is not None:
        tokens["scopes"] = list(credentials.scopes)
    kind = _CODE
    if credentials.client is not None:
        kind = _CLIENT
        tokens |= {"clientId": credentials.client.client_id, "clientSecret": credentials.client.client_secret}
    if credentials.login is not None:
        kind = _PASSWORD
        tokens |= {"username": credentials.login.username, "password": credentials.login.password}
    return {kind: tokens}


def _token_document(token: Token) -> dict[str, str]:
    document = {"token": token.text}
    for name, moment in (("issuedAt", token.issued_at), ("expiresAt", token.expires_at)):
        if moment is not None:
            document[name] = moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return document


def _read_token(document: Mapping[str, str]) -> Token:
    issued, ends = document.get("issuedAt"), document.get("expiresAt")
    return Token(
        document["token"],
        None if issued is None else datetime.fromisoformat(issued),
        None if ends is None else datetime.fromisoformat(ends),
    )
