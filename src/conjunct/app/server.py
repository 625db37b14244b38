"""The API process."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass

import uvicorn

from conjunct.app.api import create_api
from conjunct.app.first_start import open_database, prepare_database
from conjunct.app.processes import watch_lifeline
from conjunct.app.services import open_services
from conjunct.core.settings import Settings

BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How the API is run: on an inherited socket (`fd`) that is reached at `url`, preparing the database before."""

    fd: int | None = None
    url: str | None = None
    first_start: bool = False


async def run_api(settings: Settings, options: ServerOptions, *, lifeline: int | None = None) -> None:
    """Serve the API until SIGTERM or SIGINT; requests that are being answered are answered."""
    database = open_database(settings, "conjunct-api")
    try:
        if options.first_start:
            await prepare_database(settings, url=options.url, database=database)
        async with open_services(settings, database) as services:
            config = uvicorn.Config(
                create_api(settings, services),
                host=settings.host,
                port=settings.port,
                backlog=BACKLOG,
                log_config=None,
                access_log=False,
                server_header=False,
                ws="none",
                lifespan="off",
                timeout_graceful_shutdown=round(settings.drain_seconds),
                h11_max_incomplete_event_size=64 * 1024,
            )
            server = uvicorn.Server(config)
            if lifeline is not None:
                watch_lifeline(lifeline, lambda: setattr(server, "should_exit", True))
            # Not by uvicorn's own `fd`, which takes it for a Unix socket and so leaves Nagle's algorithm on.
            inherited = None if options.fd is None else [socket.socket(fileno=options.fd)]
            await server.serve(inherited)
    finally:
        await asyncio.shield(database.dispose())
