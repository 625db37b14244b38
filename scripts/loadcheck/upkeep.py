"""What is left of a day when all of it is too old."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import asyncpg

from conjunct.app.services import open_services
from conjunct.core.database import Database
from conjunct.core.settings import Settings
from conjunct.kit.clock import ManualClock
from conjunct.queue import Job
from scripts.loadcheck.sizes import Cost, database_size, megabytes

_COUNTS = """
select (select count(*) from operation), (select count(*) from read_run), (select count(*) from delivery_attempt)
"""
SWEEPS = ("read.sweep", "operation.sweep", "delivery.sweep")


async def pass_a_month(settings: Settings, database: Database, connection: asyncpg.Connection, now: datetime) -> None:
    """Sweep as if it were 32 days later, and tell what that removed, how fast, and how large the rest is."""
    [before] = await connection.fetch(_COUNTS)
    async with open_services(settings, database, clock=ManualClock(now + timedelta(days=32))) as services:
        for kind in SWEEPS:
            cost, began = await Cost.so_far(connection), time.monotonic()
            await services.job_handlers()[kind](Job(1, "", kind, kind, kind, 1, 10, "check"))
            seconds = time.monotonic() - began
            await connection.execute("select pg_stat_force_next_flush()")
            wal = (await Cost.so_far(connection)).since(cost).wal
            print(f"{kind:16} {seconds:.1f} s, {megabytes(wal).strip()} of WAL")
    [after] = await connection.fetch(_COUNTS)
    for name, was, left in zip(("operations", "runs", "attempts"), before, after, strict=True):
        print(f"a month on   {left:,} of {was:,} {name} are left")
    for table in ("operation", "operation_log", "read_run", "delivery_attempt"):
        await connection.execute(f"vacuum {table}")
    print(f"database     {megabytes(await database_size(connection))} then, vacuumed")
