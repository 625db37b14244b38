"""What a failed read does next, as data: wait, try again, begin anew, or give up."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from conjunct.connectors import ProviderError
from conjunct.connectors.errors import AuthInvalid, AuthRevoked, CursorGone, QuotaExhausted, RateLimited

FIRST_DELAY = timedelta(seconds=2)
LONGEST_DELAY = timedelta(minutes=30)
GROWTH = 4
MAX_TRIES = 8
MAX_RESTARTS = 3
DEFAULT_THROTTLE = timedelta(seconds=30)
DEFAULT_QUOTA_WAIT = timedelta(hours=1)
LONGEST_THROTTLE = timedelta(hours=24)
LONGEST_STAND = timedelta(days=7)
"""Without a page for so long, a read that waits for others ends."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The provider asks us to slow down: no call of this connection before `delay` is over. It counts as no failure."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class TryAgain:
    """It may pass: the same page again after `delay`."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class BeginAnew:
    """The page token is gone: the run's window again from its first page."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The run fails. `hopeless` failures will come again until a person changes something."""

    hopeless: bool
    bad_credentials: bool = False


Decision = Wait | TryAgain | BeginAnew | GiveUp


def decide(
    error: ProviderError,
    *,
    tries: int,
    restarts: int,
    stood: timedelta = timedelta(),
    rng: random.Random | None = None,
) -> Decision:
    """What to do after `error`, after `tries` failures and a time of `stood` since the last page, and `restarts`."""
    if isinstance(error, RateLimited | QuotaExhausted):
        if stood > LONGEST_STAND:
            return GiveUp(hopeless=False)
        default = DEFAULT_QUOTA_WAIT if isinstance(error, QuotaExhausted) else DEFAULT_THROTTLE
        asked = timedelta(seconds=error.retry_after) if error.retry_after is not None else default
        return Wait(min(max(asked, timedelta(seconds=1)), LONGEST_THROTTLE))
    if isinstance(error, CursorGone):
        return BeginAnew() if restarts < MAX_RESTARTS else GiveUp(hopeless=False)
    if isinstance(error, AuthInvalid | AuthRevoked):
        return GiveUp(hopeless=True, bad_credentials=True)
    if error.retryable and tries + 1 < MAX_TRIES:
        return TryAgain(backoff(tries, error.retry_after, rng))
    return GiveUp(hopeless=error.hopeless)


def backoff(tries: int, retry_after: float | None = None, rng: random.Random | None = None) -> timedelta:
    """The wait after so many failures before this one: growing, and as long as was asked for (seconds) at least."""
    rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
    grown = min(FIRST_DELAY.total_seconds() * GROWTH**tries, LONGEST_DELAY.total_seconds())
    asked = min(retry_after or 0.0, LONGEST_THROTTLE.total_seconds())
    return timedelta(seconds=max(grown * rng.uniform(0.8, 1.2), asked))
