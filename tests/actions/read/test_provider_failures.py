"""What a failing provider does to reads, and how they go on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from tests.support.platform import Platform, running_platform, running_worker
from tests.support.reading import (
    backfilled,
    contacts,
    hurry,
    idle,
    logs,
    make_due,
    rows,
    run_of,
    scheduled_read,
    set_up,
    touch,
    until,
    waiting_job,
    watermark,
)


def pages_asked_for(platform: Platform) -> Counter[str]:
    """How often each page of the contacts' list was asked for."""
    entries = platform.hubspot.journal.last(1000)
    listed = [
        entry.query for entry in entries if entry.path == "/crm/v3/objects/contacts" and "limit=1&" not in entry.query
    ]
    return Counter(query.rpartition("after=")[2] if "after=" in query else "" for query in listed)


@pytest.mark.parametrize("fault", ["500", "html", "truncate"])
async def test_a_page_that_could_not_be_read_is_asked_for_again(
    database: Database, tmp_path: Path, quick_retries: None, fault: str
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        platform.hubspot.faults.set([f"{fault}@page=3", f"{fault}@page=4"])
        async with running_worker(platform.services):
            ended = await platform.ended(operation["id"])
        assert ended["status"] == "success"
        assert ended["metadata"]["retry"]["attempts"] == 2
        assert sorted(pages_asked_for(platform).values()) == [1, 1, 3]
        assert len(platform.delivered()) == len(set(platform.delivered())) == 250
        lines = await logs(platform, operation["id"])
        assert [line["severity"] for line in lines] == ["INFO", "WARNING", "WARNING", "INFO"]


async def test_after_too_many_failures_the_operation_fails_and_says_why(
    database: Database, tmp_path: Path, quick_retries: None
) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        platform.hubspot.faults.set(["500:1"])
        operation = await scheduled_read(platform)
        assert operation["status"] == "failure"
        assert "(HTTP 500)" in operation["result"]
        assert operation["metadata"]["retry"]["attempts"] == 7
        last = (await logs(platform, operation["id"]))[-1]
        assert last["severity"] == "ERROR"
        assert last["details"]["kind"] == "server"
        installation = await _installation(platform)
        assert installation["healthStatus"] == "unhealthy"
        assert installation["lastOperationStatus"] == "failure"

        platform.hubspot.faults.set([])
        await scheduled_read(platform)
        installation = await _installation(platform)
        assert installation["healthStatus"] == "healthy"
        assert installation["lastOperationStatus"] == "success"


async def test_a_rate_limit_rests_the_connection_and_the_run_goes_on_from_its_checkpoint(
    database: Database, tmp_path: Path
) -> None:
    simulated = SimulatorOptions(records=650)
    async with running_platform(database, tmp_path, worker=False, simulated=simulated) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        platform.hubspot.faults.set(["429@page=5"])  # the count comes first, then seven pages
        async with running_worker(platform.services):
            job = await waiting_job(platform)
            [connection] = await rows(platform, "select throttled_until from connection")
            assert connection.throttled_until > job.run_at.replace(microsecond=0)
            run = await run_of(platform, operation["id"])
            assert (run.page, run.records, run.tries) == (3, 300, 0)
            await hurry(platform)
            ended = await platform.ended(operation["id"])
        assert ended["status"] == "success"
        assert "retry" not in ended["metadata"]
        assert sorted(pages_asked_for(platform).values()) == [1, 1, 1, 1, 1, 1, 2]
        assert len(platform.delivered()) == len(set(platform.delivered())) == 650
        [_begun, line, _ended] = await logs(platform, operation["id"])
        assert line["details"]["status"] == "429"


async def test_refused_credentials_rest_the_reads_until_the_group_has_others(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        reached = await watermark(platform)
        missed = touch(platform, 3)
        platform.hubspot.faults.set(["401:1"])
        failed = await scheduled_read(platform)
        assert failed["status"] == "failure"
        assert (await logs(platform, failed["id"]))[-1]["details"]["status"] == "401"
        assert (await platform.send("GET", f"/connections/{platform.connection}", 200))["status"] == "bad_credentials"
        assert (await _installation(platform))["healthStatus"] == "unhealthy"

        asked = platform.hubspot.journal.page_requests
        await make_due(platform)
        await idle(platform)
        assert platform.hubspot.journal.page_requests == asked
        assert len(await platform.operations()) == 2

        platform.hubspot.faults.set([])
        await platform.connect("another")
        path = f"/integrations/{platform.integration}/installations/{platform.installation}"
        change = {"updateMask": ["connectionId"], "installation": {"connectionId": platform.connection}}
        await platform.send("PATCH", path, 200, json=change)
        resumed = await scheduled_read(platform)
        assert resumed["status"] == "success"
        assert (await run_of(platform, resumed["id"])).since == reached
        assert sorted(platform.delivered(resumed["id"])) == sorted(missed)
        assert (await platform.send("GET", f"/connections/{platform.connection}", 200))["status"] == "working"
        assert (await _installation(platform))["healthStatus"] == "healthy"


async def test_three_failures_that_retrying_cannot_mend_pause_the_object_until_it_is_unpaused(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        missed = touch(platform, 2)
        platform.hubspot.faults.set(["403:1"])
        failed = [await scheduled_read(platform) for _ in range(3)]
        assert [operation["status"] for operation in failed] == ["failure"] * 3
        assert all("retry" not in operation["metadata"] for operation in failed)
        lines = await logs(platform, failed[-1]["id"])
        assert [line["severity"] for line in lines] == ["ERROR", "ERROR"]
        assert "paused after 3 failures" in lines[-1]["msg"]
        assert await rows(platform, "select 1 from schedule where kind = 'read.scheduled'") == []
        assert (await _installation(platform))["healthStatus"] == "unhealthy"

        platform.hubspot.faults.set([])
        path = f"/integrations/{platform.integration}/installations/{platform.installation}"
        await platform.send("POST", f"{path}:unpause", 204)
        mended = await scheduled_read(platform)
        assert mended["status"] == "success"
        assert sorted(platform.delivered(mended["id"])) == sorted(missed)
        assert (await _installation(platform))["healthStatus"] == "healthy"


async def test_a_success_forgets_the_failures_before_it(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        for faults in (["403:1"], ["403:1"], [], ["403:1"], ["403:1"]):
            platform.hubspot.faults.set(faults)
            await scheduled_read(platform)
        [row] = await rows(platform, "select paused, hopeless_failures from read_object")
        assert tuple(row) == (None, 2)


async def _installation(platform: Platform) -> dict[str, object]:
    path = f"/integrations/{platform.integration}/installations/{platform.installation}"
    found: dict[str, object] = await platform.send("GET", path, 200)
    return found


async def test_a_checkpoint_that_no_longer_means_anything_fails_the_operation_instead_of_being_tried_for_ever(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        await rows(platform, "update read_run set next_page = 'of another version', page = 1")
        [operation] = await platform.operations()
        async with running_worker(platform.services):
            failed = await platform.ended(operation["id"])
            assert failed["status"] == "failure"
            begun_again = await scheduled_read(platform)
            assert begun_again["status"] == "success"
        assert len(platform.delivered(begun_again["id"])) == 250


async def test_a_page_that_the_provider_has_forgotten_begins_the_read_anew(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        platform.hubspot.faults.set(["429@page=3"])
        async with running_worker(platform.services):
            await waiting_job(platform)
            forgotten = "regexp_replace(next_page, 'after=[0-9]+', 'after=gone')"
            await rows(platform, f"update read_run set waits = 6, next_page = {forgotten}")
            await hurry(platform)
            await until(lambda: rows(platform, "select 1 from read_run where restarts = 1"), 30)
            await hurry(platform)
            assert (await platform.ended(operation["id"]))["status"] == "success"
        [told] = [line["msg"] for line in await logs(platform, operation["id"]) if "begins anew" in line["msg"]]
        assert "for the 1st time of 3 at most" in told
        assert len(platform.delivered()) == 350
        assert set(platform.delivered()) == set(await contacts(platform))
        assert len(set(platform.receiver.ids)) == len(platform.receiver.ids)
