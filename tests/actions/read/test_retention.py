"""What a run needs to go on is removed some time after it has ended, and what others may want is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from conjunct.actions.read import retention
from conjunct.core.database import Database
from conjunct.queue import Done, Job
from tests.support.platform import running_platform
from tests.support.reading import COMPANIES, rows, set_up

SWEEP = Job(1, "", retention.SWEEP, retention.SWEEP, retention.SWEEP, 1, 10, "w")


async def test_ended_runs_are_forgotten_after_a_day(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 1)
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform, COMPANIES)
        running, ended, late = [await platform.trigger() for _ in range(3)]
        await rows(platform, "update read_run set create_time = now() - interval '23 hours'")
        await rows(platform, "update read_run set active = false where operation_id <> :id", id=running)
        old = "update read_run set create_time = now() - interval '25 hours' where operation_id <> :id"
        await rows(platform, old, id=late)
        assert await platform.services.job_handlers()[retention.SWEEP](SWEEP) == Done()
        left = await rows(platform, "select operation_id from read_run order by operation_id")
        assert [each.operation_id for each in left] == [running, late]
        assert {each["id"] for each in await platform.operations()} >= {running, ended, late}
