"""How a provider is told that a grant is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conjunct.connectors.addresses import endpoint, with_query
from conjunct.connectors.auth_definition import OAuth2, Revocation
from conjunct.connectors.definition import Definition
from conjunct.connectors.oauth.parameters import rendered
from conjunct.connectors.oauth.requests import OAuthClient, client_proof, secrets_of, written


@dataclass(frozen=True, slots=True)
class RevocationRequest:
    """A request that revokes a token. Answers with a status in `ok` say that it is done."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    ok: frozenset[int] = frozenset({200})
    secrets: tuple[str, ...] = field(default=(), repr=False)


def revocation_request(
    definition: Definition,
    client: OAuthClient | None,
    inputs: Mapping[str, str],
    *,
    access_token: str | None,
    refresh_token: str | None,
    override: str | None = None,
) -> RevocationRequest | None:
    """The request that ends a grant, or None where the provider has none, or what it takes is not at hand.

    Raises `InvalidInputs` or `UnusableValue` for inputs that cannot be part of the URL.
    """
    auth = definition.auth
    rule = auth.revoke if isinstance(auth, OAuth2) else None
    if not isinstance(auth, OAuth2) or rule is None:
        return None
    named = _named(rule, access_token, refresh_token)
    if named is None or (client is None and rule.proof in ("body", "basic")):
        return None
    is_refresh = named == refresh_token
    hint = {"token_type_hint": "refresh_token" if is_refresh else "access_token"} if rule.param == "token" else {}
    parameters = {**hint, **rendered(rule.params, {**inputs, "token": named})}
    if rule.param is not None:
        parameters[rule.param] = named
    headers = {"Accept": "application/json"}
    if rule.proof == "bearer":
        if access_token is None:
            return None
        headers[auth.token.name] = auth.token.prefix + access_token
    elif client is not None and rule.proof != "none":
        proof, more = client_proof(rule.proof, client, auth.names)
        headers |= proof
        parameters |= more
    url = endpoint(definition, rule.url, {**inputs, "token": named}, override)
    body: bytes | None = None
    if rule.encode == "query":
        url = with_query(url, parameters)
    elif parameters and rule.method != "GET":
        headers["Content-Type"], body = written(parameters, rule.encode)
    known = (access_token or "", refresh_token or "", *(secrets_of(client) if client is not None else ()))
    return RevocationRequest(rule.method, url, headers, body, frozenset(rule.ok), known)


def _named(rule: Revocation, access_token: str | None, refresh_token: str | None) -> str | None:
    """The token to revoke. RFC 7009 takes either kind; an address of refresh tokens takes no other."""
    if rule.token == "access_token":  # noqa: S105 - a name
        return access_token
    return refresh_token or (access_token if rule.param is not None else None)
