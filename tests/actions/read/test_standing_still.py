"""Reads that cannot go on: they wait for what comes back, and end with a reason when nothing does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from conjunct.actions.read.ending import Ender
from conjunct.actions.read.failures import MAX_TRIES
from conjunct.actions.read.notices import ReadNotices
from conjunct.actions.read.repository import ReadRepository
from conjunct.actions.read.runner import MOST_LOST
from conjunct.actions.read.runs import Run
from conjunct.connections.problems import RefreshPending
from conjunct.core.database import Database
from conjunct.kit.clock import SystemClock
from conjunct.queue import Job, Outcome, Retry
from tests.support.platform import Platform, running_platform, running_worker
from tests.support.reading import backfilled, hurry, logs, rows, run_of, scheduled_read, set_up, until, waiting_job

EIGHT_DAYS_AGO = "update read_run set moved_at = now() - interval '8 days' where active"


async def test_a_read_that_only_waits_for_its_provider_ends_after_seven_days(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        platform.hubspot.faults.set(["429:1"])
        async with running_worker(platform.services):
            await waiting_job(platform)
            await rows(platform, EIGHT_DAYS_AGO)
            await hurry(platform)
            failed = await platform.ended(operation["id"])
            assert failed["status"] == "failure"
            last = (await logs(platform, operation["id"]))[-1]
            assert last["details"]["kind"] == "rate_limited"
            assert last["details"]["remedy"].startswith("Have the provider raise its limit")

            platform.hubspot.faults.set([])
            await hurry(platform)
            assert (await scheduled_read(platform))["status"] == "success"
        assert len(platform.delivered()) == 250


async def test_so_does_one_that_finds_its_connection_at_rest_each_time(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        await rows(platform, "update connection set throttled_until = now() + interval '1 hour'")
        await rows(platform, EIGHT_DAYS_AGO)
        async with running_worker(platform.services):
            failed = await platform.ended(operation["id"])
        assert failed["status"] == "failure"
        assert "It has got no further for 7 days." in failed["result"]


async def test_time_that_it_waited_for_reads_before_it_does_not_count(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        await rows(platform, "update read_run set create_time = now() - interval '8 days'")
        platform.hubspot.faults.set(["429:1"])
        async with running_worker(platform.services):
            await waiting_job(platform)
            platform.hubspot.faults.set([])
            await hurry(platform)
            assert (await platform.ended(operation["id"]))["status"] == "success"


async def test_a_run_that_waits_at_every_page_does_not_fill_its_log(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        await rows(platform, """update read_run set figures = '{"waits": 150, "retries": 6}'""")
        platform.hubspot.faults.set(["429@page=2"])
        async with running_worker(platform.services):
            await waiting_job(platform)
            await hurry(platform)
            assert (await platform.ended(operation["id"]))["status"] == "success"
        told = await logs(platform, operation["id"])
        assert [line["severity"] for line in told] == ["INFO", "INFO"]
        assert "tried again 6 times, waited 151 times" in told[-1]["msg"]


async def test_a_page_sets_the_time_back(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        await rows(platform, EIGHT_DAYS_AGO)
        platform.hubspot.faults.set(["429@page=3"])
        async with running_worker(platform.services):
            await waiting_job(platform)
            await hurry(platform)
            assert (await platform.ended(operation["id"]))["status"] == "success"


async def test_while_its_destination_is_disabled_a_read_waits_and_fills_nothing(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        platform.receiver.fail(410, times=1)
        async with running_worker(platform.services):
            job = await waiting_job(platform, "read.run")
            assert "The destination 'people-webhook' is disabled" in job.error
            path = f"/integrations/{platform.integration}/installations/{platform.installation}"
            assert (await platform.send("GET", path, 200))["healthStatus"] == "unhealthy"
            page = (await run_of(platform, operation["id"])).page
            asked = platform.hubspot.journal.page_requests
            await until(lambda: _waits(platform, 3))
            assert platform.hubspot.journal.page_requests == asked
            assert (await run_of(platform, operation["id"])).page == page
            warnings = [line for line in await logs(platform, operation["id"]) if line["severity"] == "WARNING"]
            assert [line["msg"] for line in warnings] == [
                f"The read waits. {job.error.removeprefix('The read waits. ')}"
            ] * 2

            await rows(platform, "update destination set state = 'enabled', disabled_reason = null")
            await hurry(platform)
            assert (await platform.ended(operation["id"]))["status"] == "success"
        kept = {row.id for row in await rows(platform, "select id from delivery_message")}
        assert len(kept | set(platform.receiver.ids)) == (await run_of(platform, operation["id"])).page == 3


async def test_after_seven_days_it_ends_and_the_next_one_brings_everything(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        await rows(platform, "update destination set state = 'disabled'")
        await rows(platform, EIGHT_DAYS_AGO)
        async with running_worker(platform.services):
            failed = await platform.ended(operation["id"])
            assert failed["status"] == "failure"
            assert "is disabled" in failed["result"]
            assert "no further for 7 days" in failed["result"]
            await rows(platform, "update destination set state = 'enabled'")
            assert (await scheduled_read(platform))["status"] == "success"
        assert len(platform.delivered()) == 250


async def test_attempts_that_end_without_a_word_end_the_read_at_last(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        await rows(platform, f"update read_run set lost = {MOST_LOST}")
        await rows(platform, f"update job set attempts = {MOST_LOST} where kind = 'read.run'")
        async with running_worker(platform.services):
            failed = await platform.ended(operation["id"])
        assert failed["status"] == "failure"
        assert "20 attempts in a row ended without a page" in failed["result"]
        assert platform.delivered() == []


async def test_an_attempt_after_a_lost_one_counts_until_the_next_page(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        await rows(platform, f"update read_run set lost = {MOST_LOST - 1}")
        await rows(platform, "update job set attempts = 1 where kind = 'read.run'")
        platform.receiver.hang(times=1)
        async with running_worker(platform.services):
            await platform.receiver.wait_for(1, requests=True)
            assert (await run_of(platform, operation["id"])).lost == MOST_LOST
            platform.receiver.recover()
            assert (await platform.ended(operation["id"]))["status"] == "success"
        assert (await run_of(platform, operation["id"])).lost == 0


async def test_what_may_pass_on_our_side_is_tried_again_and_is_the_end_only_after_many_times(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        delays = []
        for tries in range(1, MAX_TRIES):
            outcome = await _meet_a_problem(platform, operation["id"])
            assert isinstance(outcome, Retry)
            assert (await run_of(platform, operation["id"])).tries == tries
            delays.append(outcome.after)
        assert delays[-1] > timedelta(minutes=20)
        shown = await platform.send("GET", f"/operations/{operation['id']}", 200)
        assert (shown["status"], shown["metadata"]["retry"]["attempts"]) == ("in_progress", MAX_TRIES - 1)
        await _meet_a_problem(platform, operation["id"])
        failed = await platform.send("GET", f"/operations/{operation['id']}", 200)
        assert failed["status"] == "failure"
        assert "is not fresh yet" in failed["result"]


async def test_a_scheduled_read_that_waited_says_so_in_the_end(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        platform.hubspot.faults.set(["429@page=1"])
        known = {operation["id"] for operation in await platform.operations()}
        await rows(platform, "update schedule set next_at = now() where kind = 'read.scheduled'")

        async def ended() -> Any:
            await hurry(platform)
            new = [each for each in await platform.operations() if each["id"] not in known]
            return new[0] if new and new[0]["status"] != "in_progress" else None

        operation = await until(ended)
        lines = await logs(platform, operation["id"])
        assert lines[-1]["details"]["waits"] == "1"
        assert "waited 1 time for others" in lines[-1]["msg"]


async def _waits(platform: Platform, count: int) -> bool:
    """Whether the read has waited so often, having its waits end."""
    await hurry(platform)
    [row] = await rows(platform, "select waits from read_run where active")
    return bool(row.waits >= count)


async def _meet_a_problem(platform: Platform, operation_id: str) -> Outcome:
    """Have an attempt at the run meet a problem of ours that may pass, as its worker would."""
    services, clock = platform.services, SystemClock()
    ender = Ender(
        database=services.database,
        engine=services.engine,
        installations=services.installations,
        connections=services.connections,
        operations=services.operations,
        notices=ReadNotices(services.installations, services.notifications),
        clock=clock,
    )
    await rows(platform, "update job set state = 'running', worker = 'w', attempts = 1 where kind = 'read.run'")
    [row] = await rows(platform, "select id, lane, ref_id from job where kind = 'read.run'")
    job = Job(row.id, platform.project_id, row.lane, "read.run", row.ref_id, 1, 1000, "w")
    async with services.database.transaction() as session:
        run = await ReadRepository(session).run(platform.project_id, operation_id)
    assert run is not None
    return await ender.after_problem(job, Run.from_row(run), RefreshPending("c"))
