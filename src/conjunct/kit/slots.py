"""How much of a rate is left: pure, without I/O.

What was taken is counted in each of the last few slots of time, so that no stretch of a rate's length sees more than it
allows, wherever it begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

SLOTS = 10
MAX_LOT = 100
LONGEST_LOT = 2.0
"""Seconds after which what is left of a lot lapses, at the latest."""


class Rate(Protocol):
    """So many requests in so many seconds."""

    @property
    def requests(self) -> int:
        """The most that may go out."""
        ...

    @property
    def seconds(self) -> float:
        """In any stretch of this length."""
        ...


def largest_lot(rate: Rate) -> int:
    """How many requests a process may take at once."""
    return min(MAX_LOT, max(1, rate.requests // SLOTS))


def lot_seconds(rate: Rate) -> float:
    """How long a lot may be spent."""
    return min(LONGEST_LOT, rate.seconds / SLOTS)


@dataclass(frozen=True, slots=True)
class Window:
    """What was taken: in `slot`, the newest (numbered from the epoch), and in those before it."""

    slot: int = 0
    taken: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Lot:
    """So many requests may go out; if none, some may in `wait` seconds."""

    requests: int
    wait: float = 0.0


def take_lot(window: Window, rate: Rate, now: float, wanted: int) -> tuple[Window, Lot]:
    """What there is of the wanted requests at `now` (seconds since the epoch), and the window after it.

    A slot counts until the last of it is the rate's time away, and a lot's life more: what was taken then may have
    gone out that much later. So no stretch of that length sees more requests go out than it allows.
    """
    length, life = rate.seconds / SLOTS, lot_seconds(rate)
    slot = int(now // length)
    taken = _moved(window, slot)
    if now >= slot * length + life:
        taken = (*taken[:-1], 0)
    free = max(0, rate.requests - sum(taken))
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
