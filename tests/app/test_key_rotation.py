"""Keys are rotated under traffic: by the command that operators use, on a platform of two processes' services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from conjunct.app.api import create_api
from conjunct.app.services import open_services
from conjunct.core.database import Database
from conjunct.queue import Job
from conjunct.tenants.key_rotation import SWEEP
from conjunct.tenants.keys import KeyTimes
from tests.support.commands import Ended, run
from tests.support.platform import Platform, running_platform, running_worker
from tests.support.servers import serve

TIMES = KeyTimes(
    cache_life=timedelta(seconds=0.2),
    active_after=timedelta(seconds=1),
    settled_after=timedelta(seconds=0.2),
    kept=timedelta(0),
)


class Operator:
    """Runs `conjunct keys` on a platform, or with other keys than its own."""

    def __init__(self, database: Database, folder: Path, **variables: str) -> None:
        self._variables = {"DATABASE_URL": database.dsn, "CONJUNCT_DATA_DIR": str(folder), **variables}

    async def tries(self, *arguments: str) -> Ended:
        return await run("keys", *arguments, **self._variables)

    async def does(self, *arguments: str) -> str:
        ended = await self.tries(*arguments)
        assert (ended.status, ended.err) == (0, ""), ended.err
        return ended.out

    async def is_refused(self, *arguments: str, told: str) -> None:
        ended = await self.tries(*arguments)
        assert (ended.status, ended.out) == (1, "")
        assert told in ended.err


@asynccontextmanager
async def traffic(platform: Platform) -> AsyncIterator[list[int]]:
    """Requests that open and seal secrets, and reads that deliver, one round after another; counts the rounds."""
    rounds: list[int] = []
    stop = asyncio.Event()

    async def go_on() -> None:
        while not stop.is_set():
            await one_round(platform, len(rounds))
            rounds.append(1)

    task = asyncio.create_task(go_on())
    try:
        yield rounds
    finally:
        stop.set()
        await task


async def one_round(platform: Platform, number: int) -> None:
    """Every answer must be the one of a platform at rest."""
    await platform.send("GET", "/api-keys", 200)
    await platform.send("GET", "/destinations/people-webhook?includeSecrets=true", 200)
    body = {"label": f"key {number}", "scopes": ["full"]}
    made = await platform.send("POST", "/api-keys", 201, json=body, headers={"Idempotency-Key": f"k-{number}"})
    again = await platform.send("POST", "/api-keys", 201, json=body, headers={"Idempotency-Key": f"k-{number}"})
    assert made == again
    operation = await platform.ended(await platform.trigger())
    assert operation["status"] == "success", operation
    assert len(platform.delivered(operation["id"])) == 250


async def test_without_a_failed_request_and_what_was_given_out_stays_good(database: Database, tmp_path: Path) -> None:
    operator = Operator(database, tmp_path)
    async with running_platform(database, tmp_path, worker=False, key_times=TIMES) as platform:
        given = await give_out(platform)
        async with (
            open_services(platform.settings, database, key_times=TIMES) as elsewhere,
            running_worker(elsewhere),
        ):
            await platform.set_up()
            async with traffic(platform) as rounds:
                told = await operator.does("rotate", "--wait")
                assert "The master key m2 encrypts from now on." in told
                assert ": done; " in told.splitlines()[-1]
                told += await operator.does("rotate", "--data-keys", "--wait")
                assert "1 keys made" in told
                assert ": done; " in told.splitlines()[-1]
            assert len(rounds) > 1
            assert platform.receiver.forged == []
            await still_good(platform, given)
            await elsewhere.job_handlers()[SWEEP](Job(0, "", None, SWEEP, SWEEP, 1, 1, "here"))
    told += await operator.does("status")
    assert "master key m1: has sealed nothing any more; `conjunct keys retire m1` takes it away" in told
    assert "data keys: 1, of 1 projects" in told
    await operator.is_refused("retire", "m2", told="m2 is the master key that encrypts")
    await operator.is_refused("retire", "m9", told="There is no master key 'm9'")
    await operator.is_refused("retire", "m1", told="or retire it at once with --now")
    secrets = (tmp_path / "master.key").read_text()
    await operator.does("retire", "m1", "--now")
    left = (tmp_path / "master.key").read_text()
    assert left == secrets.splitlines(keepends=True)[-1]
    assert left.startswith("m2:")
    assert [line for line in secrets.splitlines() if line.partition(":")[2] in told] == []
    await restarted(platform, database)


@dataclass(frozen=True)
class GivenOut:
    """What clients had from before the rotation: an upload URL, a page token, and the page that it stands for."""

    upload_url: str
    page_token: str
    page: list[dict[str, Any]]


async def give_out(platform: Platform) -> GivenOut:
    place = (await platform.client.get("/v1/generate-upload-url")).json()
    body = {"label": "second", "scopes": ["full"]}
    await platform.send("POST", "/api-keys", 201, json=body, headers={"Idempotency-Key": "before"})
    first = await platform.client.get(f"{platform.project}/api-keys", params={"pageSize": 1})
    keys = await platform.send("GET", "/api-keys", 200)
    return GivenOut(place["url"], first.headers["X-Next-Page-Token"], keys[1:2])


async def still_good(platform: Platform, given: GivenOut) -> None:
    assert (await upload(platform, given.upload_url)).status_code == 200
    query: dict[str, str | int] = {"pageSize": 1, "pageToken": given.page_token}
    page = await platform.client.get(f"{platform.project}/api-keys", params=query)
    assert page.json() == given.page


async def upload(platform: Platform, url: str):
    request = platform.client.build_request("PUT", f"{urlsplit(url).path}?{urlsplit(url).query}", content=b"archive")
    del request.headers["X-Api-Key"]
    return await platform.client.send(request)


async def restarted(platform: Platform, database: Database) -> None:
    """A process that starts with the new keys alone opens all that there is."""
    async with open_services(platform.settings, database) as services:
        async with database.transaction() as session:
            keyring = await services.projects._keys.keyring(session, platform.project_id)
            rows = await session.execute(text("select id, sealed_credentials from connection"))
            for row in rows.all():
                assert b"good" in keyring.decrypt(row.sealed_credentials, f"connection:{row.id}:credentials")
        key = platform.client.headers["X-Api-Key"]
        async with serve(create_api(platform.settings, services), {"X-Api-Key": key}) as client:
            for path in ("/api-keys", "/destinations?includeSecrets=true"):
                answer = await client.get(platform.project + path)
                assert answer.status_code == 200, answer.text
                assert answer.json()
            body = {"label": "second", "scopes": ["full"]}
            headers = {"Idempotency-Key": "before"}
            again = await client.post(platform.project + "/api-keys", json=body, headers=headers)
            assert again.headers["Idempotency-Replayed"] == "true"


@pytest.fixture
async def project(database: Database, tmp_path: Path) -> AsyncIterator[None]:
    """A project whose data key is wrapped by the file's first key."""
    async with running_platform(database, tmp_path, worker=False):
        yield


