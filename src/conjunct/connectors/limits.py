"""A provider's limits: how many requests may go out, by what its definition documents and what its answers say.

Who keeps count is a `Limiter`; what a bucket allows is worked out by `conjunct.kit.slots`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from conjunct.connectors.answers import until_reset
from conjunct.connectors.definition import RateLimit, Usage
from conjunct.connectors.errors import ProviderError, QuotaExhausted, RateLimited

DEFAULT_BUCKET = "default"
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
