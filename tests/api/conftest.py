"""A world to ask about: two groups, two providers, two integrations, two installations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from conjunct.core.database import Database
from tests.api.world import World, make_world
from tests.support.platform import running_platform


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    """The world, served over HTTP; no worker runs, so that nothing changes but by the test's own requests."""
    async with running_platform(database, tmp_path, worker=False) as platform:
        yield await make_world(platform, database)
