"""A worker that stands still for longer than its lease: others go on, and when it wakes up it changes nothing."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path

from conjunct.actions.read.checkpoints import MAX_PENDING
from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from tests.faults.workers import worker_processes
from tests.support.platform import running_platform, running_worker
from tests.support.reading import contacts, rows, run_of, scheduled_read, set_up, touch, until, watermark
from tests.support.receiver import Received


async def test_a_worker_that_froze_and_wakes_up_changes_nothing_and_works_on(
    migrated: Database, tmp_path: Path
) -> None:
    """As a stopped process, a host that swaps, or a handler that keeps the loop for itself, would."""
    simulated = SimulatorOptions(records=2000, latency=0.1)
    async with (
        running_platform(migrated, tmp_path, simulated=simulated, worker=False, lease_seconds=1.0) as platform,
        worker_processes(platform) as frozen,
    ):
        await frozen.start()
        await set_up(platform)
        [operation] = await platform.operations()
        await platform.receiver.wait_for(partial(_distinct, 3))
        frozen.tell(signal.SIGSTOP)
        async with running_worker(platform.services):
            ended = await platform.ended(operation["id"])
        assert ended["result"] == "[contacts] 2000 records read"
        run = await run_of(platform, operation["id"])
        assert await watermark(platform) == run.new_watermark

        [woken] = await rows(platform, "select now() as at")
        frozen.tell(signal.SIGCONT)
        beaten = "select 1 from worker where pid = :pid and beat_at > cast(:at as timestamptz) + interval '1 second'"
        await until(lambda: rows(platform, beaten, pid=frozen.pid, at=woken.at))  # it has found out since
        changed = touch(platform, 5)
        following = await scheduled_read(platform)  # the one that was frozen does it
        assert sorted(platform.delivered(following["id"])) == sorted(changed)
        assert await frozen.end(signal.SIGTERM) == 0

        assert tuple(await run_of(platform, operation["id"])) == tuple(run)
        messages = [each for each in platform.receiver.messages if each.body["operationId"] == operation["id"]]
        by_id = {message.id: message.raw for message in messages}
        assert len(by_id) == run.page == 20
        assert all(message.raw == by_id[message.id] for message in messages)
        assert len(messages) <= 20 + 2 * MAX_PENDING + 1
        assert set(platform.delivered(operation["id"])) == set(await contacts(platform))
        assert await rows(platform, "select 1 from delivery_message") == []


def _distinct(count: int, messages: list[Received]) -> bool:
    return len({message.id for message in messages}) >= count
