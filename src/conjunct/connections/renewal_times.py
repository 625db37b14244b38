"""When tokens are renewed before they end, or die unused: early enough, and not all at the same moment."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from conjunct.connections.credentials import CustomCredentials, OAuthTokens, StoredCredentials, Token
from conjunct.connectors.auth_definition import Auth, CustomAuth, OAuth2

LEAD = (0.10, 0.25)
"""Of an access token's life, the part at its end within which it is renewed."""

LEAST_LEAD = timedelta(seconds=60)
LONG_LIFE = timedelta(minutes=5)
"""A token that lives longer is renewed `LEAST_LEAD` before its end at the latest."""

KEEP_ALIVE = (0.50, 0.80)
"""Of the time after which an unused refresh token dies, the part after which it is renewed."""


@dataclass(frozen=True, slots=True)
class RenewalTimes:
    """When the access token is renewed if it is in use, and when the refresh token is, used or not; None for never."""

    refresh_at: datetime | None = None
    keep_alive_at: datetime | None = None


def renewal_times(auth: Auth, credentials: StoredCredentials, now: datetime) -> RenewalTimes:
    """When these credentials, which are new now, are renewed; never, where there is nothing to renew them with."""
    if isinstance(credentials, CustomCredentials):
        if isinstance(auth, CustomAuth) and auth.token is not None and credentials.access is not None:
            return RenewalTimes(before_end(credentials.access, now))
        return RenewalTimes()
    if not isinstance(credentials, OAuthTokens) or (credentials.refresh is None and credentials.client is None):
        return RenewalTimes()
    unused = auth.keep_alive if isinstance(auth, OAuth2) and credentials.refresh is not None else None
    return RenewalTimes(
        refresh_at=before_end(credentials.access, now),
        keep_alive_at=None if unused is None else now + timedelta(seconds=unused) * _between(KEEP_ALIVE),
    )


def before_end(token: Token, now: datetime) -> datetime | None:
    """A moment shortly before the token's end; None when its end is not known."""
    if token.expires_at is None:
        return None
    life = max(token.expires_at - (token.issued_at or now), timedelta(0))
    lead = life * _between(LEAD)
    return token.expires_at - (max(lead, LEAST_LEAD) if life > LONG_LIFE else lead)


def _between(bounds: tuple[float, float]) -> float:
    return random.uniform(*bounds)  # noqa: S311 - spreads load, keeps no secret
