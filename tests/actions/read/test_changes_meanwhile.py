"""What is changed while a read is under way: the read goes on as it began, or ends without a sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from conjunct.actions.read.checkpoints import MAX_PENDING
from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from tests.support.platform import Platform, running_platform
from tests.support.reading import (
    COMPANIES,
    RARELY,
    backfilled,
    contacts,
    idle,
    make_due,
    manifest,
    rows,
    scheduled_read,
    set_up,
    touch,
    until,
    watermark,
)


async def set_up_and_stop_in_the_middle(platform: Platform, *further: dict[str, Any]) -> str:
    """Begin a backfill whose first message the receiver does not answer until it recovers; gives the operation."""
    platform.receiver.hang(times=1)
    await set_up(platform, *further)
    await platform.receiver.wait_for(1, requests=True)
    operation_id: str = platform.receiver.requests[0].body["operationId"]
    return operation_id


async def deploy(platform: Platform, changed: dict[str, Any], *, destructive: bool = False) -> None:
    """Deploy a manifest over the one that is deployed."""
    path = f"/integrations:batch?destructive={str(destructive).lower()}"
    await platform.send("PUT", path, 200, json={"sourceYaml": yaml.safe_dump(changed)})


async def test_a_read_whose_installation_is_deleted_ends_at_its_next_checkpoint_without_a_sound(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_platform(database, tmp_path, simulated=SimulatorOptions(records=3000)) as platform:
        await set_up_and_stop_in_the_middle(platform)
        await platform.send("DELETE", f"/integrations/crm/installations/{platform.installation}", 204)
        platform.receiver.recover()
        await idle(platform)
        assert len(platform.receiver.requests) <= 2 + MAX_PENDING
        assert "job.failed" not in capsys.readouterr().out


@pytest.mark.parametrize("fault", ["500", "429", "401"])
async def test_a_failure_of_a_read_whose_installation_is_deleted_is_of_no_consequence(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    simulated = SimulatorOptions(records=200, latency=0.1, fail=(f"{fault}@page=3",))
    async with running_platform(database, tmp_path, simulated=simulated) as platform:
        await set_up(platform)

        async def counting() -> bool:  # the count, a tenth of a second before the page that fails
            return platform.hubspot.journal.page_requests >= 2

        await until(counting)
        await platform.send("DELETE", f"/integrations/crm/installations/{platform.installation}", 204)
        await idle(platform)
        assert "job.failed" not in capsys.readouterr().out


async def test_a_read_that_ends_while_its_installation_is_being_changed_waits_for_the_change(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_platform(database, tmp_path) as platform:
        operation_id = await set_up_and_stop_in_the_middle(platform)
        async with database.transaction() as session:
            await session.execute(text("select from installation for update"))
            platform.receiver.recover()

            async def waiting() -> bool:
                statement = (
                    "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
                )
                return bool(await rows(platform, statement))

            await until(waiting)
            await session.execute(text("select from read_object for update"))  # as saving a config does
        assert (await platform.ended(operation_id))["status"] == "success"
        assert "job.failed" not in capsys.readouterr().out


async def test_a_read_that_ends_well_says_nothing_of_credentials_that_came_meanwhile(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path) as platform:
        operation_id = await set_up_and_stop_in_the_middle(platform)
        await rows(platform, "update connection set version = version + 1, status = 'created' returning id")
        platform.receiver.recover()
        assert (await platform.ended(operation_id))["status"] == "success"
        assert (await platform.send("GET", f"/connections/{platform.connection}", 200))["status"] == "created"


async def test_a_read_ends_on_the_config_that_it_began_with(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        operation_id = await set_up_and_stop_in_the_middle(platform)
        config = {
            "content": {
                "read": {"objects": {"contacts": {"objectName": "contacts", "selectedFields": {"lastname": True}}}}
            }
        }
        change = {"updateMask": ["config.content.read.objects.contacts"], "installation": {"config": config}}
        await platform.send("PATCH", f"/integrations/crm/installations/{platform.installation}", 200, json=change)
        platform.receiver.recover()
        assert (await platform.ended(operation_id))["status"] == "success"
        begun = [message.body for message in platform.receiver.requests if message.body["operationId"] == operation_id]
        assert {frozenset(entry["fields"]) for body in begun for entry in body["result"]} == {
            frozenset({"email", "firstname"})
        }

        touch(platform, 1)
        following = await scheduled_read(platform)
        [later] = [each.body for each in platform.receiver.messages if each.body["operationId"] == following["id"]]
        assert set(later["result"][0]["fields"]) == {"email", "firstname", "lastname"}


async def test_an_object_that_a_deploy_leaves_out_is_read_on(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, COMPANIES)
        await deploy(platform, manifest())
        changed = touch(platform, 1, "companies")
        await make_due(platform)
        await idle(platform)
        delivered = [each.body for each in platform.receiver.messages if each.body["readType"] == "scheduled"]
        assert [entry["raw"]["id"] for body in delivered for entry in body["result"]] == changed
        assert delivered[0]["objectName"] == "companies"


async def test_an_object_that_a_destructive_deploy_takes_away_is_read_no_more_until_it_comes_back(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform, COMPANIES)
        reached = await watermark(platform, "companies")
        await deploy(platform, manifest(), destructive=True)
        [schedule] = await rows(platform, "select key from schedule where kind = 'read.scheduled'")
        assert schedule.key.endswith("/contacts")
        missed = touch(platform, 2, "companies")

        await deploy(platform, manifest({**COMPANIES, "enabled": "always"}))
        assert await watermark(platform, "companies") == reached
        await make_due(platform)
        await idle(platform)
        delivered = [each.body for each in platform.receiver.messages if each.body["readType"] == "scheduled"]
        assert sorted(entry["raw"]["id"] for body in delivered for entry in body["result"]) == sorted(missed)


async def test_a_destructive_deploy_in_the_middle_of_a_read_lets_it_end(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        operation_id = await set_up_and_stop_in_the_middle(platform)
        await deploy(platform, manifest(objectName="companies", mapToName=None, requiredFields=[]), destructive=True)
        platform.receiver.recover()
        assert (await platform.ended(operation_id))["status"] == "success"
        assert await rows(platform, "select 1 from schedule where kind = 'read.scheduled'") == []
        sent = {entry["raw"]["id"] for each in platform.receiver.requests for entry in each.body["result"]}
        assert sent == set(await contacts(platform))


async def test_a_changed_schedule_counts_at_once(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        for cron in ("*/30 * * * *", RARELY):
            await deploy(platform, manifest(schedule=cron))
            [schedule] = await rows(platform, "select cron, next_at > now() as ahead from schedule where tenant <> ''")
            assert tuple(schedule) == (cron, True)


async def test_refused_credentials_that_were_replaced_meanwhile_are_not_held_against_the_new_ones(
    database: Database, tmp_path: Path
) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        old = platform.connection
        touch(platform, 250)  # two pages
        before = len(platform.receiver.requests)
        platform.hubspot.faults.set(["401@page=2"])
        platform.receiver.hang(times=1)
        await make_due(platform)
        await platform.receiver.wait_for(before + 1, requests=True)
        await platform.connect("another")
        change = {"updateMask": ["connectionId"], "installation": {"connectionId": platform.connection}}
        path = f"/integrations/crm/installations/{platform.installation}"
        await platform.send("PATCH", path, 200, json=change)
        platform.receiver.recover()
        await idle(platform)
        assert (await platform.operations())[0]["status"] == "failure"
        assert (await platform.send("GET", f"/connections/{old}", 200))["status"] == "bad_credentials"
        assert (await platform.send("GET", f"/connections/{platform.connection}", 200))["status"] != "bad_credentials"

        following = await scheduled_read(platform)
        assert following["status"] == "success"
        assert len(set(platform.delivered(following["id"]))) == 250
