"""What a customer agreed to in the browser."""

from __future__ import annotations

from dataclasses import dataclass

from conjunct.connections.account import Account
from conjunct.connections.credentials import OAuthTokens


@dataclass(frozen=True, slots=True)
class Grant:
    """Tokens, whose they are, and the provider app that they were made with.

    `connection_id` names the connection that they renew. Without it they renew the newest one of the same group,
    consumer and provider, or make the first.
    """

    provider: str
    provider_app_id: str
    group_ref: str
    group_name: str | None
    consumer_ref: str
    consumer_name: str | None
    account: Account
    consumer_at_provider: str | None
    tokens: OAuthTokens
    connection_id: str | None = None
