"""Servers under measurement, each in a process of its own, and the database that they share."""

from __future__ import annotations

import multiprocessing
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import structlog
import uvicorn
import uvloop

from conjunct.app.migrate import migrate
from conjunct.core.database import Database
from conjunct.kit.ids import new_id


@asynccontextmanager
async def migrated_database(server_url: str) -> AsyncIterator[Database]:
    """A database of its own with the whole schema, dropped at the end."""
    name = "conjunct_bench_" + new_id().replace("-", "")
    server = await asyncpg.connect(Database(server_url).dsn)
    await server.execute(f'create database "{name}"')
    database = Database(Database(server_url).url.set(database=name).render_as_string(hide_password=False))
    try:
        await migrate(database)
        yield database
    finally:
        await database.dispose()
        await server.execute(f'drop database "{name}" with (force)')
        await server.close()


@contextmanager
def served(make_app: Callable[[str], Any], argument: str) -> Iterator[str]:
    """Serve `make_app(argument)` in a process of its own; gives its URL when it answers."""
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_serve, args=(make_app, argument, listener), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        process.terminate()
        process.join()
        listener.close()


def _serve(make_app: Callable[[str], Any], argument: str, listener: socket.socket) -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    config = uvicorn.Config(make_app(argument), log_config=None, access_log=False, ws="none", server_header=False)
    uvloop.run(uvicorn.Server(config).serve([listener]))
