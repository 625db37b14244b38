"""`GET …/installations/{id}/reads`: how the reads of each object stand, in words that a builder can act on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from conjunct.core.database import Database
from tests.support.platform import Platform, running_platform, running_worker
from tests.support.reading import COMPANIES, RARELY, backfilled, manifest, rows, scheduled_read, set_up, watermark

BERLIN = ZoneInfo("Europe/Berlin")


async def told(platform: Platform) -> dict[str, dict[str, Any]]:
    """What is told of each object, by the provider's name."""
    found = await platform.send("GET", f"/integrations/crm/installations/{platform.installation}/reads", 200)
    return {each["rawObjectName"]: each for each in found}


async def test_it_follows_an_object_from_its_backfill_on(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform, {**COMPANIES, "schedule": "", "backfill": {"defaultPeriod": {"days": 0}}})
        [backfill] = await platform.operations()
        begun = await told(platform)
        assert begun["contacts"].pop("nextReadTime")
        created = begun["contacts"]["lastOperation"].pop("createTime")
        assert begun["contacts"] == {
            "objectName": "people",
            "rawObjectName": "contacts",
            "destination": "people-webhook",
            "schedule": RARELY,
            "disabled": False,
            "backfillOperationId": backfill["id"],
            "lastOperation": {"id": backfill["id"], "status": "in_progress"},
        }
        assert datetime.fromisoformat(created) == datetime.fromisoformat(backfill["createTime"])
        assert begun["companies"].keys() == {"objectName", "rawObjectName", "destination", "disabled", "readUntil"}

        async with running_worker(platform.services):
            await platform.ended(backfill["id"])
            operation = await scheduled_read(platform)
        read = (await told(platform))["contacts"]
        assert read["lastOperation"]["id"] == operation["id"]
        assert read["lastOperation"]["status"] == "success"
        assert datetime.fromisoformat(read["readUntil"]) == await watermark(platform)


async def test_it_tells_who_paused_an_object_and_why(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, COMPANIES)
        path = f"/integrations/crm/installations/{platform.installation}"
        before = datetime.now(UTC)
        await platform.send("POST", f"{path}:pause", 204, json={"objects": ["people"], "note": "the customer asked"})
        paused = await told(platform)
        since = datetime.fromisoformat(paused["contacts"]["pause"].pop("since"))
        assert before - timedelta(seconds=1) <= since <= datetime.now(UTC) + timedelta(seconds=1)
        assert paused["contacts"]["pause"] == {"by": "builder", "note": "the customer asked"}
        assert "nextReadTime" not in paused["contacts"]
        assert "pause" not in paused["companies"]

        # A deploy that takes the object away and one that brings it back leave the pause as it is.
        for objects in (manifest(objectName="deals", mapToName=None), manifest()):
            text = yaml.safe_dump(objects)
            await platform.send("PUT", "/integrations:batch?destructive=true", 200, json={"sourceYaml": text})
        config = {"content": {"read": {"objects": {"contacts": {"objectName": "contacts"}}}}}
        change = {"updateMask": ["config.content.read.objects.contacts"], "installation": {"config": config}}
        await platform.send("PATCH", path, 200, json=change)
        assert (await told(platform))["contacts"]["pause"]["note"] == "the customer asked"

        await platform.send("POST", f"{path}:unpause", 204)
        assert {"pause", "nextReadTime"} & (await told(platform))["contacts"].keys() == {"nextReadTime"}


async def test_it_tells_how_many_pages_are_held_and_owed(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, COMPANIES, delivery={"mode": "onRequest", "pageSize": 50})
        found = await told(platform)
        assert found["contacts"]["heldPages"] == {"held": 5, "owed": 0}
        assert "heldPages" not in found["companies"]
        path = f"/read{platform.project}/integrations/crm/objects/people:deliverResults"
        await platform.client.post(path, json={"groupRef": "acme", "pages": 7})
        assert (await told(platform))["contacts"]["heldPages"] == {"held": 0, "owed": 2}


async def test_a_schedule_in_a_time_zone_comes_at_its_hour(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform, COMPANIES, schedule="CRON_TZ=Europe/Berlin 0 9 * * 1-5")
        chosen = {"objectName": "companies", "schedule": "TZ=Asia/Kolkata 30 18 * * *"}
        change = {
            "updateMask": ["config.content.read.objects.companies"],
            "installation": {"config": {"content": {"read": {"objects": {"companies": chosen}}}}},
        }
        path = f"/integrations/crm/installations/{platform.installation}"
        await platform.send("PATCH", path, 200, json=change)
        found = await told(platform)
        assert found["contacts"]["schedule"] == "CRON_TZ=Europe/Berlin 0 9 * * 1-5"
        due = datetime.fromisoformat(found["contacts"]["nextReadTime"]).astimezone(BERLIN)
        assert (due.hour, due.minute, due.weekday() < 5) == (9, 0, True)
        due = datetime.fromisoformat(found["companies"]["nextReadTime"]).astimezone(UTC)
        assert (due.hour, due.minute) == (13, 0)
        zones = await rows(platform, "select timezone from schedule where kind = 'read.scheduled' order by timezone")
        assert [row.timezone for row in zones] == ["Asia/Kolkata", "Europe/Berlin"]

        chosen["schedule"] = "TZ=Asia/Calcuta 30 18 * * *"
        refused = await platform.send("PATCH", path, 422, json=change)
        assert "did you mean Asia/Calcutta?" in refused["issues"][0]["detail"]
