"""A project's keys in a process: read seldom, known before they are used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from conjunct.core.database import Database
from conjunct.core.encryption import DecryptionFailed, Keyring, new_key
from conjunct.kit.clock import ManualClock
from conjunct.tenants import NewProject, ProjectKeys
from conjunct.tenants import keys as tenants_keys
from conjunct.tenants.keys import KeyTimes
from tests.support.tenants import make_project

MASTER = Keyring({"m1": new_key()}, current="m1")
TIMES = KeyTimes()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 1, tzinfo=UTC))


@pytest.fixture
def keys(clock: ManualClock) -> ProjectKeys:
    return ProjectKeys(MASTER, clock)


@pytest.fixture
async def project(database: Database, keys: ProjectKeys) -> NewProject:
    return await make_project(database, keys)


async def opened(database: Database, keys: ProjectKeys, project: NewProject) -> Keyring:
    async with database.transaction() as session:
        return await keys.keyring(session, project.project_id)


async def test_a_new_key_is_known_everywhere_before_it_is_used_anywhere(
    database: Database, keys: ProjectKeys, clock: ManualClock, project: NewProject
) -> None:
    here, there = keys, ProjectKeys(MASTER, clock)
    first = (await opened(database, there, project)).current
    async with database.transaction() as session:
        second = here.make(session, project.project_id, active_at=clock.now() + TIMES.active_after)
    step = timedelta(seconds=7)
    currents = set()
    for _ in range(int((TIMES.active_after + 2 * TIMES.cache_life) / step)):
        clock.advance(step)
        by_here, by_there = await opened(database, here, project), await opened(database, there, project)
        currents.add((by_here.current, by_there.current))
        assert by_here.decrypt(by_there.encrypt(b"x", "p"), "p") == b"x"
        assert by_there.decrypt(by_here.encrypt(b"x", "p"), "p") == b"x"
    assert {(first, first), (second, second)} <= currents


async def test_keys_are_read_once_in_a_cache_life(
    database: Database, keys: ProjectKeys, clock: ManualClock, project: NewProject
) -> None:
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", count)
    for read in (1, 2):
        clock.advance(TIMES.cache_life)
        for _ in range(3):
            await opened(database, keys, project)
        assert len(statements) == read
    clock.set(clock.now() - timedelta(hours=1))  # a clock that was put right
    await opened(database, keys, project)
    assert len(statements) == 3


async def test_after_an_unknown_key_they_are_read_again(
    database: Database, keys: ProjectKeys, clock: ManualClock, project: NewProject
) -> None:
    stale = await opened(database, keys, project)
    async with database.transaction() as session:
        keys.make(session, project.project_id)
    sealed = (await opened(database, ProjectKeys(MASTER, clock), project)).encrypt(b"x", "p")
    assert await opened(database, keys, project) is stale
    with pytest.raises(DecryptionFailed, match="no key"):
        stale.decrypt(sealed, "p")
    assert (await opened(database, keys, project)).decrypt(sealed, "p") == b"x"


async def test_the_first_key_is_used_by_a_clock_that_is_behind(
    database: Database, keys: ProjectKeys, clock: ManualClock, project: NewProject
) -> None:
    sealed = (await opened(database, keys, project)).encrypt(b"x", "p")
    clock.set(clock.now() - timedelta(minutes=1))
    assert (await opened(database, ProjectKeys(MASTER, clock), project)).decrypt(sealed, "p") == b"x"


async def test_few_projects_stay_opened(
    database: Database, keys: ProjectKeys, project: NewProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenants_keys, "CACHE_SIZE", 2)
    projects = [project, *[await make_project(database, keys, name) for name in ("second", "third")]]
    first = await opened(database, keys, projects[0])
    await opened(database, keys, projects[1])
    assert await opened(database, keys, projects[0]) is first
    await opened(database, keys, projects[2])
    assert list(keys._opened) == [projects[0].project_id, projects[2].project_id]
