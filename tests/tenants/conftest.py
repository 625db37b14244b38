"""The API as builders call it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from conjunct.core.database import Database
from tests.support.people import People, people_at_work


@pytest.fixture
async def people(database: Database, tmp_path: Path) -> AsyncIterator[People]:
    """The API over HTTP, on an empty database."""
    async with people_at_work(database, tmp_path) as people:
        yield people
