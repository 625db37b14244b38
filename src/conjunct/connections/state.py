"""A connection as the other slices see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conjunct.connections.account import Account
from conjunct.connections.schemas import AuthScheme, Status


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """All that is known of a connection but its credentials.

    `version` counts its credentials; `throttled_until` is when the provider will listen again. `provider_app_id` is
    the OAuth client that its tokens were made with, None for others than OAuth's and for imported ones. The access
    token is renewed at `refresh_at` if it is `used` till then.
    """

    id: str
    project_id: str
    provider: str
    group_id: str
    group_ref: str
    consumer_id: str
    consumer_ref: str
    consumer_name: str
    provider_app_id: str | None
    auth_scheme: AuthScheme
    status: Status
    provider_workspace_ref: str | None
    provider_consumer_ref: str | None
    provider_metadata: Mapping[str, Mapping[str, Any]] | None
    access_token_expires_at: datetime | None
    throttled_until: datetime | None
    version: int
    refresh_at: datetime | None
    used: bool
    create_time: datetime
    update_time: datetime

    def access_token_ends_by(self, moment: datetime) -> bool:
        """Whether there is an access token that is no longer good then; one without a known end always is."""
        return self.access_token_expires_at is not None and self.access_token_expires_at <= moment

    @property
    def is_use_noted(self) -> bool:
        """Whether it is noted that the credentials are in use; true for those that have no end to be renewed before."""
        return self.used or self.refresh_at is None

    @property
    def account(self) -> Account:
        """Where at the provider the customer's account is."""
        return Account(self.provider_workspace_ref, self.provider_metadata)
