"""A world to ask about: two groups, two providers, two integrations, two installations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from conjunct.app.tables import load_metadata
from conjunct.core.database import Database
from tests.api.world import World, make_world
from tests.support.platform import running_platform


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    """The world, served over HTTP; no worker runs, so that nothing changes but by the test's own requests."""
    async with running_platform(database, tmp_path, worker=False) as platform:
        yield await make_world(platform, database)


@pytest.fixture(scope="module")
async def lasting_world(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One world for all tests of a module, none of which may change anything."""
    database = Database(database_url)
    tables = ", ".join(f'"{name}"' for name in load_metadata().tables)
    async with database.engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {tables} CASCADE"))
    folder = tmp_path_factory.mktemp("world")
    async with running_platform(database, folder, worker=False) as platform:
        yield await make_world(platform, database)
    await database.dispose()
