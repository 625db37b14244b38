"""What the other slices ask of connections."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from sqlalchemy import text

from conjunct.connections import ConnectionNotFound, ConnectionService, connection_json
from conjunct.connectors import EgressTransport, UnknownModule
from conjunct.core.egress import Egress
from conjunct.providers import Catalog, ProviderOverrides
from conjunct.providers.catalog import BUILT_IN
from conjunct.tenants import TenantService
from tests.connections.conftest import World
from tests.connections.making import SECRET, make
from tests.support.servers import serve

UNKNOWN = "0192f0c1-0000-7000-8000-000000000000"


class Provider:
    """A provider's server on loopback; it keeps the headers of the last request."""

    def __init__(self) -> None:
        self.url = ""
        self.path = ""
        self.headers: dict[str, str] = {}


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    app, provider = FastAPI(), Provider()

    @app.get("/{path:path}")
    async def answer(path: str, request: Request) -> dict[str, str]:
        provider.path, provider.headers = path, dict(request.headers)
        return {}

    async with serve(app) as client:
        provider.url = str(client.base_url).rstrip("/")
        yield provider


@pytest.fixture
def service(world: World, egress: Egress, provider: Provider, tmp_path: Path) -> ConnectionService:
    """The service, with every provider's requests sent to the server on loopback."""
    catalog = Catalog([tmp_path, BUILT_IN])
    overrides = ProviderOverrides(dict.fromkeys(catalog.names(), provider.url))
    return ConnectionService(
        database=world.database,
        tenants=TenantService(world.keys),
        keys=world.keys,
        catalog=catalog,
        transport=EgressTransport(egress, private_servers=overrides.private_servers),
        overrides=overrides,
    )


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("name", "header", "value"),
    [
        ("keyed", "x-key", SECRET),
        ("placed", "x-key", SECRET),
        ("guarded", "authorization", _basic(f"ann:{SECRET}")),
        ("halved", "authorization", _basic(f"{SECRET}:-")),
        ("hubspot", "authorization", f"Bearer {SECRET}-access"),
    ],
)
async def test_a_connector_reaches_the_provider_with_the_connections_credentials(
    client: httpx.AsyncClient, world: World, service: ConnectionService, provider: Provider,
    name: str, header: str, value: str,
) -> None:  # fmt: skip
    made = await make(client, name)
    async with world.database.transaction() as session:
        connector = await service.connector(session, world.project.project_id, made["id"])
    await connector.check()
    assert provider.headers[header] == value
    assert SECRET not in repr(connector)
    assert SECRET not in repr(vars(connector).values())


async def test_a_connector_uses_the_newest_credentials(
    client: httpx.AsyncClient, world: World, service: ConnectionService, provider: Provider
) -> None:
    made = await make(client, "keyed")
    await client.patch(
        f"/v1/projects/acme/connections/{made['id']}",
        json={"updateMask": ["apiKey"], "connection": {"apiKey": "newer"}},
    )
    async with world.database.transaction() as session:
        connector = await service.connector(session, world.project.project_id, made["id"])
    await connector.check()
    assert provider.headers["x-key"] == "newer"


async def test_a_connector_goes_where_the_inputs_say(
    client: httpx.AsyncClient, world: World, egress: Egress, tmp_path: Path
) -> None:
    made = await make(client, "placed")
    service = ConnectionService(
        database=world.database,
        tenants=TenantService(world.keys),
        keys=world.keys,
        catalog=Catalog([tmp_path]),
        transport=EgressTransport(egress),
    )
    async with world.database.transaction() as session:
        connector = await service.connector(session, world.project.project_id, made["id"])
    assert connector.address.base_url == "https://acme.example.com/eu"


async def test_a_connector_needs_a_connection_of_the_project_and_a_module_of_the_provider(
    client: httpx.AsyncClient, world: World
) -> None:
    made = await make(client, "hubspot")
    async with world.database.transaction() as session:
        await world.service.connector(session, world.project.project_id, made["id"], module="crm")
        with pytest.raises(UnknownModule):
            await world.service.connector(session, world.project.project_id, made["id"], module="nothing")
        for project_id, connection_id in (
            (world.other.project_id, made["id"]),
            (world.project.project_id, UNKNOWN),
        ):
            with pytest.raises(ConnectionNotFound):
                await world.service.connector(session, project_id, connection_id)


