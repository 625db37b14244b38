"""The worker process."""

from __future__ import annotations

import asyncio
import signal

from sqlalchemy.exc import SQLAlchemyError

from conjunct.app.first_start import open_database
from conjunct.app.migrate import current_version, head
from conjunct.app.monitoring import traced, watched
from conjunct.app.processes import watch_lifeline
from conjunct.app.services import open_services
from conjunct.core.database import Database
from conjunct.core.settings import Settings, SettingsError

SCHEMA_POLL_SECONDS = 0.05
SCHEMA_WAIT_SECONDS = 60.0


async def run_worker(settings: Settings, *, await_schema: bool = False, lifeline: int | None = None) -> None:
    """Run jobs until SIGTERM or SIGINT; running ones get time to end, then others take them over."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if lifeline is not None:
        watch_lifeline(lifeline, stop.set)
    database = open_database(settings, "conjunct-worker")
    try:
        await _require_schema(database, wait=SCHEMA_WAIT_SECONDS if await_schema else 0.0)
        async with (
            traced("worker"),
            open_services(settings, database) as services,
            watched(settings, services, "worker"),
        ):
            await services.ensure_maintenance()
            await services.engine.run_worker(services.job_handlers(), stop)
    finally:
        await asyncio.shield(database.dispose())


async def _require_schema(database: Database, *, wait: float) -> None:
    needed, version = head(), None
    deadline = asyncio.get_running_loop().time() + wait
    while True:
        try:
            version = await current_version(database)
        except (SQLAlchemyError, OSError):
            if not wait:
                raise
        if version == needed:
            return
        if asyncio.get_running_loop().time() >= deadline:
            raise SettingsError(
                f"DATABASE_URL: the database's schema is at {version}, this version needs {needed}; "
                "run `conjunct migrate` first"
            )
        await asyncio.sleep(SCHEMA_POLL_SECONDS)
