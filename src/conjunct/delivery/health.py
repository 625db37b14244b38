"""A destination's health: the circuit breaker, and when a destination is hopeless. Pure values.

After 5 failures in a row the breaker opens: nothing is sent for 5 seconds, then one message probes (half-open). A
probe that fails opens it again for twice as long, up to 5 minutes; a success closes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

THRESHOLD = 5
FIRST_OPENING = timedelta(seconds=5)
LONGEST_OPENING = timedelta(minutes=5)
HOPELESS_AFTER = timedelta(hours=120)
_MAX_DOUBLINGS = 10

GONE = "The destination answered 410 Gone."
HOPELESS = "Messages were given up over more than 120 hours without one success."
BY_CALL = "It was disabled by a call."


@dataclass(frozen=True, slots=True)
class Tally:
    """How attempts at one destination ended. `exhausted` counts the messages given up."""

    delivered: int = 0
    failed: int = 0
    exhausted: int = 0
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """`failing_since` is when a message was first given up since the last success."""

    enabled: bool = True
    disabled_reason: str | None = None
    disabled_at: datetime | None = None
    failing_since: datetime | None = None
    consecutive_failures: int = 0
    breaker_openings: int = 0
    breaker_open_until: datetime | None = None
    breaker_probe_until: datetime | None = None

    @property
    def is_clean(self) -> bool:
        """Whether a success would change nothing."""
        return replace(self, enabled=True, disabled_reason=None, disabled_at=None) == Health()

    def access(self, now: datetime) -> Literal["open", "probe", "blocked"]:
        """Whether messages may be sent now: all, one as a probe, or none."""
        if not self.enabled or self.blocked_until(now) is not None:
            return "blocked"
        return "open" if self.breaker_open_until is None else "probe"

    def blocked_until(self, now: datetime) -> datetime | None:
        """Until when the breaker lets nothing through; None when it does."""
        if self.breaker_open_until is None:
            return None
        until = max(self.breaker_open_until, self.breaker_probe_until or self.breaker_open_until)
        return until if until > now else None

    def after(self, tally: Tally, now: datetime) -> Health:
        """The health once these attempts are counted."""
        if not self.enabled:
            return self
        if tally.gone:
            return self.disabled(GONE, now)
        if tally.delivered:
            return Health()
        health = self._failed(tally.failed, now) if tally.failed else self
        return health._given_up(now) if tally.exhausted else health  # noqa: SLF001 - the same class

    def disabled(self, reason: str, now: datetime) -> Health:
        """The health once the destination is switched off; one that is off already stays as it is."""
        return replace(self, enabled=False, disabled_reason=reason, disabled_at=now) if self.enabled else self

    def closed(self) -> Health:
        """The health with a closed breaker, as if nothing had failed lately."""
        return replace(
            self, consecutive_failures=0, breaker_openings=0, breaker_open_until=None, breaker_probe_until=None
        )

    def _failed(self, count: int, now: datetime) -> Health:
        failures = self.consecutive_failures + count
        still_open = self.breaker_open_until is not None and self.breaker_open_until > now
        if failures < THRESHOLD or still_open:
            return replace(self, consecutive_failures=failures)
        opening = min(FIRST_OPENING * 2 ** min(self.breaker_openings, _MAX_DOUBLINGS), LONGEST_OPENING)
        return replace(
            self,
            consecutive_failures=failures,
            breaker_openings=self.breaker_openings + 1,
            breaker_open_until=now + opening,
            breaker_probe_until=None,
        )

    def _given_up(self, now: datetime) -> Health:
        since = self.failing_since or now
        if now - since > HOPELESS_AFTER:
            return replace(self, failing_since=since).disabled(HOPELESS, now)
        return replace(self, failing_since=since)
