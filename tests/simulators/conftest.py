"""A HubSpot simulator on a free port, and a client of it that carries a token."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from conjunct.simulators import Running, SimulatorOptions, serve
from tests.support.servers import NO_AUTHORITIES


@dataclass(slots=True)
class Clock:
    """A clock that stands still until it is moved."""

    moment: datetime = datetime(2026, 6, 1, 12, 0, 0, 123_456, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def move(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class HubSpotUnderTest:
    """A served simulator and an HTTP client whose base URL and token are set."""

    running: Running
    http: httpx.AsyncClient

    async def search(self, object_name: str = "contacts", **body: Any) -> dict[str, Any]:
        answer = await self.http.post(f"/crm/v3/objects/{object_name}/search", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def find(self, name: str, operator: str, value: Any = None, **more: Any) -> list[dict[str, Any]]:
        """The records that one filter finds, with every property that the tests look at."""
        condition = {"propertyName": name, "operator": operator, **more}
        if value is not None:
            condition["value"] = value
        body: dict[str, Any] = {"filterGroups": [{"filters": [condition]}], "limit": 200, "properties": [name]}
        results: list[dict[str, Any]] = (await self.search(**body))["results"]
        return results


Start = Callable[..., AbstractAsyncContextManager[HubSpotUnderTest]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(clock: Clock) -> Start:
    """Serve a HubSpot simulator with the given options."""

    @asynccontextmanager
    async def serving(**options: Any) -> AsyncIterator[HubSpotUnderTest]:
        chosen = SimulatorOptions(**{"records": 250, "seed": 7, "clock": clock, **options})
        headers = {"Authorization": "Bearer any-token"}
        async with (
            serve("hubspot", chosen) as running,
            httpx.AsyncClient(base_url=running.url, headers=headers, timeout=30, verify=NO_AUTHORITIES) as http,
        ):
            yield HubSpotUnderTest(running, http)

    return serving


@pytest.fixture
async def hubspot(start: Start) -> AsyncIterator[HubSpotUnderTest]:
    """A HubSpot simulator with 250 contacts."""
    async with start() as served:
        yield served
