"""What a customer agreed to in the browser."""

from __future__ import annotations

from dataclasses import dataclass

from conjunct.connections.account import Account
from conjunct.connections.credentials import StoredCredentials


@dataclass(frozen=True, slots=True)
class Grant:
    """Credentials, whose they are, and the provider app that they were made with, if any.

    `connection_id` names the connection that they renew. Without it they renew the newest one of the same group,
    consumer and provider, or make the first. `works`: the provider has accepted them in a request.
    """

    provider: str
    provider_app_id: str | None
    group_ref: str
    group_name: str | None
    consumer_ref: str
    consumer_name: str | None
    account: Account
    consumer_at_provider: str | None
    tokens: StoredCredentials
    connection_id: str | None = None
    works: bool = False
