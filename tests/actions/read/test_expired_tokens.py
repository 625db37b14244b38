"""A read whose access token has ended gets a new one first, where there is a provider app to get it with."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from tests.support.platform import Platform, running_platform, running_worker
from tests.support.signing_in import end_grant, make_app, sign_in, status_of, token_requests

CONTACTS = SimulatorOptions(records=250)


async def signed_in(platform: Platform) -> None:
    """Deploy; a customer connects by OAuth, and installs."""
    await platform.deploy()
    await make_app(platform)
    await sign_in(platform)
    await platform.install()


async def let_the_token_end(database: Database, platform: Platform) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE connection SET access_token_expires_at = now() - interval '1 minute'"))


def refreshes(platform: Platform) -> int:
    """How often the simulator was asked for tokens, but for the first ones."""
    return token_requests(platform) - 1


async def test_a_token_that_has_ended_is_refreshed_before_the_read(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, simulated=CONTACTS, worker=False) as platform:
        await signed_in(platform)
        await let_the_token_end(database, platform)
        async with running_worker(platform.services):
            [operation] = await platform.operations()
            assert (await platform.ended(operation["id"]))["status"] == "success"
            second = await platform.trigger()
            assert (await platform.ended(second))["status"] == "success"
        assert refreshes(platform) == 1
        assert len(set(platform.delivered())) == 250
        assert await status_of(platform) == "working"


async def test_a_token_that_is_refused_in_the_middle_is_refreshed_and_the_page_repeated(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, simulated=CONTACTS, worker=False) as platform:
        await signed_in(platform)
        platform.hubspot.faults.set(["401@page=3"])
        async with running_worker(platform.services):
            [operation] = await platform.operations()
            ended = await platform.ended(operation["id"])
        assert ended["status"] == "success"
        assert "retry" not in ended["metadata"]
        assert refreshes(platform) == 1
        assert len(platform.delivered()) == len(set(platform.delivered())) == 250
        assert await status_of(platform) == "working"


async def test_a_refused_refresh_fails_the_read_and_only_a_grant_that_is_gone_marks_the_connection(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, simulated=CONTACTS) as platform:
        await signed_in(platform)
        [operation] = await platform.operations()
        await platform.ended(operation["id"])
        platform.receiver.messages.clear()
        await let_the_token_end(database, platform)
        platform.hubspot.faults.set(["400:1"])
        assert (await platform.ended(await platform.trigger()))["status"] == "failure"
        assert await status_of(platform) == "working"
        platform.hubspot.faults.set([])
        await end_grant(platform)
        gone = await platform.ended(await platform.trigger())
        assert (gone["status"], "gave no new access token" in gone["result"]) == ("failure", True)
        assert await status_of(platform) == "bad_credentials"
        assert platform.delivered() == []


@pytest.mark.parametrize(
    ("faults", "ended", "status"), [([], "success", "working"), (["401:1"], "failure", "bad_credentials")]
)
async def test_an_imported_token_is_tried_though_its_end_has_passed(
    database: Database, tmp_path: Path, faults: list[str], ended: str, status: str
) -> None:
    async with running_platform(database, tmp_path, simulated=CONTACTS, worker=False) as platform:
        await platform.deploy()
        await platform.connect()
        await platform.install(skipSampling=True)
        await let_the_token_end(database, platform)
        platform.hubspot.faults.set(faults)
        async with running_worker(platform.services):
            [operation] = await platform.operations()
            assert (await platform.ended(operation["id"]))["status"] == ended
        assert token_requests(platform) == 0
        assert await status_of(platform) == status
