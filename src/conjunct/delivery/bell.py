"""Hearing that a feed has something new: one listening connection for all who wait in this process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from conjunct.delivery.kept import CHANNEL

_CONNECT_SECONDS = 10


class FeedBell:
    """Listens while somebody waits. When the connection ends, all are rung, so that they look for themselves."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._listens = asyncio.Event()

    @asynccontextmanager
    async def waiting(self, destination_id: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set by whatever is added to the destination's feed from now on."""
        rung = asyncio.Event()
        self._waiting[destination_id].add(rung)
        try:
            if self._task is None or self._task.done():
                self._listens = asyncio.Event()
                self._task = asyncio.create_task(self._listen(self._listens))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._listens.wait(), _CONNECT_SECONDS)
            yield rung
        finally:
            self._waiting[destination_id].discard(rung)
            if not self._waiting[destination_id]:
                del self._waiting[destination_id]
            if not self._waiting and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _listen(self, listens: asyncio.Event) -> None:
        ended = asyncio.Event()
        connection = None
        try:
            connection = await asyncpg.connect(
                self._dsn, timeout=_CONNECT_SECONDS, server_settings={"application_name": "conjunct-feeds"}
            )
            connection.add_termination_listener(lambda _: ended.set())
            await connection.add_listener(CHANNEL, self._hear)
            listens.set()
            await ended.wait()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            return  # who waits looks again at the end of its time
        finally:
            if connection is not None:
                connection.terminate()
            listens.set()
            for destination_id in list(self._waiting):
                self._ring(destination_id)

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._ring(str(payload))

    def _ring(self, destination_id: str) -> None:
        for rung in self._waiting.get(destination_id, ()):
            rung.set()
