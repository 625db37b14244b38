"""DELETE /connections/{id}: what hangs on a connection goes with it, or keeps it."""

from __future__ import annotations

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections import StoppedInstallation
from conjunct.core.problems import Conflict
from tests.connections.conftest import World
from tests.connections.making import make

URL = "/v1/projects/acme/connections"


class Follower:
    """Something that hangs on connections: it clears its own rows on the same transaction, or objects."""

    def __init__(self, *, objects: bool = False) -> None:
        self.objects = objects
        self.left: list[tuple[str, str]] = []

    async def on_connection_made(self, session: AsyncSession, project_id: str, connection_id: str) -> None:
        pass

    async def on_connection_deleting(self, session: AsyncSession, project_id: str, connection_id: str) -> None:
        still_there = await session.scalar(
            text("SELECT count(*) FROM connection WHERE id = :id"), {"id": connection_id}
        )
        assert still_there == 1
        await session.execute(text("UPDATE customer_group SET group_name = 'left'"))
        if self.objects:
            raise Conflict("It is in use.")
        self.left.append((project_id, connection_id))

    async def stopped_by_deletion(self, _session: AsyncSession, *_of: str) -> list[StoppedInstallation]:
        return [
            StoppedInstallation(id="i", integration_id="n", integration_name="crm", group_ref="g-1", read_objects=["a"])
        ]


async def group_name(world: World) -> str:
    async with world.database.reading() as reading:
        name: str = (await reading.execute(text("SELECT group_name FROM customer_group"))).scalar_one()
        return name


async def test_a_deleted_connection_is_gone_with_its_credentials(client: httpx.AsyncClient, world: World) -> None:
    gone, kept = await make(client, "keyed"), await make(client, "keyed")
    response = await client.delete(f"{URL}/{gone['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert (await client.get(f"{URL}/{gone['id']}")).status_code == 404
    assert (await client.delete(f"{URL}/{gone['id']}")).status_code == 404
    assert (await client.get(URL)).json() == [kept]


async def test_what_hangs_on_it_is_told_first(client: httpx.AsyncClient, world: World) -> None:
    made = await make(client, "keyed")
    follower = Follower()
    world.service.add_listener(follower)
    assert (await client.delete(f"{URL}/{made['id']}")).status_code == 204
    assert follower.left == [(world.project.project_id, made["id"])]
    assert await group_name(world) == "left"


async def test_what_hangs_on_it_may_keep_it_and_then_nothing_has_happened(
    client: httpx.AsyncClient, world: World
) -> None:
    made = await make(client, "keyed")
    world.service.add_listener(Follower())
    world.service.add_listener(Follower(objects=True))
    response = await client.delete(f"{URL}/{made['id']}")
    assert response.status_code == 409
    assert response.json()["detail"] == "It is in use."
    assert (await client.get(f"{URL}/{made['id']}")).json() == made
    assert await group_name(world) == "g-1"


async def test_another_projects_connection_is_not_found_and_stays(client: httpx.AsyncClient, world: World) -> None:
    theirs = await make(client, "keyed", project="rival", api_key=world.other.api_key)
    follower = Follower()
    world.service.add_listener(follower)
    assert (await client.delete(f"{URL}/{theirs['id']}")).status_code == 404
    assert (await client.delete(f"{URL}/nonsense")).status_code == 404
    assert follower.left == []
    listed = await client.get("/v1/projects/rival/connections", headers={"X-Api-Key": world.other.api_key})
    assert listed.json() == [theirs]


async def test_what_a_deletion_stops_can_be_known_before(client: httpx.AsyncClient, world: World) -> None:
    made = await make(client, "keyed")
    alone = (await client.get(f"{URL}/{made['id']}/deletion-plan")).json()
    assert alone["installations"] == []
    assert alone["summary"].startswith("No installation uses this connection.")
    world.service.add_listener(Follower())
    plan = (await client.get(f"{URL}/{made['id']}/deletion-plan")).json()
    assert [each["integrationName"] for each in plan["installations"]] == ["crm"]
    assert (plan["connectionId"], plan["revokesAtProvider"]) == (made["id"], False)
    assert plan["summary"].startswith("Deletes 1 installation(s), so that 1 object(s) are no longer read.")
    assert (await client.get(f"{URL}/nonsense/deletion-plan")).status_code == 404
    assert (await client.get(f"{URL}/{made['id']}")).json() == made
