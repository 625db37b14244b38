"""A provider that fails at every page: each is asked for until it comes, and none that was committed again."""

from __future__ import annotations

from pathlib import Path

from conjunct.core.database import Database
from tests.actions.read.test_provider_failures import pages_asked_for
from tests.support.platform import running_platform, running_worker
from tests.support.reading import hurry, run_of, set_up, watermark


async def test_when_pages_fail_once_none_is_read_again_and_the_watermark_waits_for_the_end(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        before = pages_asked_for(platform)
        platform.hubspot.faults.set([f"500@page={number}" for number in range(1, 12, 2)])
        async with running_worker(platform.services):
            while (await run_of(platform, operation["id"])).active:
                assert await watermark(platform) is None or not (await run_of(platform, operation["id"])).active
                await hurry(platform)
            ended = await platform.ended(operation["id"])
        assert ended["status"] == "success"
        failures = ended["metadata"]["retry"]["attempts"]
        asked_for = pages_asked_for(platform) - before
        assert failures >= 2
        assert asked_for.total() == 3 + failures
        assert max(asked_for.values()) == 2
        assert len(platform.delivered()) == len(set(platform.delivered())) == 250
        assert await watermark(platform) is not None
