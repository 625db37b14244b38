"""What reads make of an installation's health, object by object."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from conjunct.core.database import Database
from tests.support.platform import Platform, running_platform
from tests.support.reading import RARELY, chosen, idle, make_due, manifest, rows, scheduled_read

LEADS: dict[str, Any] = {
    "objectName": "p_unknown",
    "destination": "people-webhook",
    "schedule": RARELY,
    "backfill": {"defaultPeriod": {"fullHistory": True}},
    "requiredFields": [{"fieldName": "name"}],
}


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    """Contacts can be read; the account lacks the other object."""
    async with running_platform(database, tmp_path) as running:
        await running.deploy(manifest(LEADS))
        await running.connect()
        await running.install(chosen("contacts", "p_unknown"), skipSampling=True)
        for operation in await running.operations():
            await running.ended(operation["id"])
        yield running


async def installation(platform: Platform) -> dict[str, Any]:
    path = f"/integrations/{platform.integration}/installations"
    one: dict[str, Any] = await platform.send("GET", f"{path}/{platform.installation}", 200)
    assert await platform.send("GET", path, 200) == [one]
    return one


async def health(platform: Platform) -> str:
    found: str = (await installation(platform))["healthStatus"]
    return found


async def troubles(platform: Platform) -> set[tuple[str, str]]:
    found = await rows(platform, "select object_name, kind from installation_trouble")
    return {(row.object_name, row.kind) for row in found}


async def change(platform: Platform, mask: str, **objects: Any) -> None:
    path = f"/integrations/{platform.integration}/installations/{platform.installation}?skipSampling=true"
    value = {"config": {"content": {"read": {"objects": objects}}}}
    body = {"updateMask": [f"config.content.read.objects.{mask}"], "installation": value}
    await platform.send("PATCH", path, 200, json=body)


async def test_an_objects_good_reads_do_not_hide_another_ones_failure(platform: Platform) -> None:
    assert await troubles(platform) == {("p_unknown", "read_failed")}
    assert await health(platform) == "unhealthy"
    assert (await platform.ended(await platform.trigger()))["status"] == "success"
    assert await health(platform) == "unhealthy"

    await change(platform, "p_unknown.disabled", p_unknown={"disabled": True})
    assert await health(platform) == "healthy"


async def test_a_pause_by_failures_stands_until_it_is_ended_or_the_object_is_gone(platform: Platform) -> None:
    path = f"/integrations/{platform.integration}/installations/{platform.installation}"
    for _ in range(2):  # a backfill that failed is begun again by the schedule
        await make_due(platform)
        await idle(platform)
    paused = ("p_unknown", "read_paused")
    assert await troubles(platform) == {("p_unknown", "read_failed"), paused}
    await change(platform, "p_unknown.disabled", p_unknown={"disabled": True})
    assert await troubles(platform) == {paused}
    await platform.send("POST", f"{path}:unpause", 204, json={"objects": ["p_unknown"]})
    assert await health(platform) == "healthy"

    await change(platform, "p_unknown.disabled", p_unknown={"disabled": False})
    await platform.send("POST", f"{path}:pause", 204, json={"objects": ["contacts"]})
    assert await health(platform) == "healthy", "what the builder pauses is no trouble"
    for _ in range(3):
        await make_due(platform)
        await idle(platform)
    assert await troubles(platform) == {("p_unknown", "read_failed"), paused}
    await change(platform, "p_unknown", p_unknown=None)
    assert await troubles(platform) == set()
    assert await health(platform) == "healthy"


async def test_a_triggered_read_that_fails_is_no_trouble_and_one_that_succeeds_ends_it(platform: Platform) -> None:
    await change(platform, "p_unknown", p_unknown=None)
    platform.hubspot.faults.set(["400:1"])
    assert (await platform.ended(await platform.trigger()))["status"] == "failure"
    assert await health(platform) == "healthy"
    failed = await scheduled_read(platform)
    assert failed["status"] == "failure"
    assert await health(platform) == "unhealthy"
    platform.hubspot.faults.set([])
    assert (await platform.ended(await platform.trigger()))["status"] == "success"
    assert await health(platform) == "healthy"


async def test_the_last_operation_is_the_newest_of_all_objects(platform: Platform) -> None:
    statuses = {operation["status"] for operation in await platform.operations()}
    assert statuses == {"success", "failure"}
    assert (await installation(platform))["lastOperationStatus"] == (await platform.operations())[0]["status"]
    await platform.ended(await platform.trigger())
    assert (await installation(platform))["lastOperationStatus"] == "success"
    platform.hubspot.faults.set(["400:1"])
    await platform.ended(await platform.trigger())
    assert (await installation(platform))["lastOperationStatus"] == "failure"
