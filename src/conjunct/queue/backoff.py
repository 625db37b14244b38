"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from datetime import timedelta

FIRST = timedelta(seconds=5)
LONGEST = timedelta(hours=1)
JITTER = 0.2


def backoff(attempts: int) -> timedelta:
    """The wait after that many failed attempts: doubling from 5 s to 1 h, ±20 % so that they do not return at once."""
    doublings = min(max(attempts, 1) - 1, 16)
    wait: timedelta = min(FIRST * 2**doublings, LONGEST)
    return wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
