"""What a changed config or a new revision makes of reads that have been: nothing is left out, nothing begun twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conjunct.core.database import Database
from tests.actions.read.test_changes_meanwhile import deploy, set_up_and_stop_in_the_middle
from tests.support.platform import Platform, running_platform, running_worker
from tests.support.reading import (
    COMPANIES,
    backfilled,
    idle,
    make_due,
    manifest,
    rows,
    run_of,
    scheduled_read,
    set_up,
    touch,
    watermark,
)

FULL = {"defaultPeriod": {"fullHistory": True}}


async def choose(platform: Platform, name: str, **config: Any) -> None:
    """Replace what the group chose for an object."""
    change = {
        "updateMask": [f"config.content.read.objects.{name}"],
        "installation": {"config": {"content": {"read": {"objects": {name: {"objectName": name, **config}}}}}},
    }
    path = f"/integrations/crm/installations/{platform.installation}"
    await platform.send("PATCH", path, 200, json=change)


async def backfills(platform: Platform, name: str) -> list[str]:
    found = await rows(
        platform, "select operation_id from read_run where read_type = 'backfill' and object_name = :name", name=name
    )
    return [row.operation_id for row in found]


async def test_an_object_that_is_chosen_later_is_backfilled_then_and_once(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await platform.deploy(manifest(COMPANIES))
        await platform.connect()
        await platform.install({"read": {"objects": {"contacts": {"objectName": "contacts", "disabled": True}}}})
        assert await platform.operations() == []

        await choose(platform, "companies")
        await choose(platform, "contacts")
        await idle(platform)
        for name in ("companies", "contacts"):
            [backfill] = await backfills(platform, name)
            assert (await platform.ended(backfill))["status"] == "success"
        reached = await watermark(platform)

        # Neither another period nor a rest begins it again; what changed meanwhile is read afterwards.
        await choose(platform, "contacts", backfill={"defaultPeriod": {"days": 7}})
        await choose(platform, "contacts", disabled=True)
        changed = touch(platform, 2)
        await make_due(platform)
        await idle(platform)
        assert await watermark(platform) == reached
        await choose(platform, "contacts", backfill=FULL)
        await make_due(platform)
        await idle(platform)
        scheduled = [each.body for each in platform.receiver.messages if each.body["readType"] == "scheduled"]
        assert sorted(entry["raw"]["id"] for body in scheduled for entry in body["result"]) == sorted(changed)
        assert len(await backfills(platform, "contacts")) == 1


async def test_a_failed_backfill_that_is_no_longer_wanted_is_not_made_up_for(
    database: Database, tmp_path: Path, quick_retries: None
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform)
        platform.hubspot.faults.set(["500:1"])
        [failed] = await platform.operations()
        await platform.stack.enter_async_context(running_worker(platform.services))
        assert (await platform.ended(failed["id"]))["status"] == "failure"
        platform.hubspot.faults.set([])
        await choose(platform, "contacts", backfill={"defaultPeriod": {"days": 0}})
        changed = touch(platform, 2)
        operation = await scheduled_read(platform)
        assert sorted(platform.delivered(operation["id"])) == sorted(changed)
        run = await run_of(platform, operation["id"])
        [chosen] = await rows(platform, "select create_time from read_object")
        assert (run.read_type, run.since) == ("scheduled", chosen.create_time)


async def test_a_read_ends_under_the_names_that_it_began_with_and_a_rollback_brings_them_back(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path) as platform:
        backfill = await set_up_and_stop_in_the_middle(platform)
        renamed = [{"fieldName": "email"}, {"fieldName": "jobtitle", "mapToName": "position"}]
        await deploy(platform, manifest(mapToName="persons", requiredFields=renamed))
        platform.receiver.recover()
        await platform.ended(backfill)
        touch(platform, 1)
        following = await scheduled_read(platform)
        await platform.send("POST", "/integrations/crm:rollback", 201, json={"revisionId": "previous"})
        touch(platform, 1)
        last = await scheduled_read(platform)

        names: dict[str, set[tuple[str, frozenset[str], frozenset[str]]]] = {}
        for each in platform.receiver.messages:
            body = each.body
            names.setdefault(body["operationId"], set()).update(
                (body["objectName"], frozenset(entry["fields"]), frozenset(entry["mappedFields"]))
                for entry in body["result"]
            )
        began = ("people", frozenset({"email", "firstname"}), frozenset({"title"}))
        assert names[backfill] == names[last["id"]] == {began}
        assert names[following["id"]] == {("persons", frozenset({"email"}), frozenset({"position"}))}
        assert (await platform.send("GET", f"/operations/{following['id']}", 200))["metadata"]["objects"] == ["persons"]


async def test_an_object_that_a_deploy_left_out_and_brings_back_goes_on(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, COMPANIES)
        reached = await watermark(platform, "companies")
        await deploy(platform, manifest())
        fields = [{"fieldName": "name"}, {"fieldName": "domain"}]
        await deploy(platform, manifest({**COMPANIES, "requiredFields": fields}))
        changed = touch(platform, 1, "companies")
        await make_due(platform)
        await idle(platform)
        [body] = [each.body for each in platform.receiver.messages if each.body["readType"] == "scheduled"]
        assert [(each["raw"]["id"], set(each["fields"])) for each in body["result"]] == [
            (changed[0], {"name", "domain"})
        ]
        assert (await run_of(platform, body["operationId"])).since == reached
        assert len(await backfills(platform, "companies")) == 1
