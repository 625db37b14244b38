"""Worker processes under a simulated clock."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from conjunct.app.services import open_services
from conjunct.core.database import Database
from conjunct.core.settings import Settings
from conjunct.queue import Options, PostgresEngine
from scripts.loadcheck.children import Order, Used
from scripts.loadcheck.simulated_clock import HandedClock, SimulatedClock


async def work(order: Order, settings_json: str, dsn: str, clock: SimulatedClock) -> Used:
    """Be ready, and a worker when told the clock that runs.

    Leases, which the database times, are as long for the machine as they always are.
    """
    told = HandedClock(clock)
    settings = Settings.model_validate_json(settings_json)
    database = Database(dsn, pool_size=settings.database_pool_size, application_name="worker")
    try:
        async with open_services(settings, database, clock=told) as services:
            await services.ensure_maintenance()
            order.ready()
            told.clock = await order.told()
            stop = asyncio.Event()
            engine = PostgresEngine(database, _options(settings, told.clock.factor))
            worker = asyncio.create_task(engine.run_worker(services.job_handlers(), stop))
            await order.until_stopped()
            stop.set()
            await worker
    finally:
        await database.dispose()
    return Used.so_far()


def _options(settings: Settings, factor: float) -> Options:
    return Options(
        slots=settings.worker_slots,
        tenant_cap=settings.project_slots,
        lease=timedelta(seconds=settings.lease_seconds * factor),
        heartbeat=timedelta(seconds=settings.lease_seconds / 3),
        poll=timedelta(seconds=min(2.0, max(2 / factor, 0.1))),
    )
