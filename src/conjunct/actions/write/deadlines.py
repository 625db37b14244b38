"""When a write that did not succeed is tried again, if at all. Pure."""

from __future__ import annotations

import random
from datetime import timedelta

from conjunct.connectors import ProviderError
from conjunct.connectors.errors import AuthInvalid, AuthRevoked, QuotaExhausted, RateLimited
from conjunct.core.problems import Problem

FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=5)
RECONNECT_DELAY = timedelta(minutes=2)
"""Between two looks at whether the customer has connected again."""


def wait_after(
    error: ProviderError | Problem | None, *, tries: int, left: timedelta, rng: random.Random | None = None
) -> timedelta | None:
    """How long to wait after what went wrong, so many waits having been before; None: trying again is in vain.

    That is also so when the next attempt would come after the deadline, which is `left` away. Without an error, some
    records had faults that pass.
    """
    wait = _wanted(error, tries, rng)
    return wait if wait is not None and wait < left else None


def _wanted(error: ProviderError | Problem | None, tries: int, rng: random.Random | None) -> timedelta | None:
    if isinstance(error, Problem):
        passes = error.retryable or error.status >= 500
        return _backoff(tries, rng) if passes else None
    if isinstance(error, RateLimited | QuotaExhausted) and error.retry_after is not None:
        return max(timedelta(seconds=error.retry_after), FIRST_DELAY)
    if isinstance(error, AuthInvalid | AuthRevoked):
        return RECONNECT_DELAY
    if error is not None and error.hopeless:
        return None
    return _backoff(tries, rng)


def _backoff(tries: int, rng: random.Random | None) -> timedelta:
    rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
    grown: timedelta = min(FIRST_DELAY * 2 ** min(tries, 20), LONGEST_DELAY)
    return grown * rng.uniform(0.8, 1.2)
