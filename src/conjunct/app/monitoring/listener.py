"""A port of its own for those who watch: metrics, and whether to restart this process or send it work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from conjunct.app.health import check
from conjunct.app.listening import listen, url_of

if TYPE_CHECKING:
    from conjunct.app.monitoring.monitor import Monitor
    from conjunct.app.services import Services

log = structlog.get_logger(__name__)


@asynccontextmanager
async def listening(host: str, port: int, monitor: Monitor, services: Services) -> AsyncIterator[None]:
    """Answer `/metrics`, `/livez` and `/readyz` there for the length of the block. Raises `SettingsError`."""
    watch = _Watch(monitor, services)
    app = web.Application()
    app.router.add_get("/metrics", watch.metrics)
    app.router.add_get("/livez", watch.livez)
    app.router.add_get("/readyz", watch.readyz)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        listener = listen(host, port, setting="CONJUNCT_METRICS_PORT")
        await web.SockSite(runner, listener).start()
        log.info("metrics.listening", url=url_of(listener))
        yield
    finally:
        await runner.cleanup()


class _Watch:
    def __init__(self, monitor: Monitor, services: Services) -> None:
        self._monitor = monitor
        self._services = services

    async def metrics(self, _request: web.Request) -> web.Response:
        body, media_type = await self._monitor.page()
        return web.Response(body=body, headers={"Content-Type": media_type})

    async def livez(self, _request: web.Request) -> web.Response:
        """Whether the process comes round. Without a database it does: a restart would not bring that back."""
        stuck = self._services.engine.pulse.stuck()
        if stuck:
            return web.json_response({"status": "stuck", "loops": stuck}, status=503)
        return web.json_response({"status": "alive"})

    async def readyz(self, _request: web.Request) -> web.Response:
        """Whether the whole can do its work, as `/readyz` of the API says."""
        checks = await check(self._services.database)
        ready = set(checks.values()) == {"ok"}
        body = {"status": "ready" if ready else "not ready", "checks": checks}
        return web.json_response(body, status=200 if ready else 503)
