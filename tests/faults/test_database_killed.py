"""The database is killed in the middle of a read: commits that had not reached the disk are lost, and made good."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import asyncpg

from conjunct.app.embedded import EmbeddedPostgres
from conjunct.app.migrate import migrate
from conjunct.core.database import Database
from conjunct.queue.submission import CHANNEL
from conjunct.simulators import SimulatorOptions
from tests.support.platform import running_platform
from tests.support.reading import contacts, run_of, set_up, until, watermark


async def test_a_read_outlives_the_death_of_its_database(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "postgres", durable=False) as server:
        database = Database(server.url)
        await migrate(database)
        try:
            await _read_through_its_death(database, tmp_path)
        finally:
            await database.dispose()


async def _read_through_its_death(database: Database, folder: Path) -> None:
    simulated = SimulatorOptions(records=3000, latency=0.01)
    async with running_platform(database, folder, simulated=simulated, lease_seconds=10.0) as platform:
        await set_up(platform)
        await _reach_the_disk(database.dsn)
        [operation] = await platform.operations()

        async def ended() -> bool:
            return await _status(database.dsn, operation["id"]) not in ("in_progress", None)

        await platform.receiver.wait_for(8)
        assert await _status(database.dsn, operation["id"]) == "in_progress"
        os.kill(int((folder / "postgres/postgres/cluster/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        await until(ended)
        await platform.client.get(f"{platform.project}/connections")  # finds out that its connection is gone

        done = await platform.send("GET", f"/operations/{operation['id']}", 200)
        assert (done["status"], done["result"]) == ("success", "[contacts] 3000 records read")
        by_id = {message.id: message.raw for message in platform.receiver.messages}
        run = await run_of(platform, operation["id"])
        assert len(by_id) == run.page == 30
        assert all(message.raw == by_id[message.id] for message in platform.receiver.messages)
        assert set(platform.delivered()) == set(await contacts(platform))
        assert await watermark(platform) == run.new_watermark


async def _reach_the_disk(dsn: str) -> None:
    """Flush what was committed: this database, made for tests, does not wait for the disk at any commit."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _status(dsn: str, operation_id: str) -> str | None:
    """The operation's status, after ending the waits of all jobs; None while the database does not answer."""
    try:
        connection = await asyncpg.connect(dsn, timeout=5)
        try:
            await connection.execute("update job set run_at = now() where state = 'delayed'")
            await connection.execute(f"select pg_notify('{CHANNEL}', 'delayed')")
            found: str = await connection.fetchval("select status from operation where id = $1", operation_id)
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None
    return found