async def test_find_tells_all_but_the_credentials(client: httpx.AsyncClient, world: World) -> None:
    made, project_id = await make(client, "hubspot", providerWorkspaceRef="42"), world.project.project_id
    async with world.database.transaction() as session:
        state = await world.service.find(session, project_id, made["id"])
        assert await world.service.find(session, world.other.project_id, made["id"]) is None
        assert await world.service.find(session, project_id, UNKNOWN) is None
    assert state is not None
    assert (state.id, state.project_id, state.provider) == (made["id"], project_id, "hubspot")
    assert (state.group_ref, state.consumer_ref) == ("g-1", "c-1")
    assert (state.auth_scheme, state.status, state.version) == ("oauth2/authorizationCode", "created", 1)
    assert (state.provider_workspace_ref, state.provider_metadata) == ("42", None)
    assert state.access_token_expires_at == datetime(2026, 3, 1, 13, tzinfo=UTC)
    assert state.throttled_until is None
    assert SECRET not in repr(state)


async def test_a_groups_default_is_its_newest_connection_for_the_provider(
    client: httpx.AsyncClient, world: World
) -> None:
    project_id = world.project.project_id
    await make(client, "keyed", group="g-1")
    newest = await make(client, "keyed", group="g-1", consumer="c-2")
    await make(client, "guarded", group="g-1")
    await make(client, "keyed", group="g-2")
    await make(client, "keyed", group="g-1", project="rival", api_key=world.other.api_key)
    async with world.database.transaction() as session:
        found = await world.service.default_for_group(session, project_id, "g-1", "keyed")
        assert found is not None
        assert (found.id, found.consumer_ref) == (newest["id"], "c-2")
        assert await world.service.default_for_group(session, project_id, "g-1", "hubspot") is None
        assert await world.service.default_for_group(session, project_id, "g-3", "keyed") is None


async def test_a_status_is_written_only_when_it_is_news(client: httpx.AsyncClient, world: World) -> None:
    made, project_id = await make(client, "keyed"), world.project.project_id
    url = f"/v1/projects/acme/connections/{made['id']}"
    for mark, status in (
        (world.service.mark_working, "working"),
        (world.service.mark_bad_credentials, "bad_credentials"),
        (world.service.mark_working, "working"),
    ):
        async with world.database.transaction() as session:
            assert await mark(session, project_id, made["id"]) is True
        after = (await client.get(url)).json()
        assert after["status"] == status
        async with world.database.transaction() as session:
            assert await mark(session, project_id, made["id"]) is False
            assert await mark(session, world.other.project_id, made["id"]) is False
        assert (await client.get(url)).json() == after


async def test_a_verdict_on_old_credentials_says_nothing_of_new_ones(client: httpx.AsyncClient, world: World) -> None:
    made, project_id = await make(client, "keyed"), world.project.project_id
    url = f"/v1/projects/acme/connections/{made['id']}"
    await client.patch(url, json={"updateMask": ["apiKey"], "connection": {"apiKey": "newer"}})
    async with world.database.transaction() as session:
        assert await world.service.mark_bad_credentials(session, project_id, made["id"], version=1) is False
    assert (await client.get(url)).json()["status"] == "created"
    async with world.database.transaction() as session:
        assert await world.service.mark_bad_credentials(session, project_id, made["id"], version=2) is True
    assert (await client.get(url)).json()["status"] == "bad_credentials"


async def test_a_pause_is_only_ever_extended(client: httpx.AsyncClient, world: World) -> None:
    made, project_id = await make(client, "keyed"), world.project.project_id
    until = datetime(2026, 3, 1, 12, tzinfo=UTC)
    async with world.database.transaction() as session:
        await world.service.throttle(session, project_id, made["id"], until)
        await world.service.throttle(session, project_id, made["id"], until - timedelta(minutes=1))
        await world.service.throttle(session, world.other.project_id, made["id"], until + timedelta(minutes=9))
        state = await world.service.find(session, project_id, made["id"])
        assert state is not None
        assert state.throttled_until == until
        await world.service.throttle(session, project_id, made["id"], until + timedelta(minutes=1))
        state = await world.service.find(session, project_id, made["id"])
        assert state is not None
        assert state.throttled_until == until + timedelta(minutes=1)


async def test_another_slice_can_show_a_connection_in_a_statement_of_its_own(
    client: httpx.AsyncClient, world: World
) -> None:
    made = await make(client, "placed")
    statement = text(
        f"SELECT json_build_object('connection', {connection_json('theirs', 'their_group', 'their_consumer')})::text"
        " FROM connection theirs JOIN customer_group their_group ON their_group.id = theirs.group_id"
        " JOIN consumer their_consumer ON their_consumer.id = theirs.consumer_id"
    )
    async with world.database.reading() as reading:
        assert json.loads((await reading.execute(statement)).scalar_one()) == {"connection": made}


async def test_a_deleted_project_takes_its_connections_along(client: httpx.AsyncClient, world: World) -> None:
    await make(client, "keyed")
    async with world.database.transaction() as session:
        await session.execute(text("DELETE FROM project WHERE id = :id"), {"id": world.project.project_id})
        assert await session.scalar(text("SELECT count(*) FROM connection")) == 0
