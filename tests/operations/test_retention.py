"""Operations are removed when they are old, with their logs; what users still ask for stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from conjunct.core.database import Database
from conjunct.operations import LogLine, NewOperation, retention
from conjunct.queue import Done, Job
from tests.support.platform import Platform, running_platform
from tests.support.reading import RARELY, manifest, rows

SWEEP = Job(1, "", retention.SWEEP, retention.SWEEP, retention.SWEEP, 1, 10, "w")


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    """A platform with one installation, and no operation."""
    async with running_platform(database, tmp_path, worker=False, operation_retention_days=7) as platform:
        await platform.deploy(manifest(schedule=RARELY, backfill=None))
        await platform.connect()
        await platform.install()
        yield platform


async def begun(platform: Platform, name: str, *, days_ago: float, ended: bool = True, lasting: bool = False) -> str:
    """An operation on the object `name` that began so long ago, with a line in its log; gives its id."""
    operations = platform.services.operations
    async with platform.services.database.transaction() as session:
        operation_id = await operations.start(
            session,
            NewOperation(
                project_id=platform.project_id,
                integration_id=platform.integration,
                installation_id=platform.installation,
                config_id="c",
                action_type="read",
                object_name=name,
                lasting=lasting,
            ),
        )
        await operations.log(session, platform.project_id, operation_id, [LogLine("INFO", name)])
        if ended:
            await operations.finish(session, platform.project_id, operation_id, status="success", result=name)
        moment = datetime.now(UTC) - timedelta(days=days_ago)
        values = {"moment": moment, "id": operation_id}
        await session.execute(text("update operation set create_time = :moment where id = :id"), values)
    return operation_id


async def sweep(platform: Platform) -> None:
    assert await platform.services.job_handlers()[retention.SWEEP](SWEEP) == Done()


async def kept(platform: Platform) -> list[str]:
    """The objects of the operations that there are, as the API lists them, oldest first."""
    return [each["metadata"]["objects"][0] for each in reversed(await platform.operations())]


async def test_old_operations_go_with_their_logs(platform: Platform) -> None:
    old = await begun(platform, "old", days_ago=7.01)
    await begun(platform, "young", days_ago=6.99)
    await begun(platform, "newest", days_ago=0)
    await sweep(platform)
    assert await kept(platform) == ["young", "newest"]
    await platform.send("GET", f"/operations/{old}", 404)
    logged: Any = await rows(platform, "select message ->> 'msg' as msg from operation_log order by id")
    assert [each.msg for each in logged] == ["young", "newest"]


async def test_what_runs_the_newest_and_what_lasts_stay(platform: Platform) -> None:
    await begun(platform, "running", days_ago=90, ended=False)
    await begun(platform, "backfill", days_ago=90, lasting=True)
    await begun(platform, "old", days_ago=90)
    await begun(platform, "newest", days_ago=90)
    await sweep(platform)
    assert await kept(platform) == ["running", "backfill", "newest"]


async def test_a_backfill_lasts(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await platform.set_up()
        await platform.trigger()
        found = await rows(platform, "select lasting from operation order by id")
        assert [each.lasting for each in found] == [True, False]


async def test_a_sweep_goes_on_behind_what_stays(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(7):
        await begun(platform, f"{number}", days_ago=90, lasting=number < 5)
    await begun(platform, "newest", days_ago=0)
    await sweep(platform)
    assert await kept(platform) == ["0", "1", "2", "3", "4", "newest"]


async def test_an_installation_that_is_being_deleted_is_not_waited_for(platform: Platform) -> None:
    await begun(platform, "old", days_ago=90)
    await begun(platform, "newest", days_ago=0)
    async with platform.services.database.transaction() as session:
        await session.execute(text("select id from operation for update"))
        await sweep(platform)
    assert await kept(platform) == ["old", "newest"]
