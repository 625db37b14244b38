"""A read whose access token has ended gets a new one first, where there is a provider app to get it with."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from conjunct.core.database import Database
from conjunct.kit.clock import SystemClock
from conjunct.simulators import SimulatorOptions
from tests.support.platform import Platform, running_platform, running_worker

CONTACTS = SimulatorOptions(records=250)


async def sign_in(platform: Platform) -> None:
    """Deploy; a customer connects by OAuth, and installs."""
    await platform.deploy()
    app = {"provider": "hubspot", "clientId": "our-client", "clientSecret": "our-secret", "scopes": ["contacts"]}
    await platform.send("POST", "/provider-apps", 200, json=app)
    who = {"provider": "hubspot", "groupRef": "acme", "consumerRef": "ada"}
    url = await platform.client.post("/v1/oauth-connect", json={"projectIdOrName": "default", **who})
    async with httpx.AsyncClient() as browser:
        agreed = await browser.get(url.text)
    back = httpx.URL(agreed.headers["Location"])
    page = await platform.client.get(f"{back.path}?{back.query.decode()}")
    assert page.status_code == 200
    (connection,) = await platform.send("GET", "/connections", 200)
    platform.connection = connection["id"]
    await platform.install()


async def let_the_token_end(database: Database, platform: Platform) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE connection SET access_token_expires_at = now() - interval '1 minute'"))


class ShiftedClock(SystemClock):
    """The system's clock, and so much later."""

    later = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.later


def refreshes(platform: Platform) -> int:
    """How often the simulator was asked for tokens, but for the first ones."""
    return sum(entry.path == "/oauth/v1/token" for entry in platform.hubspot.journal.last(1000)) - 1


async def test_a_token_that_has_ended_is_refreshed_before_the_read(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, simulated=CONTACTS, worker=False) as platform:
        await sign_in(platform)
        await let_the_token_end(database, platform)
        async with running_worker(platform.services):
            [operation] = await platform.operations()
            assert (await platform.ended(operation["id"]))["status"] == "success"
            second = await platform.trigger()
            assert (await platform.ended(second))["status"] == "success"
        assert refreshes(platform) == 1
        assert len(set(platform.delivered())) == 250
        shown = await platform.send("GET", f"/connections/{platform.connection}", 200)
        assert shown["status"] == "working"


async def test_a_token_that_ends_in_the_middle_is_refreshed_and_the_read_goes_on(
    database: Database, tmp_path: Path
) -> None:
    clock = ShiftedClock()
    async with running_platform(database, tmp_path, simulated=CONTACTS, worker=False, clock=clock) as platform:
        await sign_in(platform)
        platform.receiver.hang(times=1)
        platform.hubspot.faults.set(["401@page=3"])
        async with running_worker(platform.services):
            await platform.receiver.wait_for(1, requests=True)
            clock.later = timedelta(hours=1)
            platform.receiver.recover()
            [operation] = await platform.operations()
            ended = await platform.ended(operation["id"])
        assert ended["status"] == "success"
        assert refreshes(platform) == 1
        assert ended["metadata"]["progress"]["recordsProcessed"] == 250
        shown = await platform.send("GET", f"/connections/{platform.connection}", 200)
        assert shown["status"] == "working"


async def test_a_refused_refresh_fails_the_read_and_marks_the_connection(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, simulated=CONTACTS, worker=False) as platform:
        await sign_in(platform)
        await let_the_token_end(database, platform)
        platform.hubspot.faults.set(["401:1"])
        async with running_worker(platform.services):
            [operation] = await platform.operations()
            ended = await platform.ended(operation["id"])
        assert ended["status"] == "failure"
        assert platform.delivered() == []


@pytest.mark.parametrize("token", ["good", "expired"])
async def test_an_imported_token_is_tried_though_its_end_has_passed(
    database: Database, tmp_path: Path, token: str
) -> None:
    async with running_platform(database, tmp_path, simulated=CONTACTS, worker=False) as platform:
        await platform.deploy()
        await platform.connect(token)
        await platform.install(skipSampling=True)
        await let_the_token_end(database, platform)
        async with running_worker(platform.services):
            [operation] = await platform.operations()
            ended = await platform.ended(operation["id"])
        assert ended["status"] == ("success" if token == "good" else "failure")
        assert refreshes(platform) == -1
        shown = await platform.send("GET", f"/connections/{platform.connection}", 200)
        assert shown["status"] == ("working" if token == "good" else "bad_credentials")
