"""Workers that are killed, or told to stop, in the middle of a read: nothing is lost, and a repeat can be told."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path
from typing import Any

from conjunct.actions.read.checkpoints import MAX_PENDING
from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from tests.faults.workers import worker_processes
from tests.support.platform import Platform, running_platform
from tests.support.reading import contacts, rows, run_of, scheduled_read, set_up, touch, watermark
from tests.support.receiver import Received


async def test_every_record_arrives_although_workers_are_killed_in_the_middle(
    migrated: Database, tmp_path: Path
) -> None:
    simulated = SimulatorOptions(records=3000, latency=0.02)
    async with (
        running_platform(migrated, tmp_path, simulated=simulated, worker=False, lease_seconds=1.0) as platform,
        worker_processes(platform) as workers,
    ):
        await set_up(platform)
        [operation] = await platform.operations()
        for pages in (3, 11, 19):
            await workers.start()
            await platform.receiver.wait_for(partial(_distinct, pages))
            assert await workers.end(signal.SIGKILL) == -signal.SIGKILL
            assert await _status(platform, operation["id"]) == "in_progress"
        await workers.start()
        ended = await platform.ended(operation["id"])

        assert ended["status"] == "success"
        assert ended["result"] == "[contacts] 3000 records read"
        by_id = {message.id: message.raw for message in platform.receiver.messages}
        assert len(by_id) == (await run_of(platform, operation["id"])).page == 30
        assert all(message.raw == by_id[message.id] for message in platform.receiver.messages)
        assert len(platform.receiver.messages) <= 30 + 3 * (2 * MAX_PENDING + 1)
        assert set(platform.delivered()) == set(await contacts(platform))
        assert await watermark(platform) == (await run_of(platform, operation["id"])).new_watermark

        changed = touch(platform, 5)
        following = await scheduled_read(platform)
        assert sorted(platform.delivered(following["id"])) == sorted(changed)


async def test_a_scheduled_read_whose_worker_is_killed_goes_on_with_the_same_window(
    migrated: Database, tmp_path: Path
) -> None:
    simulated = SimulatorOptions(records=1000)
    async with (
        running_platform(migrated, tmp_path, simulated=simulated, worker=False, lease_seconds=1.0) as platform,
        worker_processes(platform) as workers,
    ):
        await set_up(platform, backfill=None)
        touch(platform, 1000)
        platform.receiver.hang(times=1)
        await rows(platform, "update schedule set next_at = now() where kind = 'read.scheduled'")
        await workers.start()
        await platform.receiver.wait_for(1, requests=True)
        [begun] = await platform.operations()
        run = await run_of(platform, begun["id"])
        await workers.end(signal.SIGKILL)
        platform.receiver.recover()
        await workers.start()
        assert (await platform.ended(begun["id"]))["status"] == "success"
        assert [operation["id"] for operation in await platform.operations()] == [begun["id"]]
        after = await run_of(platform, begun["id"])
        assert (after.since, after.until) == (run.since, run.until)
        assert len(set(platform.delivered(begun["id"]))) == 1000
        assert platform.receiver.requests[1].raw == platform.receiver.requests[0].raw


async def test_a_worker_that_is_told_to_stop_gives_its_read_back_after_a_page(
    migrated: Database, tmp_path: Path
) -> None:
    simulated = SimulatorOptions(records=3000, latency=0.02)
    async with (
        running_platform(migrated, tmp_path, simulated=simulated, worker=False, lease_seconds=300.0) as platform,
        worker_processes(platform) as workers,
    ):
        await set_up(platform)
        [operation] = await platform.operations()
        await workers.start()
        await platform.receiver.wait_for(2)
        assert await workers.end(signal.SIGTERM) == 0
        assert await _status(platform, operation["id"]) == "in_progress"
        [job] = await rows(platform, "select state, attempts, worker from job where kind = 'read.run'")
        assert tuple(job) == ("yielded", 0, None)
        assert len(platform.receiver.messages) == (await run_of(platform, operation["id"])).page
        await workers.start()
        assert (await platform.ended(operation["id"]))["status"] == "success"
        assert len(platform.delivered()) == len(set(platform.delivered())) == 3000


async def test_a_worker_that_may_wait_no_longer_gives_its_read_back_at_once(migrated: Database, tmp_path: Path) -> None:
    simulated = SimulatorOptions(records=1500)
    options: dict[str, Any] = {"lease_seconds": 300.0, "drain_seconds": 0.1}  # no lease runs out in this test's time
    async with (
        running_platform(migrated, tmp_path, simulated=simulated, worker=False, **options) as platform,
        worker_processes(platform) as workers,
    ):
        platform.receiver.hang(times=1)
        await set_up(platform)
        [operation] = await platform.operations()
        await workers.start()
        await platform.receiver.wait_for(1, requests=True)
        assert await workers.end(signal.SIGTERM) == 0
        [job] = await rows(platform, "select state, attempts, worker from job where kind = 'read.run'")
        assert tuple(job) == ("ready", 0, None)
        platform.receiver.recover()
        await workers.start()
        assert (await platform.ended(operation["id"]))["status"] == "success"
        assert len(platform.delivered()) == len(set(platform.delivered())) == 1500


def _distinct(count: int, messages: list[Received]) -> bool:
    """Whether there are so many different messages."""
    return len({message.id for message in messages}) >= count


async def _status(platform: Platform, operation_id: str) -> str:
    found: str = (await platform.send("GET", f"/operations/{operation_id}", 200))["status"]
    return found
