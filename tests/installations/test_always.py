"""Integrations with an object that is read `always` install themselves for groups that connect."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from conjunct.connections.account import Account
from conjunct.connections.grants import Grant
from conjunct.connectors import ApiKey
from conjunct.queue import Options, PostgresEngine
from tests.installations.conftest import CONTACTS, DEALS, TICKETS, World, manifest, read_content

OTHER = manifest(TICKETS, name="help", further="")


async def settled(world: World) -> None:
    """Do all jobs that there are, and those that they make."""
    engine = PostgresEngine(world.database, Options(slots=4))
    stop = asyncio.Event()
    working = asyncio.create_task(engine.run_worker(world.upstream.handlers, stop))
    try:
        async with asyncio.timeout(30):
            while await world.count("job WHERE state NOT IN ('done', 'dead')"):  # noqa: ASYNC110 - the database tells nobody of it
                await asyncio.sleep(0.02)
    finally:
        stop.set()
        await working


async def installed(world: World, integration: str = "crm") -> list[dict[str, Any]]:
    response = await world.client.get(f"{world.home}/integrations/{integration}/installations")
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()
    return found


async def test_a_group_that_connects_is_installed_with_what_is_always_read(world):
    await world.deploy(manifest(CONTACTS, TICKETS))
    await world.deploy(OTHER)
    connection = await world.connect()
    await settled(world)
    for name in ("crm", "help"):
        [made] = await installed(world, name)
        assert (made["group"]["groupRef"], made["connection"]["id"]) == ("g1", connection)
        assert made["createdBy"] == made["config"]["createdBy"] == "consumer:g1-ann"
        assert made["config"]["content"] == {"provider": "acme", "read": {"objects": {}}}
        assert list((await world.state(made)).read_objects) == ["tickets"]
    assert world.provider.asked == []  # no sample
    assert [previous for _, previous in world.recorder.saved] == [None, None]


async def test_what_a_customer_agrees_to_installs_when_it_makes_a_connection_and_not_when_it_renews_one(world):
    await world.deploy(manifest(TICKETS))
    await settled(world)
    grant = Grant("acme", None, "g1", None, "ann", None, Account(), None, ApiKey("k"))
    for jobs in (1, 0):
        async with world.database.transaction() as session:
            connection = await world.connections.store_grant(session, world.project.project_id, grant)
        assert await world.count("job WHERE kind = 'installation.install'") == jobs
        await settled(world)
        [made] = await installed(world)
        assert made["connection"]["id"] == connection


async def test_other_integrations_and_providers_wait_for_somebody_to_install_them(world):
    await world.deploy(manifest(CONTACTS, DEALS))
    await world.deploy(manifest(TICKETS, name="rivals", provider="rival"))
    await world.connect()
    await settled(world)
    assert await world.count("installation") == 0


async def test_a_deploy_that_begins_to_read_always_installs_for_those_who_are_connected(world):
    for group in ("g1", "g2", "g3", "g4"):
        await world.connect(group)
    await world.connect("g1")
    await world.connect("g5", provider="rival")
    await world.connect("g1", project=world.other)
    await world.deploy(manifest(CONTACTS))
    await world.install(read_content(contacts={}), group="g2")
    await settled(world)
    assert await world.count("installation") == 1

    await world.deploy(manifest(CONTACTS, TICKETS))
    await settled(world)
    assert {each["group"]["groupRef"] for each in await installed(world)} == {"g1", "g2", "g3", "g4"}


async def test_a_first_deploy_that_reads_always_installs_for_those_who_are_connected(world):
    await world.connect()
    await world.deploy(manifest(TICKETS))
    await settled(world)
    assert len(await installed(world)) == 1


async def test_what_was_deleted_comes_back_with_a_new_connection_only(world):
    await world.deploy(manifest(TICKETS))
    await world.deploy(OTHER)
    await world.connect()
    await settled(world)
    [made] = await installed(world)
    url = f"{world.home}/integrations/crm/installations/{made['id']}"
    assert (await world.client.delete(url)).status_code == 204

    await world.deploy(manifest(TICKETS, CONTACTS))
    await settled(world)
    assert await installed(world) == []

    await world.connect()
    await settled(world)
    assert len(await installed(world)) == 1
    assert len(await installed(world, "help")) == 1


async def test_who_installs_what_has_installed_itself_chooses_for_it(world):
    await world.deploy(manifest(CONTACTS, TICKETS))
    await world.connect()
    await settled(world)
    [made] = await installed(world)
    chosen = await world.install(read_content(contacts={"selectedFields": {"phone": True}}))
    assert chosen["id"] == made["id"]
    assert list((await world.state(made)).read_objects) == ["contacts", "tickets"]
    await world.install(read_content(contacts={}), status=409)


@pytest.mark.parametrize("jobs", ["installation.install", "installation.install_all"])
async def test_jobs_whose_connection_or_integration_is_gone_end(world, jobs):
    await world.deploy(manifest(TICKETS))
    await world.connect()
    async with world.database.transaction() as session:
        await session.execute(text(f"UPDATE job SET kind = '{jobs}', ref_id = 'gone'"))
    await settled(world)
    assert await world.count("installation") == 0
