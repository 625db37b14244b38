"""Keeps this process within a rate that it shares with others.

A process takes from the shared rate in lots, which it spends without asking: small ones at first, larger ones the
faster they are spent. What is left of a lot lapses soon, so that nothing is held by a process that is idle or gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from conjunct.kit.slots import Rate, largest_lot, lot_seconds


@dataclass(frozen=True, slots=True)
class Pace:
    """How time passes in this process: its seconds, and how one waits for some of them."""

    seconds: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


REAL = Pace()

Ask = Callable[[int], Awaitable[tuple[int, float]]]
"""Takes a lot of at most so many from what all share: how many it has; if none, for how many seconds there is none."""


class NoneLeft(Exception):
    """Nothing can be had in time; there may be something in `wait` seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"nothing is left for {wait:.3f} s")
        self.wait = wait


class Hand:
    """What this process has in hand of one rate. Its lots begin with `first`."""

    def __init__(self, rate: Rate, ask: Ask, pace: Pace = REAL, *, first: int = 1) -> None:
        self.rate = rate
        self._ask = ask
        self._pace = pace
        self._first = first
        self._queue = asyncio.Lock()  # whose waiters are served in their order
        self._waiting = 0
        self._left = 0
        self._lapses_at = 0.0
        self._empty_until = 0.0
        self._granted = 0

    async def take(self, deadline: float) -> None:
        """Take one, by the pace's seconds until `deadline`; who came first goes first. Raises `NoneLeft`."""
        if self._waiting == 0 and self._spend():
            return
        async with self._turn(deadline):
            while not self._spend():
                await self._fill(deadline)

    def _spend(self) -> bool:
        if self._left == 0 or self._pace.seconds() >= self._lapses_at:
            return False
        self._left -= 1
        return True

    async def _fill(self, deadline: float) -> None:
        """Take another lot; or wait until there may be one."""
        now = self._pace.seconds()
        wait = self._empty_until - now
        if wait <= 0:
            self._granted, wait = await self._ask(self._wanted(now))
            self._left = self._granted
            now = self._pace.seconds()
            self._lapses_at = now + lot_seconds(self.rate)  # from now on: a slow answer is no lot in vain
            if self._left:
                return
            self._empty_until = now + wait
        if now + wait > deadline:
            raise NoneLeft(wait)
        await self._pace.sleep(wait)
        self._empty_until = 0.0

    def _wanted(self, now: float) -> int:
        """Twice a lot that was spent in its life; of one that was not, what was spent; few again after a rest."""
        life = lot_seconds(self.rate)
        if now >= self._lapses_at + life:
            return self._first
        spent = self._granted - self._left
        wanted = spent if self._left else self._granted * 2
        return min(max(wanted, self._first), largest_lot(self.rate))

    @asynccontextmanager
    async def _turn(self, deadline: float) -> AsyncIterator[None]:
        self._waiting += 1
        try:
            try:
                async with asyncio.timeout(max(0.0, deadline - self._pace.seconds())):
                    await self._queue.acquire()
            except TimeoutError:
                raise NoneLeft(max(1.0, self._empty_until - self._pace.seconds())) from None
            try:
                yield
            finally:
                self._queue.release()
        finally:
            self._waiting -= 1
