"""What every test may use: a real, empty Postgres with all tables."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy.pool import QueuePool

from conjunct.app.embedded import scratch_postgres
from conjunct.app.migrate import migrate
from conjunct.app.tables import load_metadata
from conjunct.core.database import Database
from conjunct.kit.ids import new_id
from tests.support.logs import log_plainly

log_plainly()

# Twenty times as fast as TRUNCATE, which makes new files for every table and index, empty ones too.
EMPTY_ALL = "DO $$ BEGIN {} END $$".format(
    " ".join(f'DELETE FROM "{table.name}";' for table in reversed(load_metadata().sorted_tables))
)


@pytest.fixture(scope="session")
async def server_url() -> AsyncIterator[str]:
    """A Postgres server: the one that CONJUNCT_TEST_DATABASE_URL names, else an embedded one."""
    if given := os.environ.get("CONJUNCT_TEST_DATABASE_URL"):
        yield given
        return
    async with scratch_postgres() as server:
        yield server.url


@pytest.fixture(scope="session")
async def database_url(server_url: str) -> AsyncIterator[str]:
    """A database of this test process's own, migrated, with every table in it."""
    name = "conjunct_test_" + new_id().replace("-", "")
    connection = await asyncpg.connect(server_url)
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')  # no test pulls its plug
    url = Database(server_url).url.set(database=name, drivername="postgresql").render_as_string(hide_password=False)
    try:
        database = Database(url)
        await migrate(database)
        await database.dispose()
        yield url
    finally:
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await connection.close()


@pytest.fixture(scope="session")
async def lasting_database(database_url: str) -> AsyncIterator[Database]:
    """The database with connections for all tests of this process: what they prepare and compile, they do once."""
    database = Database(database_url)
    yield database
    await database.dispose()


@pytest.fixture
async def database(lasting_database: Database) -> AsyncIterator[Database]:
    """The database, with every table empty."""
    async with lasting_database.engine.begin() as connection:
        await connection.exec_driver_sql(EMPTY_ALL)
    yield lasting_database
    pool = lasting_database.engine.pool
    if isinstance(pool, QueuePool) and pool.checkedout():  # what a test has left at work is not the next one's concern
        await lasting_database.dispose()


def pytest_collection_finish() -> None:
    """Keep the garbage collector off what lasts as long as the process; looking through it stops tests for seconds."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Names of cases that are the same in every process, which pytest-xdist needs: sets and archives have none."""
    if isinstance(val, set | frozenset):
        return "{" + ", ".join(sorted(map(repr, val))) + "}"
    if isinstance(val, bytes) and len(val) > 64:
        return f"{argname}-of-{len(val)}-bytes"
    return None
