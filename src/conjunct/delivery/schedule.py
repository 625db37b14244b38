"""When a message is tried again: decisions as data, without a clock or a database."""

from __future__ import annotations

from datetime import timedelta
from random import Random

DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
"""The wait after the first failed attempt, the second, and so on."""

MAX_ATTEMPTS = len(DELAYS) + 1
JITTER = 0.2
LONGEST_RETRY_AFTER = 2
"""How many times the planned delay a destination may ask us to wait."""

LONGEST_AGE = sum(DELAYS, timedelta()) * (1 + JITTER)
"""A message older than this is given up when its destination takes nothing, however few attempts it has had."""

DEFERRAL_SHARE = 0.1


def next_delay(attempt: int, retry_after: timedelta | None, rng: Random) -> timedelta | None:
    """How long to wait after the failed attempt of this number (from 1); None when it was the last.

    The delay varies by ±20 %, so that messages that failed together are not all tried again together. `retry_after`
    is what the destination asked for: it lengthens the delay, at most to twice the planned one.
    """
    if attempt < 1:
        raise ValueError("attempts count from 1")
    if attempt >= MAX_ATTEMPTS:
        return None
    planned = DELAYS[attempt - 1]
    delay = planned * rng.uniform(1 - JITTER, 1 + JITTER)
    if retry_after is None:
        return delay
    return max(delay, min(retry_after, planned * LONGEST_RETRY_AFTER))


def deferral(age: timedelta, blocked_for: timedelta, rng: Random) -> timedelta | None:
    """How long a message of this age waits, untried, for a destination that takes nothing for `blocked_for` more.

    It grows with the age, so that many messages waiting for a destination that is down for a day do not all ask every
    few minutes. None when the message is too old to wait on.
    """
    if age > LONGEST_AGE:
        return None
    wait = max(blocked_for, age * DEFERRAL_SHARE, timedelta(seconds=1))
    return wait * rng.uniform(1, 1 + JITTER)
