"""Keeps the requests of a connection within its provider's limits, together with all other processes.

A process takes requests from the shared buckets in lots, which it spends without asking: small ones at first, larger
ones the faster they are spent. What is left of a lot lapses soon, so that nothing is held by a process that is idle or
gone. That the provider wants a pause is known to all within the life of a lot.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

import structlog

from conjunct.connections.buckets import Buckets
from conjunct.connections.problems import ConnectionNotFound
from conjunct.connectors.definition import Bucket
from conjunct.connectors.errors import HeldBack
from conjunct.connectors.limits import DEFAULT_BUCKET
from conjunct.core.database import Database
from conjunct.core.pacing import REAL, Hand, NoneLeft, Pace
from conjunct.core.persisting import PASSING
from conjunct.kit.clock import Clock
from conjunct.kit.slots import LONGEST_LOT

MAX_KEPT = 1000

Limits = Mapping[str, Bucket]
"""The buckets that a provider documents, by name."""


log = structlog.get_logger(__name__)


class Limiters:
    """The limiters of a process, one for each connection that was used lately."""

    def __init__(self, database: Database, clock: Clock, *, pace: Pace = REAL) -> None:
        self._database = database
        self._clock = clock
        self._pace = pace
        self._kept: OrderedDict[tuple[str, str], ConnectionLimiter] = OrderedDict()

    def of(
        self, project_id: str, connection_id: str, limits: Limits, *, throttled_until: datetime | None
    ) -> ConnectionLimiter:
        """The connection's limiter; `throttled_until` is what its row says now."""
        key = (project_id, connection_id)
        limiter = self._kept.get(key)
        if limiter is None or limiter.limits != limits:
            shared = Buckets(self._database, project_id, connection_id)
            limiter = self._kept[key] = ConnectionLimiter(shared, limits, self._clock, pace=self._pace)
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        limiter.hear(throttled_until)
        return limiter


class ConnectionLimiter:
    """The `Limiter` of one connection in this process. `limits` are the buckets that the provider documents."""

    def __init__(self, shared: Buckets, limits: Limits, clock: Clock, *, pace: Pace = REAL) -> None:
        self.limits = limits
        self._shared = shared
        self._clock = clock
        self._pace = pace
        self._hand = {name: Hand(limit, partial(self._lot, name), pace) for name, limit in limits.items()}
        self._paused_until: datetime | None = None
        self._untold_until: datetime | None = None
        self._heard_at = float("-inf")

    def hear(self, throttled_until: datetime | None) -> None:
        """Take note of what the connection's row says of a pause."""
        self._paused_until = throttled_until
        self._heard_at = self._pace.seconds()

    async def take(self, bucket: str | None, *, patience: float) -> None:
        """See `Limiter`. Also raises `ConnectionNotFound`, when the connection was deleted meanwhile."""
        deadline = self._pace.seconds() + patience
        await self._pass_pause(deadline)
        for name in dict.fromkeys((bucket, DEFAULT_BUCKET)):  # the narrow one first, which is the first to be empty
            hand = self._hand.get(name) if name is not None else None
            if hand is not None:
                try:
                    await hand.take(deadline)
                except NoneLeft as none_left:
                    limit = f"{hand.rate.requests:,} requests in {hand.rate.seconds:g} s"
                    message = f"the provider's limit of {limit} is used up for now"
                    raise HeldBack(message, retry_after=none_left.wait) from None
        await self._pass_pause(deadline)  # one may have begun meanwhile

    async def pause(self, seconds: float) -> None:
        """See `Limiter`. What cannot be told to the others is heeded here, at least: the answer must not be lost."""
        until = self._clock.now() + timedelta(seconds=seconds)
        try:
            await self._shared.throttle(until)
            self.hear(until)
        except (*PASSING, ConnectionNotFound) as error:
            self._untold_until = until
            log.warning("limits.pause_not_told", seconds=seconds, error=str(error))

    async def _pass_pause(self, deadline: float) -> None:
        while True:
            if self._pace.seconds() - self._heard_at >= LONGEST_LOT:
                self._heard_at = self._pace.seconds()  # one asks for all
                self.hear(await self._shared.throttled_until())
            left = self._left_of_pause()
            if left <= 0:
                return
            if self._pace.seconds() + left > deadline:
                raise HeldBack("the provider asked us to slow down", retry_after=left)
            await self._pace.sleep(left)

    def _left_of_pause(self) -> float:
        ends = [moment for moment in (self._paused_until, self._untold_until) if moment is not None]
        return (max(ends) - self._clock.now()).total_seconds() if ends else 0.0

    async def _lot(self, name: str, wanted: int) -> tuple[int, float]:
        taken = await self._shared.take(name, self.limits[name], wanted)
        self.hear(taken.throttled_until)
        return taken.lot.requests, taken.lot.wait
