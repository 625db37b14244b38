"""Whether the process lives, and whether the whole can do its work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from conjunct.app.api import create_api
from conjunct.app.migrate import head
from conjunct.app.services import open_services
from conjunct.core.database import Database
from conjunct.core.settings import Settings
from tests.support.platform import running_platform, running_worker
from tests.support.servers import serve


@asynccontextmanager
async def api_on(database: Database, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The API over this database, without a worker."""
    settings = Settings(data_dir=folder)
    async with open_services(settings, database) as services, serve(create_api(settings, services)) as client:
        yield client


def assert_not_ready(answer: httpx.Response, **checks: Any) -> None:
    problem = answer.json()
    assert answer.status_code == problem["status"] == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "https://conjunct.dev/problems/unavailable"
    assert problem["retryable"] is True
    assert problem["context"]["checks"] == checks


async def test_ready_with_a_database_its_schema_and_a_worker(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform, running_worker(platform.services):
        async with asyncio.timeout(20):
            while (answer := await platform.client.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - it is asked
                await asyncio.sleep(0.01)
        assert answer.json() == {"status": "ready", "checks": {"database": "ok", "migrations": "ok", "worker": "ok"}}


async def test_not_ready_without_a_worker(database: Database, tmp_path: Path) -> None:
    async with api_on(database, tmp_path) as client:
        answer = await client.get("/readyz")
        assert_not_ready(answer, database="ok", migrations="ok", worker="no sign of life since ever")
        assert (await client.get("/healthz")).json() == {"status": "alive"}


async def test_not_ready_when_the_worker_has_been_silent_for_long(database: Database, tmp_path: Path) -> None:
    async with database.transaction() as session:
        await session.execute(
            text("INSERT INTO worker (id, host, pid, beat_at) VALUES ('w', 'h', 1, timestamptz '2026-01-31 09:30Z')")
        )
    async with api_on(database, tmp_path) as client:
        worker = "no sign of life since 2026-01-31 09:30:00+00:00"
        assert_not_ready(await client.get("/readyz"), database="ok", migrations="ok", worker=worker)


@pytest.mark.parametrize("version", ["0000", "9999"])
async def test_not_ready_with_another_versions_schema(database: Database, tmp_path: Path, version: str) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    try:
        async with api_on(database, tmp_path) as client:
            answer = await client.get("/readyz")
    finally:
        async with database.transaction() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": head()})
    needed = f"at {version}, needs {head()}"
    assert_not_ready(answer, database="ok", migrations=needed, worker="no sign of life since ever")


async def test_not_ready_before_the_first_migration(server_url: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(server_url)
    name = "conjunct_test_without_tables"
    await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await connection.execute(f'CREATE DATABASE "{name}"')
    database = Database(Database(server_url).url.set(database=name).render_as_string(hide_password=False))
    try:
        async with api_on(database, tmp_path) as client:
            answer = await client.get("/readyz")
        needed = f"at None, needs {head()}"
        assert_not_ready(answer, database="ok", migrations=needed, worker="unknown")
    finally:
        await database.dispose()
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await connection.close()


async def test_not_ready_but_alive_without_a_database(tmp_path: Path) -> None:
    """Nothing listens at the address: requests are refused as problems, at once."""
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    async with api_on(database, tmp_path) as client:
        answer = await client.get("/readyz")
        assert_not_ready(answer, database="does not answer", migrations="unknown", worker="unknown")
        assert (await client.get("/healthz")).status_code == 200
        refused = await client.get("/v1/projects/default/connections", headers={"X-Api-Key": "cj_any"})
        assert refused.status_code == 503
        assert refused.json()["detail"] == "The database does not answer right now."
        assert refused.json()["retryable"] is True


async def test_a_database_that_is_silent_is_told_within_seconds(tmp_path: Path) -> None:
    """Connections are accepted but never answered, as by a host that hangs."""

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(never_answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, api_on(Database(f"postgresql://nobody@127.0.0.1:{port}/none"), tmp_path) as client:
        answer = await client.get("/readyz", timeout=10)
        assert_not_ready(answer, database="does not answer", migrations="unknown", worker="unknown")
