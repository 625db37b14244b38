"""Connections over real HTTP: two projects, the built-in providers, and some that show every way to authenticate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from conjunct.connections import ConnectionService, router
from conjunct.connectors import EgressTransport
from conjunct.core.database import Database
from conjunct.core.egress import Egress, EgressPolicy
from conjunct.core.encryption import Keyring, new_key
from conjunct.kit.clock import ManualClock
from conjunct.providers import Catalog, ProviderOverrides
from conjunct.providers.catalog import BUILT_IN
from conjunct.tenants import Authenticator, NewProject, ProjectKeys, TenantService
from tests.connections.flows import flow, server
from tests.connections.providers import write_providers
from tests.support.servers import serve, slice_api
from tests.support.specification import checked
from tests.support.tenants import make_project

__all__ = ["flow", "server"]  # fixtures that stand beside their helpers

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """What a test may look into beside the API."""

    database: Database
    service: ConnectionService
    keys: ProjectKeys
    project: NewProject
    other: NewProject


@pytest.fixture
def keys() -> ProjectKeys:
    return ProjectKeys(Keyring({"m1": new_key()}, current="m1"))


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    async with Egress(policy=EgressPolicy(), user_agent="conjunct-tests") as egress:
        yield egress


@pytest.fixture
async def world(database: Database, keys: ProjectKeys, egress: Egress, tmp_path: Path) -> World:
    service = ConnectionService(
        database=database,
        tenants=TenantService(keys),
        keys=keys,
        catalog=Catalog([write_providers(tmp_path), BUILT_IN]),
        transport=EgressTransport(egress),
        overrides=ProviderOverrides({"*": "http://127.0.0.1:9"}),  # nobody is there: nothing is proved
        clock=ManualClock(NOW),
    )
    return World(
        database=database,
        service=service,
        keys=keys,
        project=await make_project(database, keys, "acme"),
        other=await make_project(database, keys, "rival"),
    )


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the first project, whose every answer is held against the specification."""
    app = slice_api(router)
    app.state.database = world.database
    app.state.authenticator = Authenticator(world.database)
    app.state.connections = world.service
    async with serve(app, {"X-Api-Key": world.project.api_key}) as client:
        yield checked(client)
