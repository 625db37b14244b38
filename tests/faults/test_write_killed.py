"""Workers that are killed while an asynchronous write is on its way: none is lost, and no create is sent twice."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path
from typing import Any

from conjunct.core.database import Database
from tests.actions.write.test_asynchronous import CREATE, KNOWN, UPDATE, accept, platform_that_writes, sent
from tests.faults.workers import worker_processes
from tests.support.platform import Platform
from tests.support.reading import logs, until


async def test_what_was_on_its_way_is_sent_again_only_where_twice_comes_to_once(
    migrated: Database, tmp_path: Path
) -> None:
    async with (
        platform_that_writes(migrated, tmp_path, lease_seconds=1.0) as platform,
        worker_processes(platform) as workers,
    ):
        platform.hubspot.faults.set(["timeout@request=1", "timeout@request=2"])
        created = await accept(platform, CREATE)
        updated = await accept(platform, UPDATE)
        following = await accept(platform, {**UPDATE, "record": {"id": KNOWN[0], "lastname": "last"}})
        for requests in (1, 2):
            await workers.start()
            await until(partial(_sent, platform, requests))
            assert await workers.end(signal.SIGKILL) == -signal.SIGKILL
        await workers.start()
        assert (await platform.ended(following))["status"] == "success"
        lost, again = await platform.ended(created), await platform.ended(updated)
        assert lost["status"] == "failure"
        assert "It is not known whether it was written" in lost["result"]
        assert again["status"] == "success"
        assert (await logs(platform, updated))[-1]["msg"].startswith("Sent again")
        assert [path for path, _ in sent(platform)] == ["contacts", *[f"contacts/{KNOWN[0]}"] * 3]
        assert sent(platform)[-1][1]["properties"]["lastname"] == "last"


async def _sent(platform: Platform, count: int) -> list[Any] | None:
    """What was sent, once it is so much."""
    found = sent(platform)
    return found if len(found) >= count else None
