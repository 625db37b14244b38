"""What a builder may ask of how a destination is served: how fast, in which order, and what is kept to be pulled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from conjunct.core.problems import Issue, Unprocessable

LARGEST_RATE = 10_000
LONGEST_KEPT_HOURS = 336
FEED_KEPT_HOURS = 72
"""How long a destination that nothing is sent to keeps its messages, unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class Terms:
    """At most `rate_per_second` messages are sent; `ordered`: those of one key one after another.

    Every message is kept for `keep_hours`, to be pulled from the feed; 0 keeps none. The defaults ask for nothing.
    Where nothing is sent (`pushes` is False, by the destination's type), messages are kept and no more.
    """

    rate_per_second: int | None = None
    ordered: bool = False
    keep_hours: int = 0
    pushes: bool = True

    @property
    def columns(self) -> dict[str, Any]:
        """What of it is stored."""
        return {"rate_per_second": self.rate_per_second, "ordered": self.ordered, "keep_hours": self.keep_hours}

    @property
    def kept_for(self) -> timedelta:
        """How long a message can be pulled."""
        return timedelta(hours=self.keep_hours)


PLAIN = Terms()


def check_terms(rate_per_second: int | None, ordered: bool | None, keep_hours: int | None, *, pushes: bool) -> Terms:
    """The terms of a destination from what was given of them; None is not given.

    Raises `Unprocessable` for what makes no sense where nothing is sent (`pushes` is False).
    """
    if pushes:
        return Terms(rate_per_second, ordered or False, keep_hours or 0)
    issues = []
    if rate_per_second is not None:
        issues.append(Issue("delivery.ratePerSecond", "is not for a feed: nothing is sent", value=rate_per_second))
    if ordered is not None:
        issues.append(Issue("delivery.ordered", "is not for a feed: it has an order of its own", value=ordered))
    if keep_hours == 0:
        issues.append(Issue("delivery.keepHours", "must be at least 1: a feed is nothing but what it keeps", value=0))
    if issues:
        raise Unprocessable(
            "A feed cannot have these options.",
            remedy=f"Leave them out. `keepHours` may be 1 to {LONGEST_KEPT_HOURS}; without it, {FEED_KEPT_HOURS}.",
            issues=issues,
        )
    return Terms(keep_hours=keep_hours or FEED_KEPT_HOURS, pushes=False)
