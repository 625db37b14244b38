"""What builders steer reads by: trigger, pause and unpause, and the operations that tell what was done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from tests.support.platform import Platform, running_platform
from tests.support.reading import (
    COMPANIES,
    backfilled,
    contacts,
    idle,
    make_due,
    rows,
    run_of,
    scheduled_read,
    touch,
    watermark,
)


async def refused(platform: Platform, body: dict[str, Any], object_name: str = "people") -> dict[str, Any]:
    """The problem that a trigger's body is refused with, as 400."""
    path = f"/read{platform.project}/integrations/crm/objects/{object_name}"
    answer = await platform.client.post(path, json={"groupRef": "acme", "mode": "async", **body})
    assert answer.status_code == 400, answer.text
    problem: dict[str, Any] = answer.json()
    return problem


async def test_a_triggered_read_brings_its_window_and_leaves_the_watermark(database: Database, tmp_path: Path) -> None:
    simulated = SimulatorOptions(records=300, as_of=datetime(2026, 1, 1, tzinfo=UTC))
    async with running_platform(database, tmp_path, simulated=simulated) as platform:
        await backfilled(platform)
        reached = await watermark(platform)
        since, until = datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 11, 1, tzinfo=UTC)
        times = {key: datetime.fromisoformat(each["updatedAt"]) for key, each in (await contacts(platform)).items()}
        windows: list[tuple[dict[str, str], set[str]]] = [
            ({}, set(times)),
            ({"sinceTimestamp": since.isoformat()}, {key for key, at in times.items() if at >= since}),
            ({"untilTimestamp": until.isoformat()}, {key for key, at in times.items() if at <= until}),
            (
                {"sinceTimestamp": since.isoformat(), "untilTimestamp": until.isoformat()},
                {key for key, at in times.items() if since <= at <= until},
            ),
        ]
        for window, expected in windows:
            operation = await platform.ended(await platform.trigger(**window))
            assert operation["status"] == "success"
            assert len(expected) > 0
            assert sorted(platform.delivered(operation["id"])) == sorted(expected)
            assert {
                message.body["readType"]
                for message in platform.receiver.messages
                if message.body["operationId"] == operation["id"]
            } == {"triggered"}
        assert await watermark(platform) == reached


async def test_the_end_of_a_triggered_read_that_names_none_is_its_beginning(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        since = datetime.now(UTC) - timedelta(minutes=1)
        changed = touch(platform, 2)
        operation = await platform.ended(await platform.trigger(sinceTimestamp=since.isoformat()))
        assert sorted(platform.delivered(operation["id"])) == sorted(changed)
        run = await run_of(platform, operation["id"])
        assert run.since == since
        assert since < run.until <= datetime.now(UTC)


async def test_a_trigger_that_cannot_be_is_refused_and_begins_nothing(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        inverted = await refused(
            platform, {"sinceTimestamp": "2026-02-01T00:00:00Z", "untilTimestamp": "2026-01-01T00:00:00Z"}
        )
        assert [issue["name"] for issue in inverted["issues"]] == ["untilTimestamp"]
        unknown = await refused(platform, {}, "deals")
        assert unknown["type"].endswith("object-not-read")
        assert "contacts" in unknown["remedy"]
        for name, value in [
            ("mode", "sync"),
            ("mode", None),
            ("groupRef", ""),
            ("sinceTimestamp", "yesterday"),
            ("sinceTimestamp", 1_700_000_000),
        ]:
            assert [issue["name"] for issue in (await refused(platform, {name: value}))["issues"]] == [name], value
        stranger = await platform.client.post(
            f"/read{platform.project}/integrations/crm/objects/people", json={"groupRef": "initech", "mode": "async"}
        )
        assert stranger.status_code in (400, 404)
        assert stranger.json()["type"].endswith("group-not-installed")
        assert len(await platform.operations()) == 1


@pytest.mark.parametrize("body", [None, {"objects": []}])
async def test_a_pause_of_all_stops_every_schedule_and_an_unpause_goes_on_from_the_watermarks(
    database: Database, tmp_path: Path, body: dict[str, Any] | None
) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, COMPANIES)
        path = f"/integrations/crm/installations/{platform.installation}"
        marks = [await watermark(platform, name) for name in ("contacts", "companies")]
        for _ in range(2):  # the second time changes nothing
            await platform.send("POST", f"{path}:pause", 204, json=body)
            assert await rows(platform, "select 1 from schedule where kind = 'read.scheduled'") == []
        missed = touch(platform, 2)
        triggered = await platform.ended(await platform.trigger(sinceTimestamp=datetime.now(UTC).isoformat()))
        assert triggered["status"] == "success"  # a pause is of schedules alone

        for _ in range(2):
            await platform.send("POST", f"{path}:unpause", 204, json=body)
            assert len(await rows(platform, "select 1 from schedule where kind = 'read.scheduled'")) == 2
        assert [await watermark(platform, name) for name in ("contacts", "companies")] == marks
        await make_due(platform)
        await idle(platform)
        delivered = [
            entry["raw"]["id"]
            for message in platform.receiver.messages
            if message.body["readType"] == "scheduled"
            for entry in message.body["result"]
        ]
        assert sorted(delivered) == sorted(missed)


async def test_objects_are_paused_one_by_one_by_either_name(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, COMPANIES)
        path = f"/integrations/crm/installations/{platform.installation}"
        await platform.send("POST", f"{path}:pause", 204, json={"objects": ["people"], "note": "too many"})
        notes = await rows(platform, "select object_name, paused, pause_note from read_object order by object_name")
        assert [tuple(note) for note in notes] == [("companies", None, None), ("contacts", "builder", "too many")]
        touch(platform, 2)
        changed = touch(platform, 2, "companies")
        operation = await scheduled_read(platform)
        assert operation["metadata"]["objects"] == ["companies"]
        assert sorted(platform.delivered(operation["id"])) == sorted(changed)

        for verb in ("pause", "unpause"):
            problem = await platform.send("POST", f"{path}:{verb}", 400, json={"objects": ["contacts", "deals"]})
            assert problem["type"].endswith("object-not-read")
        paused = await rows(platform, "select object_name from read_object where paused is not null")
        assert [row.object_name for row in paused] == ["contacts"]
        await platform.send("POST", f"{path}:unpause", 204, json={"objects": ["contacts"]})
        assert await rows(platform, "select 1 from read_object where paused is not null") == []


async def test_operations_are_listed_newest_first_a_page_at_a_time(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        [backfill] = await platform.operations()
        triggered = [await platform.trigger() for _ in range(4)]
        for operation_id in triggered:
            await platform.ended(operation_id)
        path = f"/integrations/crm/installations/{platform.installation}/operations"
        seen: list[str] = []
        query = {"pageSize": "2"}
        while True:
            page = await platform.send("GET", path, 200, params=query)
            seen += [operation["id"] for operation in page["results"]]
            if page["pagination"]["done"]:
                break
            assert len(page["results"]) == 2
            query["pageToken"] = page["pagination"]["nextPageToken"]
        assert seen == [*reversed(triggered), backfill["id"]]
        await platform.send("GET", path, 400, params={"pageToken": "made-up"})
        assert len(await platform.send("GET", f"/operations/{backfill['id']}/logs", 200)) == 2
        await platform.send("GET", "/operations/unknown", 404)
        await platform.send("GET", "/operations/unknown/logs", 404)
