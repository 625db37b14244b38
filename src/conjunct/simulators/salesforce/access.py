"""Who may call: access tokens, and how many requests there may be."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from conjunct.simulators.salesforce import errors

_WINDOW = timedelta(seconds=10)
_A_DAY = 100_000


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
        self._revoked = {"expired", "revoked"}

    def issue(self, org_id: str) -> str:
        """A new access token, which starts with the id of its org, as Salesforce's do."""
        token = f"{org_id[:15]}!sim.{self._random.getrandbits(128):032x}"
        self._expiry[token] = self._clock() + timedelta(seconds=self.lifetime)
        return token

    def revoke(self, token: str) -> None:
        """The token is good no longer."""
        self._revoked.add(token)

    def check(self, headers: Mapping[str, str]) -> None:
        """Raises `SalesforceError` unless the request carries a good token."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() not in ("bearer", "oauth") or not token or token in self._revoked:
            raise errors.session_invalid()
        expiry = self._expiry.get(token)
        if expiry is not None and expiry <= self._clock():
            raise errors.session_invalid()


class Usage:
    """Counts requests of a day, of which there are 100,000, and of a window of ten seconds if that has a limit."""

    def __init__(self, limit: int | None, clock: Callable[[], datetime]) -> None:
        self._limit = limit
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget every request counted."""
        self._start: datetime | None = None
        self._in_window = 0
        self.used = 0
        self.most = _A_DAY

    def take(self) -> dict[str, str]:
        """Count a request and return the header that tells the usage. Raises `SalesforceError` beyond the limit."""
        self.used += 1
        if self._limit is not None:
            now = self._clock()
            if self._start is None or now - self._start >= _WINDOW:
                self._start, self._in_window = now, 0
            self._in_window += 1
            if self._in_window > self._limit:
                raise errors.limit_exceeded()
        return {"Sforce-Limit-Info": f"api-usage={self.used}/{self.most}"}
