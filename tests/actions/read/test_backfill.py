"""Backfills: how much of the past an installation brings, and what can be seen of it meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from tests.support.platform import running_platform, running_worker
from tests.support.reading import backfilled, contacts, rows, run_of, set_up, watermark


async def test_a_backfill_of_days_brings_what_changed_in_them(database: Database, tmp_path: Path) -> None:
    simulated = SimulatorOptions(records=300, as_of=datetime.now(UTC))
    async with running_platform(database, tmp_path, simulated=simulated) as platform:
        await backfilled(platform, backfill={"defaultPeriod": {"days": 90}})
        [operation] = await platform.operations()
        run = await run_of(platform, operation["id"])
        assert run.until == run.new_watermark
        assert (run.until - run.since).days == 90
        first = run.since.replace(microsecond=run.since.microsecond // 1000 * 1000)
        expected = {
            record_id
            for record_id, record in (await contacts(platform)).items()
            if datetime.fromisoformat(record["updatedAt"]) >= first
        }
        assert 0 < len(expected) < 300
        assert sorted(platform.delivered()) == sorted(expected)


async def test_without_a_backfill_the_past_is_left_out_and_the_watermark_is_now(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path) as platform:
        before = datetime.now(UTC)
        await set_up(platform, backfill=None)
        assert await platform.operations() == []
        reached = await watermark(platform)
        assert reached is not None
        assert before <= reached <= datetime.now(UTC)
        path = f"/integrations/crm/installations/{platform.installation}/objects/contacts/backfill-progress"
        problem = await platform.send("GET", path, 404)
        assert problem["type"].endswith("backfill-not-found")


async def test_an_object_without_a_schedule_is_backfilled_all_the_same(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, schedule=None)
        assert len(platform.delivered()) == 250
        assert await rows(platform, "select 1 from schedule where kind = 'read.scheduled'") == []


async def test_a_backfills_own_filters_hold_for_it(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        backfill = {
            "defaultPeriod": {"fullHistory": True},
            "fieldFilters": [{"fieldName": "country", "operator": "eq", "value": "Japan"}],
        }
        await platform.deploy()
        await platform.connect()
        await platform.install({"read": {"objects": {"contacts": {"objectName": "contacts", "backfill": backfill}}}})
        [operation] = await platform.operations()
        await platform.ended(operation["id"])
        everyone = await contacts(platform, "country")
        japanese = [key for key, record in everyone.items() if record["properties"]["country"] == "Japan"]
        assert 0 < len(japanese) < 250
        assert sorted(platform.delivered()) == sorted(japanese)


async def test_progress_is_told_from_the_start_to_the_end(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        path = f"/integrations/crm/installations/{platform.installation}/objects"
        begun = await platform.send("GET", f"{path}/contacts/backfill-progress", 200)
        assert (begun["operationId"], begun["recordsProcessed"]) == (operation["id"], 0)
        async with running_worker(platform.services):
            ended = await platform.ended(operation["id"])
        done = await platform.send("GET", f"{path}/people/backfill-progress", 200)
        assert (done["recordsProcessed"], done["recordsEstimatedTotal"]) == (250, 250)
        assert ended["metadata"]["progress"]["recordsProcessed"] == 250
        unknown = await platform.send("GET", f"{path}/deals/backfill-progress", 400)
        assert unknown["type"].endswith("object-not-read")


async def test_a_full_backfill_leaves_the_watermark_at_its_start(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        assert await watermark(platform) is None
        async with running_worker(platform.services):
            await platform.ended(operation["id"])
        run = await run_of(platform, operation["id"])
        assert (run.since, run.until, run.page) == (None, None, 3)
        assert await watermark(platform) == run.new_watermark


async def test_an_empty_object_is_a_success_without_messages(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, simulated=SimulatorOptions(records=0)) as platform:
        await backfilled(platform)
        [operation] = await platform.operations()
        assert operation["result"] == "[contacts] No new data found"
        assert platform.receiver.requests == []
