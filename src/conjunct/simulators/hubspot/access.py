"""Who may call, and how often: bearer tokens, and limits of requests in a while."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from conjunct.simulators.hubspot import errors


@dataclass(frozen=True, slots=True)
class Policy:
    """A limit as HubSpot names it; `told`: headers say what is left of it."""

    name: str
    words: str
    window: timedelta
    told: bool = True


TEN_SECONDS = Policy("TEN_SECONDLY_ROLLING", "ten_secondly_rolling", timedelta(seconds=10))
ONE_SECOND = Policy("SECONDLY", "secondly", timedelta(seconds=1), told=False)


class Tokens:
    """Access tokens. Those issued here expire; any other is good, but for the words `expired` and `revoked`."""

    def __init__(self, seed: int, lifetime: int, clock: Callable[[], datetime]) -> None:
        self.lifetime = lifetime
        self._seed = seed
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget every token issued, and issue the same ones again."""
        self._random = random.Random(f"tokens:{self._seed}")  # noqa: S311 - repeatable on purpose
        self._expiry: dict[str, datetime] = {}

    def issue(self) -> str:
        """A new access token that is good for `lifetime` seconds."""
        token = f"sim-access-{self._random.getrandbits(96):024x}"
        self._expiry[token] = self._clock() + timedelta(seconds=self.lifetime)
        return token

    def seconds_left(self, token: str) -> int:
        """How long the token is good for still. Raises `HubSpotError` when it is not."""
        if token == "revoked":  # noqa: S105 - a word that stands for such tokens
            raise errors.unauthenticated()
        expiry = self._expiry.get(token)
        left = self.lifetime if expiry is None else int((expiry - self._clock()).total_seconds())
        if token == "expired" or left <= 0:  # noqa: S105 - as above
            raise errors.expired()
        return left

    def check(self, headers: Mapping[str, str]) -> None:
        """Raises `HubSpotError` unless the request carries a good token."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise errors.unauthenticated()
        self.seconds_left(token.strip())


class RateLimit:
    """At most so many requests in a window, which starts with the first; a limit of None is none."""

    def __init__(self, limit: int | None, policy: Policy, clock: Callable[[], datetime]) -> None:
        self._limit = limit
        self._policy = policy
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget every request counted."""
        self._start: datetime | None = None
        self._used = 0

    def take(self) -> dict[str, str]:
        """Count a request and return the headers that tell what is left. Raises `HubSpotError` beyond the limit."""
        if self._limit is None:
            return {}
        now, window = self._clock(), self._policy.window
        if self._start is None or now - self._start >= window:
            self._start, self._used = now, 0
        self._used += 1
        headers = self._headers(self._limit)
        if self._used > self._limit:
            wait = -(-(self._start + window - now) // timedelta(seconds=1))
            raise errors.rate_limited(wait, headers, self._policy.name, self._policy.words)
        return headers

    def _headers(self, limit: int) -> dict[str, str]:
        if not self._policy.told:
            return {}
        return {
            "X-HubSpot-RateLimit-Max": str(limit),
            "X-HubSpot-RateLimit-Remaining": str(max(0, limit - self._used)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(self._policy.window // timedelta(milliseconds=1)),
        }
