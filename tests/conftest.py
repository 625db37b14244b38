"""What every test may use: a real, empty Postgres with all tables."""

from __future__ import annotations

import importlib
import os
import pkgutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

import conjunct
from conjunct.core.database import Base, Database
from conjunct.kit.ids import new_id

for module in pkgutil.walk_packages(conjunct.__path__, "conjunct."):
    if module.name.endswith(".models"):
        importlib.import_module(module.name)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A Postgres server: the one that CONJUNCT_TEST_DATABASE_URL names, else an embedded one."""
    given = os.environ.get("CONJUNCT_TEST_DATABASE_URL")
    if given:
        yield given
        return
    from conjunct.app.embedded import EmbeddedPostgres

    with tempfile.TemporaryDirectory(prefix="cjtest") as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


@pytest.fixture(scope="session")
async def database_url(server_url: str) -> AsyncIterator[str]:
    """A database of this test process's own, with every table in it."""
    name = "conjunct_test_" + new_id().replace("-", "")
    connection = await asyncpg.connect(server_url)
    await connection.execute(f'CREATE DATABASE "{name}"')
    url = Database(server_url).url.set(database=name, drivername="postgresql").render_as_string(hide_password=False)
    try:
        database = Database(url)
        async with database.engine.begin() as engine:
            await engine.run_sync(Base.metadata.create_all)
        await database.dispose()
        yield url
    finally:
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await connection.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The database, with every table empty."""
    database = Database(database_url)
    tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    yield database
    await database.dispose()