@pytest.mark.usefixtures("project")
async def test_keys_from_the_environment_are_the_operators_to_change(database: Database, tmp_path: Path) -> None:
    first = (tmp_path / "master.key").read_text().strip()
    second = "m2:" + "A" * 43 + "="
    operator = Operator(database, tmp_path, CONJUNCT_MASTER_KEY=first)
    told = await operator.does("rotate")
    assert "add a line `m2:<base64 of 32 bytes>` ABOVE the last line, m1's" in told
    assert "Run `conjunct keys rewrap --wait`" in told
    operator = Operator(database, tmp_path, CONJUNCT_MASTER_KEY=f"{first}\n{second}")
    told = await operator.does("rewrap")
    assert "rotation to m2" in told
    assert "No worker runs: the job begins when one does" in told
    await operator.is_refused("retire", "m1", told="1 in project_key.wrapped")
    assert (tmp_path / "master.key").read_text().strip() == first
    stranger = Operator(database, tmp_path, CONJUNCT_MASTER_KEY=second)
    await stranger.is_refused("rewrap", told="is not the one that this database's projects are encrypted with")
    nobody = Operator(database, tmp_path / "elsewhere")
    await nobody.is_refused("rotate", told="CONJUNCT_MASTER_KEY is not set, and there is no")
    assert not (tmp_path / "elsewhere").exists()
