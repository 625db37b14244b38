"""The API process."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
import uvicorn

from conjunct.app.api import create_api
from conjunct.app.first_start import open_database, prepare_database
from conjunct.app.http_protocol import HttpProtocol
from conjunct.app.listening import listen, url_of
from conjunct.app.monitoring import traced, watched
from conjunct.app.processes import watch_lifeline
from conjunct.app.services import open_services
from conjunct.core.settings import Settings

BACKLOG = 1024

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How the API is run: on an inherited socket (`fd`) that is reached at `url`, preparing the database before."""

    fd: int | None = None
    url: str | None = None
    first_start: bool = False


class _Server(uvicorn.Server):
    """Ends in order when asked to, which is success; uvicorn's own would then raise the signal against itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


async def run_api(settings: Settings, options: ServerOptions, *, lifeline: int | None = None) -> None:
    """Serve the API until SIGTERM or SIGINT; requests that are being answered are answered."""
    # Not uvicorn's own `fd`, which takes the socket for a Unix one and so leaves Nagle's algorithm on.
    inherited = options.fd is not None
    listener = socket.socket(fileno=options.fd) if inherited else listen(settings.host, settings.port)
    database = open_database(settings, "conjunct-api")
    try:
        if options.first_start:
            await prepare_database(settings, url=options.url, database=database)
        async with (
            traced("api"),
            open_services(settings, database) as services,
            watched(settings, services, "api") as monitor,
            services.proxy_usage.at_work(),
        ):
            config = uvicorn.Config(
                create_api(settings, services, monitor),
                backlog=BACKLOG,
                log_config=None,
                access_log=False,
                server_header=False,
                http=HttpProtocol,
                ws="none",
                lifespan="off",
                timeout_graceful_shutdown=round(settings.drain_seconds),
                # Longer than load balancers and clients keep idle connections, so that they close them and not we.
                timeout_keep_alive=75,
            )
            server = _Server(config)
            if lifeline is not None:
                watch_lifeline(lifeline, lambda: setattr(server, "should_exit", True))
            log.info("api.started", url=options.url or url_of(listener))
            await server.serve([listener])
    finally:
        await asyncio.shield(database.dispose())
