"""An asynchronous write whose process ends before any of its transactions begins, or just before it commits.

Nothing is lost, what is sent again may be, and is told to have been.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from conjunct.core.database import Database
from conjunct.queue import Job
from tests.actions.write.test_asynchronous import CREATE, KNOWN, UPDATE, accept, platform_that_writes
from tests.support.platform import Platform
from tests.support.reading import logs, rows

CLAIM = """
update job set state = 'running', worker = 'w', attempts = attempts + 1, lease_until = now() + interval '1 minute'
where ref_id = :id returning id, tenant, lane, kind, ref_id, attempts, max_attempts, worker
"""


class Killed(Exception):
    """The process would have ended here."""


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    async with platform_that_writes(database, tmp_path) as platform:
        yield platform


@contextmanager
def killed_at(database: Database, step: int, error: Exception) -> Iterator[list[str]]:
    """Ends what is done in the block at that step by an error; gives the steps so far.

    A begin and a commit are a step each.
    """
    passed: list[str] = []

    def die(what: str) -> Any:
        def hear(_connection: Any) -> None:
            passed.append(what)
            if len(passed) == step:
                raise error

        return hear

    listeners = {name: die(name) for name in ("begin", "commit")}
    for name, listener in listeners.items():
        event.listen(database.engine.sync_engine, name, listener)
    try:
        with suppress(type(error)):
            yield passed
    finally:
        for name, listener in listeners.items():
            event.remove(database.engine.sync_engine, name, listener)


async def attempt(platform: Platform, operation_id: str, step: int = 0, error: Exception | None = None) -> int:
    """One attempt at a write that is killed at that step; gives how many there were."""
    [row] = await rows(platform, CLAIM, id=operation_id)
    handler = platform.services.write_jobs.handlers()["write.run"]
    with killed_at(platform.services.database, step, error or Killed()) as passed:
        await handler(Job(**row._mapping))
    return len(passed)


async def run(
    platform: Platform, body: dict[str, Any], step: int, error: Exception | None = None
) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """Do a write whose first attempt is killed at that step: how many there were, its operation and its log."""
    operation_id = await accept(platform, body)
    steps = await attempt(platform, operation_id, step, error)
    if await rows(platform, "select 1 from job where ref_id = :id", id=operation_id):
        await attempt(platform, operation_id)
    operation = await platform.send("GET", f"/operations/{operation_id}", 200)
    left = "select operation_id from write_run union all select ref_id from job where kind = 'write.run'"
    assert await rows(platform, left) == []
    return steps, operation, await logs(platform, operation_id)


def sent(platform: Platform, mark: str) -> int:
    """How often a value was sent to the provider."""
    bodies = [entry.body for entry in platform.hubspot.journal.last(1000) if entry.method in ("POST", "PATCH")]
    return sum(mark in orjson.loads(body).get("properties", {}).values() for body in bodies)


async def test_a_create_is_sent_once_whenever_its_process_is_killed(platform: Platform) -> None:
    fates, step = set(), 1
    while True:
        email = f"step{step}@example.com"
        steps, operation, _ = await run(platform, {**CREATE, "record": {"email": email}}, step)
        times, is_unknown = sent(platform, email), "It is not known" in operation["result"]
        assert (operation["status"] == "success") is not is_unknown
        assert times == 1 or (times == 0 and is_unknown)
        fates.add((times, operation["status"]))
        if steps < step:
            break
        step += 1
    assert step > 8
    assert {(1, "success"), (1, "failure")} <= fates


async def test_an_update_arrives_whenever_its_process_is_killed_and_a_repeat_is_told(platform: Platform) -> None:
    repeated, step = 0, 1
    while True:
        name = f"step{step}"
        steps, operation, told = await run(platform, {**UPDATE, "record": {"id": KNOWN[0], "lastname": name}}, step)
        assert operation["status"] == "success"
        is_told = any(line["msg"].startswith("Sent again") for line in told)
        assert sent(platform, name) in (1, 2)
        assert is_told or sent(platform, name) == 1
        repeated += sent(platform, name) == 2
        if steps < step:
            break
        step += 1
    assert step > 8
    assert repeated >= 1


async def test_a_create_is_done_whenever_the_database_is_away_for_a_moment(platform: Platform) -> None:
    """What the provider has answered is noted as soon as the database is back."""
    step = 1
    while True:
        email = f"away{step}@example.com"
        error = OperationalError("", {}, ConnectionResetError())
        steps, operation, _ = await run(platform, {**CREATE, "record": {"email": email}}, step, error)
        assert (operation["status"], sent(platform, email)) == ("success", 1), f"step {step}"
        if steps < step:
            break
        step += 1
    assert step > 8
