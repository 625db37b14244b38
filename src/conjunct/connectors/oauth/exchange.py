"""Access tokens for what a customer gave: a key that signs an assertion, or a client of their own."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt
import orjson

from conjunct.connectors.addresses import endpoint
from conjunct.connectors.auth import UnusableCredentials
from conjunct.connectors.auth_definition import Assertion, CustomAuth, TokenExchange
from conjunct.connectors.definition import Definition
from conjunct.connectors.oauth.parameters import rendered
from conjunct.connectors.oauth.requests import TokenRequest, basic_proof, written
from conjunct.connectors.paths import parse_path
from conjunct.connectors.redaction import texts_in
from conjunct.connectors.templates import UNSET, compile_template, compile_text
from conjunct.kit.ids import new_id

ACCESS_TOKEN = "access_token"  # noqa: S105 - a name
"""The variable of a custom scheme's headers that holds the token that was bought."""


def unpacked(auth: CustomAuth, values: Mapping[str, Any]) -> dict[str, str]:
    """The values that stand within inputs, by name. Raises `UnusableCredentials`."""
    found: dict[str, str] = {}
    for name, rule in auth.unpack.items():
        value = parse_path(rule.at).find(_document(rule.from_, values.get(rule.from_)))
        if not isinstance(value, str) or not value:
            raise UnusableCredentials(
                f"'{rule.from_}' holds no '{rule.at}'.", remedy="Give the whole file as the provider made it."
            )
        found[name] = value
    return found


def exchanged_values(auth: CustomAuth, values: Mapping[str, Any], access_token: str | None) -> dict[str, Any]:
    """All that the headers and the query of a custom scheme may be made of."""
    bought = {} if access_token is None else {ACCESS_TOKEN: access_token}
    known = {**values, **unpacked(auth, values), **bought}
    return {**known, **rendered(auth.compose, known)}


def exchange_request(
    definition: Definition,
    exchange: TokenExchange,
    values: Mapping[str, Any],
    inputs: Mapping[str, str],
    *,
    now: datetime,
    override: str | None = None,
) -> TokenRequest:
    """The request that buys an access token for a custom scheme's values (`exchanged_values`).

    Raises `UnusableCredentials` where the private key is none, and `InvalidInputs`, `UnusableValue` as all URLs do.
    """
    known: dict[str, Any] = {**inputs, **values}
    secrets = [*texts_in(dict(values))]
    if exchange.assertion is not None:
        known["assertion"] = signed(exchange.assertion, known, now)
        secrets.append(known["assertion"])
    media_type, body = written(rendered(exchange.params, known), exchange.encode)
    headers = {"Accept": "application/json", "Content-Type": media_type, **rendered(exchange.headers, known)}
    if exchange.basic is not None:
        username, _, password = str(compile_text(exchange.basic).render(known)).partition(":")
        headers["Authorization"] = f"Basic {basic_proof(username, password)}"
        secrets.append(headers["Authorization"].removeprefix("Basic "))
    return TokenRequest(
        url=endpoint(definition, exchange.url, known, override),
        headers=headers,
        body=body,
        secrets=tuple(secrets),
        answer=exchange.from_token,
        lifetime=exchange.lifetime,
    )


def signed(rule: Assertion, values: Mapping[str, Any], now: datetime) -> str:
    """The signed assertion. Raises `UnusableCredentials` where the key is none of the kind."""
    claims = compile_template(rule.claims).render(values)
    ours = {"iat": int(now.timestamp()), "exp": int((now + timedelta(seconds=rule.lifetime)).timestamp())}
    key = compile_text(rule.key).render(values)
    if key is UNSET:
        raise UnusableCredentials("The private key is missing.", remedy="Give the key in PEM, or PEM in Base64.")
    try:
        return jwt.encode(
            {**({} if claims is UNSET else claims), **ours, "jti": new_id()},
            _pem(str(key)),
            algorithm=rule.algorithm,
            headers=rendered(rule.headers, values),
        )
    except (ValueError, TypeError, jwt.PyJWTError):
        # The library's words may show parts of the key.
        raise UnusableCredentials(
            f"The private key cannot sign with {rule.algorithm}.",
            remedy="Give an unencrypted private key in PEM (-----BEGIN PRIVATE KEY-----), or that in Base64.",
        ) from None


def _pem(text: str) -> str:
    if "-----BEGIN" in text:
        return text.replace("\\n", "\n")
    decoded = _base64(text)
    return text if decoded is None else decoded.decode("utf-8", "replace")


def _document(name: str, value: Any) -> Any:
    text = value if isinstance(value, str) else ""
    for candidate in (text.encode(), _base64(text) or b""):
        try:
            return orjson.loads(candidate)
        except orjson.JSONDecodeError:
            continue
    raise UnusableCredentials(
        f"'{name}' is neither a JSON document nor one in Base64.",
        remedy="Give the whole key file as the provider made it, or its Base64.",
    )


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
