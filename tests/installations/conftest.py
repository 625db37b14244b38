"""The installations slice over HTTP: two projects, two providers on loopback, groups with connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from conjunct import connections, installations, integrations
from conjunct.connections import ConnectionService
from conjunct.connections.schemas import GenerateConnectionRequest
from conjunct.connectors import EgressTransport
from conjunct.core.database import Database
from conjunct.core.egress import Egress, EgressPolicy
from conjunct.core.encryption import Keyring, new_key
from conjunct.delivery import DeliveryOptions
from conjunct.delivery.destination_service import DestinationService
from conjunct.installations import (
    AlwaysInstaller,
    InstallationForesight,
    InstallationService,
    InstallationState,
    Upstream,
)
from conjunct.integrations import DeployPlanner, IntegrationService
from conjunct.kit.clock import SystemClock
from conjunct.manifests import Limits
from conjunct.providers import Catalog, ProviderOverrides
from conjunct.queue import PostgresEngine
from conjunct.tenants import Authenticator, NewProject, ProjectKeys, TenantService
from tests.installations.provider import Provider, served_provider, write_providers
from tests.support.servers import serve, slice_api
from tests.support.specification import checked
from tests.support.tenants import make_project

CONTACTS = """
        - objectName: contacts
          mapToName: people
          destination: hook
          schedule: "0 * * * *"
          requiredFields:
            - fieldName: email
            - mapToName: notes
              default: description
          optionalFields:
            - fieldName: phone
            - fieldName: mobile
              mapToName: cell
            - mapToName: source
          optionalFieldsAuto: all
          backfill:
            defaultPeriod:
              days: 30
"""
DEALS = """
        - objectName: deals
          destination: hook
          requiredFields:
            - fieldName: amount
"""
TICKETS = """
        - objectName: tickets
          destination: hook
          schedule: "0 * * * *"
          enabled: always
          requiredFields:
            - fieldName: subject
"""
FURTHER = """
    write:
      objects:
        - objectName: contacts
        - objectName: job.appointments
    subscribe:
      objects:
        - objectName: contacts
          destination: events
          otherEvents: [contact.merge]
    proxy:
      enabled: true
"""


def manifest(*reads: str, further: str = FURTHER, name: str = "crm", provider: str = "acme") -> str:
    read = f"    read:\n      objects:{''.join(reads)}" if reads else ""
    return f"specVersion: 1.0.0\nintegrations:\n  - name: {name}\n    provider: {provider}\n{read}{further}"


@dataclass
class Recorder:
    """A listener that keeps what it was told."""

    saved: list[tuple[InstallationState, InstallationState | None]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    async def on_saved(self, _session, state, previous):
        self.saved.append((state, previous))

    async def on_deleted(self, _session, _project_id, installation_id):
        self.deleted.append(installation_id)


@dataclass
class World:
    """What a test may look into beside the API."""

    client: httpx.AsyncClient
    database: Database
    project: NewProject
    other: NewProject
    provider: Provider
    recorder: Recorder
    connections: ConnectionService
    integrations: IntegrationService
    installations: InstallationService
    upstream: Upstream
    engine: PostgresEngine

    @property
    def home(self) -> str:
        return f"/v1/projects/{self.project.project_id}"

    async def deploy(self, yaml: str, **query: Any) -> dict[str, Any]:
        """Deploy a manifest of one integration; answers it."""
        response = await self.client.put(f"{self.home}/integrations:batch", json={"sourceYaml": yaml}, params=query)
        assert response.status_code == 200, response.text
        integration: dict[str, Any] = response.json()[0]
        return integration

    async def connect(self, group: str = "g1", provider: str = "acme", project: NewProject | None = None) -> str:
        """Connect a group; answers the connection's id."""
        request = GenerateConnectionRequest(
            group_ref=group, consumer_ref=f"{group}-ann", provider=provider, api_key="k"
        )
        return await self.connections.generate((project or self.project).project_id, request)

    async def install(
        self, content: Any = None, group: str = "g1", status: int = 201, integration: str = "crm", **more: Any
    ) -> dict[str, Any]:
        """Install for a group; answers the installation, or the problem."""
        body: dict[str, Any] = {"groupRef": group, **more.pop("body", {})}
        if content is not None:
            body["config"] = {"content": content}
        url = f"{self.home}/integrations/{integration}/installations"
        response = await self.client.post(url, json=body, params=more)
        assert response.status_code == status, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def patch(
        self, installation: dict[str, Any], given: Any, *masks: str, status: int = 200, **query: Any
    ) -> dict[str, Any]:
        """Change an installation; answers it as it is then, or the problem."""
        url = f"{self.home}/integrations/crm/installations/{installation['id']}"
        body = {"updateMask": list(masks), "installation": given}
        response = await self.client.patch(url, json=body, params=query)
        assert response.status_code == status, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def get(self, installation: dict[str, Any]) -> dict[str, Any]:
        url = f"{self.home}/integrations/crm/installations/{installation['id']}"
        response = await self.client.get(url)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def state(self, installation: dict[str, Any]) -> InstallationState:
        async with self.database.transaction() as session:
            return await self.installations.load(session, self.project.project_id, installation["id"])

    async def count(self, table: str) -> int:
        async with self.database.reading() as connection:
            found: int = (await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()
        return found


def read_content(**objects: Any) -> dict[str, Any]:
    """Config content that reads these objects."""
    return {"provider": "acme", "read": {"objects": objects}}


def names(problem: dict[str, Any]) -> list[str]:
    """Where the issues of a problem are."""
    return [issue["name"] for issue in problem.get("issues", [])]


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    keys = ProjectKeys(Keyring({"m1": new_key()}, current="m1"))
    project, other = await make_project(database, keys), await make_project(database, keys, "other")
    policy = EgressPolicy((ip_network("127.0.0.0/8"),))
    async with served_provider() as provider, Egress(policy=policy, user_agent="conjunct-tests") as egress:
        connecting = ConnectionService(
            database=database,
            tenants=TenantService(keys),
            keys=keys,
            catalog=Catalog([write_providers(tmp_path, "acme", "rival")]),
            transport=EgressTransport(egress),
            overrides=ProviderOverrides({"acme": provider.url, "rival": provider.url}),
        )
        integrating = IntegrationService(Limits())
        installing = InstallationService(integrating, connecting, timedelta(minutes=10))
        engine, recorder = PostgresEngine(database), Recorder()
        always = AlwaysInstaller(database, integrating, connecting, installing, engine, batch=2)
        upstream = Upstream(database, integrating, installing, engine, always, batch=3)
        integrating.add_listener(upstream)
        connecting.add_listener(upstream)
        installing.add_listener(recorder)
        app = slice_api(
            *(each.router for each in (integrations, installations, connections)),
            installations.metadata_router,
            integrations.history_router,
        )
        app.state.database = database
        app.state.authenticator = Authenticator(database)
        app.state.connections, app.state.integrations, app.state.installations = connecting, integrating, installing
        app.state.uploads = None
        destinations = DestinationService(
            keys=keys, egress=egress, options=DeliveryOptions(public_url=""), clock=SystemClock()
        )
        app.state.deploy_planner = DeployPlanner(destinations, InstallationForesight(integrating))
        async with serve(app, {"X-Api-Key": project.api_key}) as client:
            yield World(
                checked(client),
                database,
                project,
                other,
                provider,
                recorder,
                connecting,
                integrating,
                installing,
                upstream,
                engine,
            )
