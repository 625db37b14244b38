"""OAuth 2 in pure steps: the URL where the customer agrees, the requests that buy tokens, what their answers say.

Nothing here does I/O. What leads to a request is checked: an input of the customer's never chooses the host.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote

from conjunct.connectors.addresses import encode_form, endpoint, with_query
from conjunct.connectors.answers import Response, classify, read_json
from conjunct.connectors.auth_definition import RESERVED, OAuth2
from conjunct.connectors.definition import Definition
from conjunct.connectors.errors import AuthRevoked, BadRequest, MalformedAnswer, ProviderError
from conjunct.connectors.paths import parse_path
from conjunct.connectors.templates import UNSET, compile_text
from conjunct.core.problems import Unprocessable

LONGEST_TOKEN = 32_768
_LONGEST_LIFE = 100 * 366 * 24 * 3600
_FORM = "application/x-www-form-urlencoded"
_SHORTEST_SECRET = 4


class NoOAuthFlow(Unprocessable):
    """The provider has no OAuth flow in which a customer agrees in the browser."""

    slug = "no-oauth-flow"
    title = "The provider has no OAuth flow in the browser"


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A client registered with the provider. Without a secret it is a public one, which PKCE alone protects."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request to a token endpoint. `secrets` must not be shown, wherever an answer repeats them."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def redacted(self, text: str) -> str:
        """The text without the secrets."""
        for secret in self.secrets:
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "[secret]")
        return text


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """What a token endpoint gave. `expires_in` is in seconds; without it nothing is known of the token's end.

    `scopes`, `workspace` and `consumer` are as the provider tells them, None where it does not.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in: int | None = None
    scopes: tuple[str, ...] | None = None
    workspace: str | None = None
    consumer: str | None = None


def browser_flow(definition: Definition) -> OAuth2:
    """The provider's authorization code grant. Raises `NoOAuthFlow`."""
    auth = definition.auth
    if isinstance(auth, OAuth2) and auth.grant == "authorization_code":
        return auth
    raise NoOAuthFlow(
        f"{definition.display} is not connected by OAuth in the browser.",
        remedy="Connect it with connections:generate and the credentials that the provider takes.",
    )


