"""What a process's services share, and what they do not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from conjunct.core.database import Database
from conjunct.delivery import Message
from tests.support.platform import Platform, running_platform


async def test_destinations_that_hang_take_no_connections_from_others_at_their_host(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        for name in ("one", "two", "three", "quick"):
            body = {"name": name, "type": "webhook", "metadata": {"url": platform.receiver.url}}
            await platform.send("POST", "/destinations", 201, json=body)
        platform.receiver.hang(48)  # as many as may be tried at once at three destinations
        hanging = [asyncio.create_task(_attempt(platform, name, 16)) for name in ("one", "two", "three")]
        try:
            await platform.receiver.wait_for(48, requests=True, within=5)
            assert await _attempt(platform, "quick", 1) == [True]
        finally:
            platform.receiver.recover()
            await asyncio.gather(*hanging)


async def _attempt(platform: Platform, name: str, count: int) -> list[bool]:
    delivery, database = platform.services.delivery, platform.services.database
    async with database.transaction() as session:
        channel = await delivery.open_channel(session, platform.project_id, name)
    ids = (f"{name}-{n}" for n in range(count))
    messages = [Message(each, platform.project_id, channel.destination_id, "op", b"{}", 1) for each in ids]
    return [result.delivered for result in await delivery.attempt(channel, messages)]
