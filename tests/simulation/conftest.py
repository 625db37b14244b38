"""The environment that all machines of a test run play in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulation.environment import Environment, simulation


@pytest.fixture(scope="session")
def environment(server_url: str) -> Iterator[Environment]:
    """An environment on a database of its own."""
    with simulation(server_url) as environment:
        yield environment