def authorization_url(
    definition: Definition,
    client_id: str,
    inputs: Mapping[str, str],
    *,
    redirect_uri: str,
    state: str,
    scopes: Sequence[str],
    verifier: str | None = None,
    params: Mapping[str, Sequence[str]] | None = None,
    override: str | None = None,
) -> str:
    """Where the customer's browser goes to agree. `params` are the client's own; several values become one text.

    Raises `NoOAuthFlow`, and `InvalidInputs` or `UnusableValue` for inputs that cannot be part of the URL.
    """
    auth = browser_flow(definition)
    if auth.authorize_url is None:
        raise NoOAuthFlow(f"It is not known where customers of {definition.display} agree.")
    query: dict[str, str] = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "state": state,
    }
    if scopes:
        query["scope"] = auth.scope_separator.join(scopes)
    if verifier is not None:
        query |= {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
    extra = {name: compile_text(text).render(inputs) for name, text in auth.authorize_params.items()}
    own = {name: auth.scope_separator.join(values) for name, values in (params or {}).items()}
    added = {name: str(value) for name, value in {**extra, **own}.items() if value is not UNSET}
    flow = {**{name: value for name, value in added.items() if name not in RESERVED}, **query}
    return with_query(endpoint(definition, auth.authorize_url, inputs, override), flow)


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
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if verifier is not None:
        form["code_verifier"] = verifier
    return _token_request(definition, client, inputs, form, (code, verifier or ""), override)


def refresh_request(
    definition: Definition,
    client: OAuthClient,
    inputs: Mapping[str, str],
    *,
    refresh_token: str,
    override: str | None = None,
) -> TokenRequest:
    """The request that buys a new access token. Raises as `authorization_url`."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return _token_request(definition, client, inputs, form, (refresh_token,), override)


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def read_tokens(definition: Definition, request: TokenRequest, response: Response, now: datetime) -> IssuedTokens:
    """The tokens in an answer.

    Raises a `ProviderError` without secrets in its words: `AuthRevoked` where the grant is gone, `MalformedAnswer` for
    what is no token answer, otherwise by the definition's rules and the status.
    """
    auth = browser_flow(definition)
    try:
        return _read(auth, _successful(definition, response, now))
    except ProviderError as error:
        error.message = request.redacted(error.message)
        error.args = (error.message,)
        raise


def _token_request(
    definition: Definition,
    client: OAuthClient,
    inputs: Mapping[str, str],
    form: dict[str, str],
    secrets: tuple[str, ...],
    override: str | None,
) -> TokenRequest:
    auth = browser_flow(definition)
    headers = {"Accept": "application/json", "Content-Type": _FORM}
    if auth.token_auth == "basic":  # noqa: S105 - a way, not a secret
        # RFC 6749, 2.3.1: both parts are form-encoded before they are joined.
        pair = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
        encoded = base64.b64encode(pair.encode()).decode()
        headers["Authorization"] = f"Basic {encoded}"
        secrets = (*secrets, encoded)
    else:
        form = {**form, "client_id": client.client_id}
        if client.client_secret:
            form["client_secret"] = client.client_secret
    return TokenRequest(
        url=endpoint(definition, auth.token_url, inputs, override),
        headers=headers,
        body=encode_form(list(form.items())).encode(),
        secrets=(*secrets, client.client_secret, quote(client.client_secret, safe="")),
    )


def _successful(definition: Definition, response: Response, now: datetime) -> dict[str, Any]:
    """The document of a success. Raises the `ProviderError` that the answer means otherwise."""
    good = 200 <= response.status < 300
    try:
        body = _document(response)
    except MalformedAnswer:
        if good:
            raise
        body = None
    told = body if isinstance(body, dict) else {}
    if told.get("error") == "invalid_grant":
        raise AuthRevoked(_words(told), status=response.status, code="invalid_grant")
    if not good:
        raise classify(response, body, definition.errors, definition.rate_limit, now)
    if told.get("access_token") is None and isinstance(told.get("error"), str):
        raise BadRequest(_words(told), status=response.status, code=told["error"][:100])
    if not isinstance(body, dict):
        raise MalformedAnswer("the provider's answer holds no tokens", status=response.status)
    return body


def _document(response: Response) -> Any:
    if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() == _FORM:
        return dict(parse_qsl(response.body.decode("utf-8", "replace")))
    return read_json(response)


def _words(body: Mapping[str, Any]) -> str:
    text = body.get("error_description")
    return str(text if isinstance(text, str) and text else body["error"])[:500]


def _read(auth: OAuth2, body: Mapping[str, Any]) -> IssuedTokens:
    access = _token(body.get("access_token"))
    if access is None:
        raise MalformedAnswer("the provider's answer holds no access token that can be used")
    at = auth.from_token
    return IssuedTokens(
        access_token=access,
        refresh_token=_token(body.get("refresh_token")),
        expires_in=_seconds(body.get("expires_in")),
        scopes=_scopes(parse_path(at.scopes or "scope").find(body), auth.scope_separator),
        workspace=_text(at.workspace, body),
        consumer=_text(at.consumer, body),
    )


def _token(value: Any) -> str | None:
    """A token that can stand in a header."""
    fits = isinstance(value, str) and 0 < len(value) <= LONGEST_TOKEN and value.isascii() and value.isprintable()
    return value if fits else None


def _seconds(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST_LIFE:
        return None
    return int(value)


def _scopes(value: Any, separator: str) -> tuple[str, ...] | None:
    if isinstance(value, str):
        value = value.replace(separator, " ").split()
    if not isinstance(value, list):
        return None
    return tuple(each for each in value if isinstance(each, str) and each)[:1000] or None


def _text(path: str | None, body: Any) -> str | None:
    value = parse_path(path).find(body) if path is not None else None
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if 0 < len(text) <= 2000 and text.isprintable() else None
