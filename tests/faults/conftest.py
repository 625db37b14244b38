"""What fault tests use: a database made by the migrations, as worker processes of their own require."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from conjunct.app.migrate import migrate
from conjunct.core.database import Database
from conjunct.kit.ids import new_id


@pytest.fixture
async def migrated(server_url: str) -> AsyncIterator[Database]:
    """A database of this test's own, at the schema's head."""
    name = "conjunct_fault_" + new_id().replace("-", "")
    connection = await asyncpg.connect(server_url)
    await connection.execute(f'CREATE DATABASE "{name}"')
    url = Database(server_url).url.set(database=name, drivername="postgresql").render_as_string(hide_password=False)
    database = Database(url)
    try:
        await migrate(database)
        yield database
    finally:
        await database.dispose()
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await connection.close()
