"""Values that are asked for when they are looked at: of this process, and of the whole platform."""

from __future__ import annotations

import asyncio
import time

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from conjunct.app.monitoring.metrics import CONNECTIONS, PLATFORM_KNOWN
from conjunct.core.database import Database
from conjunct.delivery import DeliveryService
from conjunct.delivery.metrics import DESTINATIONS, MESSAGE_BYTES, MESSAGES
from conjunct.queue import Engine
from conjunct.queue.metrics import JOBS, OLDEST_READY

PLATFORM_SECONDS = 5.0
"""Between two times that the database is asked, however often somebody looks."""

LONGEST = 2.0
"""Seconds that the database gets to answer."""

_BOUND = text(f"set local statement_timeout = {round(LONGEST * 1000)}")

log = structlog.get_logger(__name__)


def sample_process(database: Database) -> None:
    """Tell how this process is."""
    pool = database.engine.pool
    if isinstance(pool, QueuePool):
        CONNECTIONS.set(pool.checkedout(), "in_use")
        CONNECTIONS.set(pool.size(), "limit")


class Platform:
    """Tells what the whole platform has to do, as the database knows it. Old values are not told as new ones."""

    def __init__(self, database: Database, engine: Engine, delivery: DeliveryService) -> None:
        self._database = database
        self._engine = engine
        self._delivery = delivery
        self._asked = float("-inf")
        self._asking = asyncio.Lock()

    async def sample(self) -> None:
        """Ask the database, unless that was done just now."""
        async with self._asking:
            if time.monotonic() - self._asked < PLATFORM_SECONDS:
                return
            try:
                async with asyncio.timeout(LONGEST):
                    await self._sample()
                PLATFORM_KNOWN.set(1)
            except (SQLAlchemyError, OSError) as error:
                log.warning("metrics.platform_unknown", error=type(error).__name__)
                for gauge in (JOBS, OLDEST_READY, MESSAGES, MESSAGE_BYTES, DESTINATIONS):
                    gauge.forget()
                PLATFORM_KNOWN.set(0)
            self._asked = time.monotonic()

    async def _sample(self) -> None:
        async with self._database.transaction() as session:
            await session.execute(_BOUND)
            jobs = await self._engine.stats(session)
            waiting = await self._delivery.backlog(session)
        for state in ("ready", "yielded", "running", "delayed", "waiting", "dead"):
            JOBS.set(getattr(jobs, state), state)
        OLDEST_READY.set(jobs.lag_seconds)
        MESSAGES.set(waiting.pending, "pending")
        MESSAGES.set(waiting.held, "held")
        MESSAGE_BYTES.set(waiting.pending_bytes, "pending")
        MESSAGE_BYTES.set(waiting.held_bytes, "held")
        DESTINATIONS.set(waiting.disabled, "disabled")
        DESTINATIONS.set(waiting.breaker_open, "breaker_open")
