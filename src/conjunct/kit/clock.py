"""The time, as something that is handed in, so that tests decide what time it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is told to move. For tests."""

    def __init__(self, start: datetime) -> None:
        self._now = _in_utc(start)

    def now(self) -> datetime:
        return self._now

    def advance(self, step: timedelta) -> datetime:
        """Move forward by `step` and return the new time. Raises ValueError for a negative step."""
        if step < timedelta(0):
            raise ValueError("A clock does not run backwards; use set() to choose another time")
        self._now += step
        return self._now

    def set(self, moment: datetime) -> None:
        """Jump to `moment`, earlier or later. Raises ValueError when it has no time zone."""
        self._now = _in_utc(moment)


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("A moment needs its time zone, such as datetime(2026, 1, 1, tzinfo=UTC)")
    return moment.astimezone(UTC)
