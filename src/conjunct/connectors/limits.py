"""A provider's limits: how many requests may go out, by what its definition documents and what its answers say.

Who keeps count is a `Limiter`; what a bucket allows is worked out here, without I/O. A bucket counts what was taken in
each of the last few slots of time, so that no stretch of its length sees more than it allows, wherever it begins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from conjunct.connectors.answers import until_reset
from conjunct.connectors.definition import Bucket, RateLimit, Usage
from conjunct.connectors.errors import ProviderError, QuotaExhausted, RateLimited

DEFAULT_BUCKET = "default"
SLOTS = 10
MAX_LOT = 100
LONGEST_LOT = 2.0
"""Seconds after which what is left of a lot lapses, at the latest."""

UNTOLD_PAUSE = 10.0
"""Seconds of pause when a provider says that it was too much, and not for how long."""

LONGEST_PAUSE = 86_400.0


class Limiter(Protocol):
    """Counts the requests of one connection, for all who send any. Safe to use from several tasks."""

    async def take(self, bucket: str | None, *, patience: float) -> None:
        """Wait until a request of that bucket may go out, `patience` seconds at most; who came first goes first.

        A request of a named bucket counts against the default one, too. Raises `HeldBack`.
        """
        ...

    async def pause(self, seconds: float) -> None:
        """Hear that the provider takes no request of this connection for so long, from anyone.

        Raises nothing where that cannot be kept: it is heard together with an answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Unlimited:
    """Lets every request go."""

    async def take(self, _bucket: str | None, *, patience: float) -> None:
        """Nothing."""

    async def pause(self, _seconds: float) -> None:
        """Nothing."""


def pause_after_error(error: ProviderError) -> float | None:
    """Seconds for which nobody should send anything after `error`; None when it says nothing of the kind."""
    if not isinstance(error, RateLimited | QuotaExhausted):
        return None
    if error.retry_after is not None:
        return min(error.retry_after, LONGEST_PAUSE)
    return UNTOLD_PAUSE if isinstance(error, RateLimited) else None


def pause_after_success(headers: Mapping[str, str], limits: RateLimit, now: datetime) -> float | None:
    """Seconds until the provider takes requests again, when a good answer says that it was the last one till then."""
    if limits.usage is not None and _is_used_up(limits.usage, headers.get(limits.usage.header, "")):
        return limits.usage.pause
    if limits.remaining is None or headers.get(limits.remaining, "").strip() != "0":
        return None
    seconds = until_reset(headers, limits, now)
    return min(seconds, LONGEST_PAUSE) if seconds else None


def _is_used_up(usage: Usage, told: str) -> bool:
    found = re.search(usage.pattern, told)
    try:
        used, total = (int(found[name]) for name in ("used", "total")) if found else (0, 0)
    except ValueError:
        return False
    return total > 0 and used >= total * (1 - usage.leave)


def largest_lot(bucket: Bucket) -> int:
    """How many requests a process may take at once."""
    return min(MAX_LOT, max(1, bucket.requests // SLOTS))


def lot_seconds(bucket: Bucket) -> float:
    """How long a lot may be spent."""
    return min(LONGEST_LOT, bucket.seconds / SLOTS)


@dataclass(frozen=True, slots=True)
class Window:
    """What was taken from a bucket: in `slot`, the newest (numbered from the epoch), and in those before it."""

    slot: int = 0
    taken: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Lot:
    """So many requests may go out; if none, some may in `wait` seconds."""

    requests: int
    wait: float = 0.0


def take_lot(window: Window, bucket: Bucket, now: float, wanted: int) -> tuple[Window, Lot]:
    """What there is of the wanted requests at `now` (seconds since the epoch), and the window after it.

    A slot counts until the last of it is the bucket's time away, and a lot's life more: what was taken then may have
    gone out that much later. So no stretch of that length sees more requests go out than the bucket's.
    """
    length, life = bucket.seconds / SLOTS, lot_seconds(bucket)
    slot = int(now // length)
    taken = _moved(window, slot)
    if now >= slot * length + life:
        taken = (*taken[:-1], 0)
    free = max(0, bucket.requests - sum(taken))
    granted = min(free, wanted)
    if granted:
        return Window(slot, (taken[0] + granted, *taken[1:])), Lot(granted)
    oldest = max(age for age, count in enumerate(taken) if count)
    return Window(slot, taken), Lot(0, max(0.001, (slot - oldest + SLOTS + 1) * length + life - now))


def _moved(window: Window, slot: int) -> tuple[int, ...]:
    """The counts as seen from `slot`, newest first: one for each slot that counts."""
    count = SLOTS + 2
    step = slot - window.slot
    if step < 0:
        # The clock was set back, or the slots had another length: all of it may have been just now.
        return (sum(window.taken), *(0,) * (SLOTS + 1))
    return ((0,) * min(step, count) + window.taken + (0,) * count)[:count]
