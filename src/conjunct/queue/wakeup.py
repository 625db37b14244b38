"""Hearing of work at once: a raw connection that listens, since the pool's come and go."""

from __future__ import annotations

import asyncio

import asyncpg

from conjunct.queue.submission import CHANNEL


class Bell:
    """Two signals to a worker: something is `ready` to be claimed; something `delayed` changed what is due next."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.delayed = asyncio.Event()

    def ring(self) -> None:
        """Look at everything."""
        self.ready.set()
        self.delayed.set()

    async def listen(self, dsn: str) -> None:
        """Ring as notifications come; raises `ConnectionError` when the connection ends."""
        ended = asyncio.Event()
        connection = await asyncpg.connect(dsn, timeout=10, server_settings={"application_name": "conjunct-listener"})
        try:
            connection.add_termination_listener(lambda _: ended.set())
            await connection.add_listener(CHANNEL, self._hear)
            self.ring()  # for what was said while nobody listened
            await ended.wait()
        finally:
            connection.terminate()
        raise ConnectionError("the database closed the connection that listens")

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        (self.delayed if payload == "delayed" else self.ready).set()
