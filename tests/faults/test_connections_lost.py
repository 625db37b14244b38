"""The database and destinations go away in the middle of a read and come back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from conjunct.core.database import Database
from conjunct.queue.submission import CHANNEL
from conjunct.simulators import SimulatorOptions
from tests.support.platform import running_platform
from tests.support.reading import contacts, hurry, rows, run_of, set_up, until, watermark


@pytest.fixture
async def administrator(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection that is not the platform's."""
    connection = await asyncpg.connect(database.dsn)
    yield connection
    await connection.close()


async def test_a_read_outlives_the_loss_of_every_database_connection(
    database: Database, tmp_path: Path, administrator: asyncpg.Connection
) -> None:
    async with running_platform(
        database, tmp_path, simulated=SimulatorOptions(records=3000, latency=0.01), lease_seconds=10.0
    ) as platform:
        await set_up(platform)
        [operation] = await platform.operations()

        async def ended() -> bool:
            await administrator.execute("update job set run_at = now() where state = 'delayed'")
            await administrator.execute(f"select pg_notify('{CHANNEL}', 'delayed')")
            found = await administrator.fetchval("select status from operation where id = $1", operation["id"])
            return bool(found != "in_progress")

        for pages in (3, 14):

            async def arrived(pages: int = pages) -> bool:
                return await ended() or len(set(platform.receiver.ids)) >= pages

            await until(arrived)
            dropped = await administrator.fetchval(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
            assert dropped > 2
            assert not await ended()
        await until(ended)

        answer = await platform.client.get(f"{platform.project}/operations/{operation['id']}")
        if answer.status_code == 503:  # the first request finds out that its connection is gone
            assert answer.json()["retryable"] is True
        done = await platform.send("GET", f"/operations/{operation['id']}", 200)
        assert (done["status"], done["result"]) == ("success", "[contacts] 3000 records read")
        by_id = {message.id: message.raw for message in platform.receiver.messages}
        run = await run_of(platform, operation["id"])
        assert len(by_id) == run.page == 30
        assert all(message.raw == by_id[message.id] for message in platform.receiver.messages)
        assert set(platform.delivered()) == set(await contacts(platform))
        assert await watermark(platform) == run.new_watermark
    await database.dispose()  # some of its connections may have been idle since they were cut


async def test_a_destination_that_comes_and_goes_gets_every_message_in_the_end(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, simulated=SimulatorOptions(records=3000, latency=0.01)) as platform:
        receiver = platform.receiver
        await set_up(platform)
        [operation] = await platform.operations()
        for requests, failures in ((3, 2), (9, 4)):
            await receiver.wait_for(requests, requests=True)
            receiver.fail(503, times=failures)
        assert (await platform.ended(operation["id"]))["status"] == "success"

        async def delivered() -> bool:
            await hurry(platform)
            return not await rows(platform, "select id from delivery_message")

        await until(delivered)
        assert len(receiver.ids) == len(set(receiver.ids)) == 30
        assert len(receiver.requests) > 30
        assert len(platform.delivered()) == len(set(platform.delivered())) == 3000
        assert set(platform.delivered()) == set(await contacts(platform))
