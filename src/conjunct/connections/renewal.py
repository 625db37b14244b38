"""How the access token of a connection is come by again: by its refresh token, or by what the customer gave."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from conjunct.connections.credentials import CustomCredentials, OAuthTokens, StoredCredentials
from conjunct.connectors import Definition
from conjunct.connectors.auth_definition import CustomAuth
from conjunct.connectors.oauth import (
    Login,
    OAuthClient,
    TokenRequest,
    client_credentials_request,
    exchange_request,
    exchanged_values,
    password_request,
    refresh_request,
)

APP_CLIENT_ID, APP_CLIENT_SECRET = "clientId", "clientSecret"
"""Values of a custom scheme that the builder's provider app gives, where the scheme has `app_inputs`."""


def renewal_request(
    definition: Definition,
    app: OAuthClient | None,
    inputs: Mapping[str, str],
    credentials: StoredCredentials,
    *,
    now: datetime,
    override: str | None = None,
) -> TokenRequest | None:
    """The request for a new access token, or None where there is nothing to get one with.

    `app` is the builder's OAuth client that the connection was made with, if any; `inputs` are checked. Raises
    `InvalidInputs`, `UnusableValue`, `UnusableCredentials` where they no longer fit the provider's definition.
    """
    if isinstance(credentials, CustomCredentials):
        auth = definition.auth
        if not isinstance(auth, CustomAuth) or auth.token is None:
            return None
        values = {**exchanged_values(auth, credentials.values, None), **_of_app(auth, app)}
        return exchange_request(definition, auth.token, values, inputs, now=now, override=override)
    if not isinstance(credentials, OAuthTokens):
        return None
    client = credentials.client or app
    if client is None:
        return None
    if credentials.refresh is not None:
        return refresh_request(definition, client, inputs, refresh_token=credentials.refresh.text, override=override)
    return first_request(
        definition, credentials.client, credentials.login, inputs, scopes=credentials.scopes or (), override=override
    )


def first_request(
    definition: Definition,
    client: OAuthClient | None,
    login: Login | None,
    inputs: Mapping[str, str],
    *,
    scopes: tuple[str, ...] = (),
    override: str | None = None,
) -> TokenRequest | None:
    """The request that buys the first tokens for a client or a user of the customer's own; None without one."""
    if client is None:
        return None
    if login is not None:
        return password_request(definition, client, inputs, login=login, scopes=scopes, override=override)
    return client_credentials_request(definition, client, inputs, scopes=scopes, override=override)


def _of_app(auth: CustomAuth, app: OAuthClient | None) -> dict[str, str]:
    if not auth.app_inputs or app is None:
        return {}
    return {APP_CLIENT_ID: app.client_id, APP_CLIENT_SECRET: app.client_secret}
