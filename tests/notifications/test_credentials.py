"""Hopeless credentials stop: the connection is marked, told once, its reads rest until the customer connects again."""

from __future__ import annotations

import asyncio

from tests.notifications.conftest import Notified
from tests.support.platform import Platform
from tests.support.reading import chosen, idle, make_due, manifest, rows, run_of, scheduled_read, touch, watermark
from tests.support.receiver import Receiver
from tests.support.signing_in import end_grant, make_app, sign_in, status_of


async def search(platform: Platform) -> int:
    answer = await platform.client.post(
        f"/search{platform.project}/integrations/crm",
        params={"groupRef": "acme"},
        json={"objectName": "people", "fieldFilters": []},
    )
    return answer.status_code


async def health(platform: Platform) -> str:
    path = f"/integrations/{platform.integration}/installations/{platform.installation}"
    return str((await platform.send("GET", path, 200))["healthStatus"])


async def test_hopeless_credentials_stop_until_the_customer_connects_again(
    notified: Notified, receiver: Receiver
) -> None:
    platform = notified.platform
    await platform.deploy(manifest())
    await make_app(platform)
    await sign_in(platform)
    await platform.install(chosen("contacts"))
    [backfill] = await platform.operations()
    assert (await platform.ended(backfill["id"]))["status"] == "success"
    ears = await notified.listen(receiver, "connection.error", "read.schedule.paused")
    reached = await watermark(platform)
    missed = touch(platform, 3)

    await end_grant(platform)
    await rows(platform, "update connection set access_token_expires_at = now() - interval '1 minute'")
    await make_due(platform)
    assert set(await asyncio.gather(*(search(platform) for _ in range(8)))) == {422}
    await idle(platform)
    assert await status_of(platform) == "bad_credentials"
    assert await health(platform) == "unhealthy"
    [error] = await ears.hear("connection.error")
    assert error["connectionId"] == platform.connection
    assert len(await ears.hear("read.schedule.paused")) == 1

    operations, asked = await platform.operations(), platform.hubspot.journal.stats()["requests"]
    for _ in range(3):
        await make_due(platform)
        await idle(platform)
    assert await platform.operations() == operations
    assert platform.hubspot.journal.stats()["requests"] == asked
    assert await search(platform) == 422
    await notified.all_delivered()
    assert len(ears.heard()) == 2

    await sign_in(platform)
    assert await status_of(platform) in ("created", "working")
    assert await health(platform) == "healthy"
    resumed = await scheduled_read(platform)
    assert resumed["status"] == "success"
    assert (await run_of(platform, resumed["id"])).since == reached
    assert sorted(platform.delivered(resumed["id"])) == sorted(missed)
    assert await status_of(platform) == "working"
    assert len(ears.heard()) == 2
