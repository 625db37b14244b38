"""An installation is unhealthy while anything stands against it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.installations.conftest import CONTACTS, DEALS, manifest, read_content

MASK = "config.content.read.objects"


@pytest.fixture
async def installed(world):
    """Two groups have the same integration; what befalls the first leaves the second alone."""
    await world.deploy(manifest(CONTACTS, DEALS))
    for group in ("g1", "g2"):
        await world.connect(group)
    made = await world.install(read_content(contacts={}, deals={"destination": "lake"}))
    other = await world.install(read_content(deals={"destination": "other"}), group="g2")
    return made, other


async def health(world, installation):
    shown = (await world.get(installation))["healthStatus"]
    listed = (await world.client.get(f"{world.home}/installations")).json()
    assert {each["id"]: each["healthStatus"] for each in listed}[installation["id"]] == shown
    return shown


async def do(world, method, *given):
    async with world.database.transaction() as session:
        return await getattr(world.installations, method)(session, *given)


async def destination(world, name, state, project=None):
    async with world.database.transaction() as session:
        await session.execute(
            text("""INSERT INTO destination (id, project_id, name, type, metadata, sealed_secrets, state)
                VALUES (:project || :name, :project, :name, 'webhook', '{}', '', :state)
                ON CONFLICT (project_id, name) DO UPDATE SET state = excluded.state"""),
            {"project": (project or world.project).project_id, "name": name, "state": state},
        )


async def test_it_is_healthy_when_nothing_stands_against_it(world, installed):
    made, other = installed
    assert [await health(world, each) for each in installed] == ["healthy", "healthy"]
    project = world.project.project_id
    await do(world, "report_trouble", project, made["id"], "contacts", "read_failed", "No")
    await do(world, "report_trouble", project, made["id"], "deals", "read_paused", "No")
    await do(world, "report_trouble", project, made["id"], "deals", "read_paused", "Again no")
    assert await world.count("installation_trouble") == 2
    assert [await health(world, each) for each in installed] == ["unhealthy", "healthy"]

    await do(world, "end_trouble", project, made["id"], ["contacts", "deals"], "read_failed")
    await do(world, "end_trouble", world.other.project_id, made["id"], ["deals"], "read_paused")
    await do(world, "end_trouble", project, other["id"], ["deals"], "read_paused")
    assert [await health(world, each) for each in installed] == ["unhealthy", "healthy"]
    await do(world, "end_trouble", project, made["id"], ["deals"], "read_paused")
    assert await health(world, made) == "healthy"


async def test_bad_credentials_count_until_there_are_others(world, installed):
    made, other = installed
    connection = made["connection"]["id"]
    async with world.database.transaction() as session:
        await world.connections.mark_bad_credentials(session, world.project.project_id, connection)
    assert [await health(world, each) for each in installed] == ["unhealthy", "healthy"]
    body = {"updateMask": ["apiKey"], "connection": {"apiKey": "new"}}
    assert (await world.client.patch(f"{world.home}/connections/{connection}", json=body)).status_code == 200
    assert await health(world, made) == "healthy"

    async with world.database.transaction() as session:
        await world.connections.mark_bad_credentials(session, world.project.project_id, connection)
    await world.patch(made, {"connectionId": await world.connect("g1")}, "connectionId")
    assert await health(world, made) == "healthy"
    assert await health(world, other) == "healthy"


async def test_a_disabled_destination_counts_where_objects_deliver_to_it(world, installed):
    made, other = installed
    await destination(world, "lake", "disabled")
    await destination(world, "events", "enabled")
    await destination(world, "unused", "disabled")
    await destination(world, "other", "disabled", project=world.other)
    assert [await health(world, each) for each in installed] == ["unhealthy", "healthy"]

    value = {"config": {"content": {"read": {"objects": {"deals": {"disabled": True}}}}}}
    await world.patch(made, value, f"{MASK}.deals.disabled")
    assert await health(world, made) == "healthy"
    await destination(world, "hook", "disabled")
    assert [await health(world, each) for each in installed] == ["unhealthy", "healthy"]
    await destination(world, "hook", "enabled")
    assert await health(world, made) == "healthy"

    await world.deploy(manifest(CONTACTS.replace("destination: hook", "destination: unused"), DEALS))
    assert [await health(world, each) for each in installed] == ["unhealthy", "healthy"]
    await world.patch(
        other, {"config": {"content": {"subscribe": {"objects": {"contacts": {}}}}}}, "config.content.subscribe"
    )
    await destination(world, "events", "disabled")
    assert await health(world, other) == "unhealthy"


async def test_troubles_of_objects_that_are_no_longer_read_are_over(world, installed):
    made, _ = installed
    project = world.project.project_id
    for kind in ("read_failed", "read_paused"):
        await do(world, "report_trouble", project, made["id"], "deals", kind, "No")
    await world.deploy(manifest(CONTACTS, DEALS.replace("amount", "stage")))
    assert await health(world, made) == "unhealthy"
    await world.deploy(manifest(CONTACTS), destructive=True)
    assert await health(world, made) == "healthy"
    assert await world.count("installation_trouble") == 0
