"""Credentials, and what a request carries to prove them. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from conjunct.connectors.auth_definition import ApiKeyAuth, Auth, BasicAuth, CustomAuth, OAuth2
from conjunct.connectors.aws_signing import Scope, Signable, signature_headers
from conjunct.connectors.redaction import texts_in
from conjunct.connectors.templates import UNSET, compile_text
from conjunct.core.problems import Unprocessable


class UnusableCredentials(Unprocessable):
    """The credentials are not of the kind that the provider takes, or cannot stand in a request."""

    slug = "unusable-credentials"
    title = "The credentials cannot be used"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key."""

    key: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return (self.key,)


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name and a password."""

    username: str
    password: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return (self.password, _basic_proof(self.username, self.password))


@dataclass(frozen=True, slots=True)
class Bearer:
    """An access token: of OAuth, or made by hand in a private app."""

    access_token: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return (self.access_token,)


@dataclass(frozen=True, slots=True)
class CustomSecrets:
    """The values of a custom scheme's inputs, by name."""

    values: Mapping[str, Any] = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return tuple(texts_in(dict(self.values)))


Credentials = ApiKey | Basic | Bearer | CustomSecrets


@dataclass(frozen=True, slots=True)
class Proof:
    """Headers and query parameters that go with every request."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


def prove(auth: Auth, credentials: Credentials) -> Proof:
    """What requests carry. Raises `UnusableCredentials`."""
    if isinstance(auth, CustomAuth):
        proof = _custom(auth, credentials)
        require_printable((*proof.headers.values(), *proof.query.values()))
        return proof
    require_printable(credentials.secrets)
    if isinstance(auth, OAuth2):
        return _token(auth, credentials)
    if isinstance(auth, ApiKeyAuth):
        return _key(auth, credentials)
    return _basic(auth, credentials)


def signature(
    auth: Auth, credentials: Credentials, inputs: Mapping[str, str], request: Signable, now: datetime
) -> Mapping[str, str]:
    """The headers that sign this one request; none unless the provider wants it signed."""
    if not isinstance(auth, BasicAuth) or auth.aws is None or not isinstance(credentials, Basic):
        return {}
    scope = Scope(region=str(compile_text(auth.aws.region).render(inputs)), service=auth.aws.service)
    return signature_headers(request, key_id=credentials.username, secret=credentials.password, scope=scope, now=now)


SIGNATURE_HEADERS = frozenset({"authorization", "x-amz-date", "x-amz-security-token"})
"""What a signature may add, in lower case."""


def require_printable(texts: Iterable[str]) -> None:
    """Raise `UnusableCredentials` for texts that cannot stand in a request."""
    if not all(text.isprintable() for text in texts):
        raise UnusableCredentials(
            "The credentials have characters that cannot stand in a request.",
            remedy="Copy them again, without line breaks.",
        )


def _token(auth: OAuth2, credentials: Credentials) -> Proof:
    if not isinstance(credentials, Bearer):
        raise _wrong_kind("an access token")
    return Proof(headers={auth.token.name: auth.token.prefix + credentials.access_token})


def _key(auth: ApiKeyAuth, credentials: Credentials) -> Proof:
    if not isinstance(credentials, ApiKey):
        raise _wrong_kind("an API key")
    value = auth.prefix + credentials.key
    return Proof(query={auth.name: value}) if auth.in_ == "query" else Proof(headers={auth.name: value})


def _basic(auth: BasicAuth, credentials: Credentials) -> Proof:
    if auth.key_as is not None and isinstance(credentials, ApiKey):
        parts = (credentials.key, auth.filler) if auth.key_as == "username" else (auth.filler, credentials.key)
    elif auth.key_as is None and isinstance(credentials, Basic):
        parts = (credentials.username, credentials.password)
    else:
        raise _wrong_kind("an API key" if auth.key_as else "a user name and a password")
    if auth.aws is not None:
        return Proof()  # see `signature`
    if ":" in parts[0]:
        raise UnusableCredentials("A user name of HTTP Basic cannot hold a colon.")
    return Proof(headers={"Authorization": f"Basic {_basic_proof(*parts)}"})


def _basic_proof(username: str, password: str) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def _custom(auth: CustomAuth, credentials: Credentials) -> Proof:
    if not isinstance(credentials, CustomSecrets):
        raise _wrong_kind(" and ".join(each.name for each in auth.inputs))

    def filled(templates: Mapping[str, str]) -> dict[str, str]:
        values = {name: compile_text(text).render(credentials.values) for name, text in templates.items()}
        missing = [name for name, value in values.items() if value is UNSET]
        if missing:
            raise UnusableCredentials(f"'{missing[0]}' cannot be made: a part of the credentials is missing.")
        return {name: str(value) for name, value in values.items()}

    return Proof(filled(auth.headers), filled(auth.query))


def _wrong_kind(wanted: str) -> UnusableCredentials:
    return UnusableCredentials(
        f"This provider takes {wanted}.", remedy="Connect with the kind of credentials it takes."
    )
