"""Answers that are dear to make: made once for all who ask at the same moment, and kept for a while."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from conjunct.kit.clock import Clock, SystemClock

KEPT_FOR = timedelta(minutes=5)
MAX_BYTES = 32 * 1024 * 1024

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Landed:
    """An answer, and whether it is good enough to be kept."""

    body: bytes
    keep: bool


class Flights(Generic[Key]):
    """One flight a key at a time. What has landed is kept in at most `max_bytes`; the least recently used goes first.

    A flight belongs to nobody: whoever asked may go away, and the others still get the answer.
    """

    def __init__(
        self, *, kept_for: timedelta = KEPT_FOR, max_bytes: int = MAX_BYTES, clock: Clock | None = None
    ) -> None:
        self._kept_for = kept_for
        self._max_bytes = max_bytes
        self._clock = clock or SystemClock()
        self._flying: dict[Key, asyncio.Task[bytes]] = {}
        self._kept: OrderedDict[Key, tuple[datetime, bytes]] = OrderedDict()
        self._size = 0

    async def get(self, key: Key, fly: Callable[[], Awaitable[Landed]]) -> bytes:
        """The answer: the one that is kept, or that of the flight under way, or that of a new one.

        Raises what `fly` raises, to all who wait for it; nothing is kept of that.
        """
        kept = self._kept.get(key)
        if kept is not None and kept[0] > self._clock.now():
            self._kept.move_to_end(key)
            return kept[1]
        flight = self._flying.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fly(key, fly))
            self._flying[key] = flight
        return await asyncio.shield(flight)

    def forget(self, which: Callable[[Key], bool]) -> None:
        """Keep none of these answers, nor those of flights under way; who asks from now on has a new one."""
        for key in [key for key in self._kept if which(key)]:
            self._drop(key)
        for key in [key for key in self._flying if which(key)]:
            del self._flying[key]

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return self._size

    async def _fly(self, key: Key, fly: Callable[[], Awaitable[Landed]]) -> bytes:
        own = asyncio.current_task()
        try:
            landed = await fly()
            if landed.keep and self._flying.get(key) is own:
                self._keep(key, landed.body)
            return landed.body
        finally:
            if self._flying.get(key) is own:
                del self._flying[key]

    def _keep(self, key: Key, body: bytes) -> None:
        self._drop(key)
        if len(body) > self._max_bytes:
            return
        self._kept[key] = (self._clock.now() + self._kept_for, body)
        self._size += len(body)
        while self._size > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size -= len(kept[1])
