"""Connections to measure with: they are stored as they are, and no provider is asked."""

from __future__ import annotations

from conjunct.connections.account import Account
from conjunct.connections.credentials import OAuthTokens, Token
from conjunct.connections.grants import Grant


def hubspot_grant(
    group: str,
    consumer: str,
    *,
    token: str = "t",
    workspace: str | None = None,
    scopes: tuple[str, ...] | None = None,
) -> Grant:
    """What a customer agreed to, to be stored."""
    return Grant(
        provider="hubspot",
        provider_app_id=None,
        group_ref=group,
        group_name=f"Group {group}",
        consumer_ref=consumer,
        consumer_name=f"Consumer {consumer}",
        account=Account(workspace),
        consumer_at_provider=None,
        tokens=OAuthTokens(Token(token), scopes=scopes),
    )
