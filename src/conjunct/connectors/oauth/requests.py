"""Requests to token endpoints, one for each grant of OAuth 2."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

import orjson

from conjunct.connectors.addresses import encode_form, endpoint
from conjunct.connectors.auth_definition import FromToken, OAuth2
from conjunct.connectors.definition import Definition
from conjunct.connectors.oauth.authorization import NoOAuthFlow, browser_flow
from conjunct.connectors.oauth.parameters import rendered, scope_text, wanted_scopes
from conjunct.connectors.redaction import HIDDEN, redacted

FORM = "application/x-www-form-urlencoded"
# Tokens in an answer that is none: we have not seen them before, but they are named.
_TOKEN = re.compile(r"""((?:access|refresh|id)_?token["']?\s*[:=]\s*["']?)[^\s"'&,;}]{4,}""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A client registered with the provider. Without a secret it is a public one, which PKCE alone protects.

    `params` are the provider's own values by name, variables of the parameters that definitions send for tokens.
    """

    client_id: str
    client_secret: str = field(repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Login:
    """A user of the password grant."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request to a token endpoint, and how its answer is read.

    `secrets` must not be shown, wherever an answer repeats them. `lifetime` is the access token's in seconds, where
    the answer does not say.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    answer: FromToken = field(default_factory=FromToken)
    scope_separator: str = " "
    lifetime: int | None = None

    def redacted(self, text: str) -> str:
        """The text without the secrets, however they are written there, and without tokens that it names."""
        return _TOKEN.sub(rf"\1{HIDDEN}", redacted(text, self.secrets))


def code_request(
    definition: Definition,
    client: OAuthClient,
    inputs: Mapping[str, str],
    *,
    code: str,
    redirect_uri: str,
    verifier: str | None = None,
    override: str | None = None,
) -> TokenRequest:
    """The request that buys tokens for a code. Raises as `authorization_url`."""
    auth = browser_flow(definition)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if verifier is not None:
        form["code_verifier"] = verifier
    return _request(definition, auth, client, inputs, form, (code, verifier or ""), override)


def refresh_request(
    definition: Definition,
    client: OAuthClient,
    inputs: Mapping[str, str],
    *,
    refresh_token: str,
    override: str | None = None,
) -> TokenRequest:
    """The request that buys a new access token for a refresh token. Raises as `authorization_url`."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return _request(definition, _oauth(definition), client, inputs, form, (refresh_token,), override)


def client_credentials_request(
    definition: Definition,
    client: OAuthClient,
    inputs: Mapping[str, str],
    *,
    scopes: Sequence[str] = (),
    override: str | None = None,
) -> TokenRequest:
    """The request that buys an access token for the client itself. Raises as `authorization_url`."""
    auth = _oauth(definition)
    form = {"grant_type": "client_credentials", **_purpose(auth, scopes, inputs)}
    return _request(definition, auth, client, inputs, form, (), override)


def password_request(
    definition: Definition,
    client: OAuthClient,
    inputs: Mapping[str, str],
    *,
    login: Login,
    scopes: Sequence[str] = (),
    override: str | None = None,
) -> TokenRequest:
    """The request that buys tokens for a user name and a password. Raises as `authorization_url`."""
    auth = _oauth(definition)
    form = {"grant_type": "password", "username": login.username, "password": login.password}
    form |= _purpose(auth, scopes, inputs)
    return _request(definition, auth, client, inputs, form, (login.password,), override)


def basic_proof(username: str, password: str) -> str:
    """What stands after `Basic ` in the header."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def client_proof(
    auth_way: Literal["body", "basic"], client: OAuthClient, names: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """How a client proves itself: further headers, and further parameters."""
    if auth_way == "basic":
        # RFC 6749, 2.3.1: both parts are form-encoded before they are joined.
        encoded = basic_proof(quote(client.client_id, safe=""), quote(client.client_secret, safe=""))
        return {"Authorization": f"Basic {encoded}"}, {}
    parameters = {names.get("client_id", "client_id"): client.client_id}
    if client.client_secret:
        parameters[names.get("client_secret", "client_secret")] = client.client_secret
    return {}, parameters


def secrets_of(client: OAuthClient) -> tuple[str, ...]:
    """The forms in which an answer may repeat a client's secret."""
    quoted = quote(client.client_secret, safe="")
    return (client.client_secret, quoted, basic_proof(quote(client.client_id, safe=""), quoted))


def written(parameters: Mapping[str, Any], encode: str) -> tuple[str, bytes]:
    """The media type and the body of a request for tokens."""
    if encode == "json":
        return "application/json", orjson.dumps(dict(parameters))
    return FORM, encode_form(list(parameters.items())).encode()


def _oauth(definition: Definition) -> OAuth2:
    if isinstance(definition.auth, OAuth2):
        return definition.auth
    raise NoOAuthFlow(f"{definition.display} has no OAuth 2.")


def _purpose(auth: OAuth2, scopes: Sequence[str], inputs: Mapping[str, str]) -> dict[str, str]:
    wanted = wanted_scopes(auth, scopes or auth.scopes)
    scope = {"scope": scope_text(auth, wanted, inputs)} if wanted else {}
    return {**scope, **({"audience": " ".join(auth.audience)} if auth.audience else {})}


def _request(
    definition: Definition,
    auth: OAuth2,
    client: OAuthClient,
    inputs: Mapping[str, str],
    form: Mapping[str, str],
    secrets: tuple[str, ...],
    override: str | None,
) -> TokenRequest:
    proof, parameters = client_proof(auth.token_auth, client, auth.names)
    own = rendered(auth.token_params, {**client.params, **inputs})
    standard = {auth.names.get(name, name): value for name, value in form.items()}
    media_type, body = written({**own, **standard, **parameters}, auth.token_encode)
    is_refresh = form["grant_type"] == "refresh_token"
    url = auth.refresh_url if is_refresh and auth.refresh_url is not None else auth.token_url
    headers = {"Accept": "application/json", "Content-Type": media_type, **rendered(auth.token_headers, inputs)}
    return TokenRequest(
        url=endpoint(definition, url, inputs, override),
        headers={**headers, **proof},
        body=body,
        secrets=(*secrets, *secrets_of(client)),
        answer=auth.from_token,
        scope_separator=auth.scope_separator,
        lifetime=auth.lifetime,
    )
