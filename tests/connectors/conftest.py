"""A scripted provider for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .scripted import ScriptedProvider, scripted_provider


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with scripted_provider() as running:
        yield running
