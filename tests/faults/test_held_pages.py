"""Workers that are killed while pages are held and asked for: each is asked for once and goes out, none is lost."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path

from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from tests.faults.workers import worker_processes
from tests.support.platform import Platform, running_platform
from tests.support.reading import contacts, rows, run_of, set_up, until
from tests.support.receiver import Received

ON_REQUEST = {"delivery": {"mode": "onRequest", "pageSize": 50}}


async def test_what_is_asked_for_is_met_exactly_although_workers_are_killed(migrated: Database, tmp_path: Path) -> None:
    simulated = SimulatorOptions(records=3000, latency=0.02)
    async with (
        running_platform(migrated, tmp_path, simulated=simulated, worker=False, lease_seconds=1.0) as platform,
        worker_processes(platform) as workers,
    ):
        await set_up(platform, **ON_REQUEST)
        [operation] = await platform.operations()
        for asked in (4, 16, 28):
            await ask(platform, 12)
            await workers.start()
            await platform.receiver.wait_for(partial(_distinct, asked))
            assert await workers.end(signal.SIGKILL) == -signal.SIGKILL
        await workers.start()
        assert (await platform.ended(operation["id"]))["status"] == "success"
        await platform.receiver.wait_for(partial(_distinct, 36))

        async def nothing_goes_out() -> bool:
            return not await rows(platform, "select 1 from job where kind = 'delivery.retry'")

        await until(nothing_goes_out)
        held = [row.id for row in await rows(platform, "select id from delivery_message where state = 'held'")]
        by_id = {message.id: message.raw for message in platform.receiver.messages}
        assert (len(by_id), len(held)) == (36, 24)
        assert not by_id.keys() & set(held)
        assert all(message.raw == by_id[message.id] for message in platform.receiver.messages)
        assert (await run_of(platform, operation["id"])).records == 3000
        [hold] = await rows(platform, "select owed from delivery_hold")
        assert hold.owed == 0

        await ask(platform, 24)
        await platform.receiver.wait_for(partial(_distinct, 60))
        assert set(platform.delivered()) == set(await contacts(platform))


async def ask(platform: Platform, pages: int) -> None:
    body = {"groupRef": "acme", "pages": pages}
    await platform.send("POST", "/integrations/crm/objects/people:deliverResults", 204, json=body)


def _distinct(count: int, messages: list[Received]) -> bool:
    """Whether there are so many different messages."""
    return len({message.id for message in messages}) >= count
