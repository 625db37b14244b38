"""A process's metrics: counted while it is watched, told as a page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Literal

from conjunct import __version__
from conjunct.app.monitoring.metrics import BUILD, LOOP_LAG
from conjunct.app.monitoring.sampling import Platform, sample_process
from conjunct.core import metrics, tracing
from conjunct.core.settings import Settings

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from conjunct.app.services import Services

LAG_SECONDS = 0.5
"""Between two looks at how late the event loop is."""

Process = Literal["api", "worker"]


class Monitor:
    """Tells the metrics of a process; an API tells of the whole platform besides, so that it is asked for once."""

    def __init__(self, registry: CollectorRegistry, services: Services, process: Process) -> None:
        self._registry = registry
        self._database = services.database
        told = process == "api"
        self._platform = Platform(services.database, services.engine, services.delivery) if told else None

    async def page(self) -> tuple[bytes, str]:
        """The metrics as they are now, and their media type."""
        sample_process(self._database)
        if self._platform is not None:
            await self._platform.sample()
        return metrics.page(self._registry)


@asynccontextmanager
async def watched(settings: Settings, services: Services, process: Process) -> AsyncIterator[Monitor | None]:
    """Count what the process does within the block, and tell it on a port of its own if one is set.

    None where nobody could ask for it: then nothing is counted.
    """
    if settings.metrics_token is None and settings.metrics_port is None:
        yield None
        return
    monitor = Monitor(metrics.start(), services, process)
    BUILD.set(1, __version__, process)
    lag = asyncio.create_task(_watch_loop(), name="event loop lag")
    try:
        if settings.metrics_port is None:
            yield monitor
            return
        from conjunct.app.monitoring.listener import listening  # noqa: PLC0415 - brings a web server along

        async with listening(settings.metrics_host, settings.metrics_port, monitor, services):
            yield monitor
    finally:
        lag.cancel()
        with suppress(asyncio.CancelledError):
            await lag
        metrics.stop()


@asynccontextmanager
async def traced(process: Process) -> AsyncIterator[None]:
    """Trace what the process does within the block, if the environment asks for it."""
    stop = tracing.start(process, version=__version__)
    try:
        yield
    finally:
        if stop is not None:
            await asyncio.to_thread(stop)


async def _watch_loop() -> None:
    clock = asyncio.get_running_loop().time
    while True:
        wanted = clock() + LAG_SECONDS
        await asyncio.sleep(LAG_SECONDS)
        LOOP_LAG.observe(max(clock() - wanted, 0.0))
