"""What happens at the same time is either seen or refused, never half-seen."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from sqlalchemy import text

from conjunct.installations.always import NOTHING_CHOSEN
from conjunct.installations.schemas import CreateInstallation, NewConfig
from tests.installations.conftest import CONTACTS, DEALS, TICKETS, manifest, read_content

WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def until_it_waits(world, task: asyncio.Task[Any]) -> None:
    """Until a statement of the task waits for a lock, or the task has ended without."""
    async with world.database.reading() as connection:
        while not task.done() and not (await connection.execute(WAITING)).scalar_one():
            pass


async def meanwhile(world, other: Coroutine[Any, Any, Any], content: dict[str, Any] | None = None):
    """Install for g1 without committing, let `other` run into it, commit; answers both outcomes."""
    async with world.database.transaction() as session:
        request = CreateInstallation(group_ref="g1", config=NewConfig(content=content) if content else NewConfig())
        plan = await world.installations.plan_creation(session, world.project.project_id, "crm", request)
        installation_id = await world.installations.save(session, plan)
        task = asyncio.create_task(other)
        await until_it_waits(world, task)
    return installation_id, await task


@pytest.fixture
async def ready(world):
    await world.deploy(manifest(DEALS))
    return world


async def test_an_integration_is_deleted_with_what_was_just_being_installed(ready):
    await ready.connect()
    made, answer = await meanwhile(ready, ready.client.delete(f"{ready.home}/integrations/crm"))
    assert answer.status_code == 204
    assert ready.recorder.deleted == [made]


async def test_a_connection_is_deleted_with_what_was_just_being_installed(ready):
    connection = await ready.connect()
    made, answer = await meanwhile(ready, ready.client.delete(f"{ready.home}/connections/{connection}"))
    assert answer.status_code == 204
    assert ready.recorder.deleted == [made]


async def test_a_deploy_reaches_what_was_just_being_installed(ready):
    await ready.connect()
    made, integration = await meanwhile(ready, ready.deploy(manifest(DEALS.replace("amount", "total"))))
    state = await ready.state({"id": made})
    assert state.revision_id == integration["latestRevision"]["id"]
    assert state.read_objects["deals"].fields == ("total",)


async def test_a_connection_stays_that_was_just_taken_into_use(ready):
    await ready.deploy(manifest(DEALS, name="erp"))
    await ready.connect()
    erp = await ready.install(integration="erp")
    url = f"{ready.home}/integrations/erp/installations/{erp['id']}"
    made, answer = await meanwhile(ready, ready.client.delete(url))
    assert answer.status_code == 204
    assert ready.recorder.deleted == [erp["id"]]
    assert (await ready.get({"id": made}))["connection"]["id"] == erp["connection"]["id"]


async def test_what_is_installed_while_it_installs_itself_is_what_was_chosen(world):
    """A program that connects a group and installs at once, as those without our components do."""
    await world.deploy(manifest(CONTACTS, TICKETS))
    await world.connect()
    chosen = read_content(contacts={"selectedFields": {"phone": True}})
    made, answer = await meanwhile(world, world.install(chosen), content=NOTHING_CHOSEN)
    assert answer["id"] == made
    assert list((await world.state(answer)).read_objects) == ["contacts", "tickets"]


async def test_who_installs_over_another_connection_while_the_installation_is_deleted_gets_a_new_one(world):
    await world.deploy(manifest(TICKETS))
    await world.connect()
    old = await world.install()
    other = await world.connect()
    async with world.database.transaction() as session:
        await world.installations.delete(session, world.project.project_id, "crm", old["id"])
        task = asyncio.create_task(world.install(body={"connectionId": other}))
        await until_it_waits(world, task)
    assert (await task)["id"] != old["id"]
