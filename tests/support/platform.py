"""A whole platform within a test: API and worker on a real database, a simulated provider, a webhook receiver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import yaml

from conjunct.app.api import create_api
from conjunct.app.monitoring import watched
from conjunct.app.services import Services, open_services
from conjunct.core.database import Database
from conjunct.core.settings import Settings
from conjunct.kit.clock import Clock
from conjunct.simulators import SimulatorOptions
from conjunct.simulators import serve as simulate
from conjunct.simulators.server import Running
from conjunct.tenants.keys import KeyTimes
from tests.support.receiver import Receiver, webhook_receiver
from tests.support.servers import serve
from tests.support.specification import checked

NOWHERE = "http://127.0.0.1:9"
"""Where all other providers are: no test asks the internet."""

MANIFEST: dict[str, Any] = {
    "specVersion": "1.0.0",
    "integrations": [
        {
            "name": "crm",
            "provider": "hubspot",
            "read": {
                "objects": [
                    {
                        "objectName": "contacts",
                        "mapToName": "people",
                        "destination": "people-webhook",
                        "schedule": "*/10 * * * *",
                        "backfill": {"defaultPeriod": {"fullHistory": True}},
                        "requiredFields": [
                            {"fieldName": "email"},
                            {"fieldName": "firstname"},
                            {"fieldName": "jobtitle", "mapToName": "title"},
                        ],
                    }
                ]
            },
        }
    ],
}


@dataclass
class Platform:
    """What a test drives: the API over HTTP as its builder, and the sides that it connects."""

    services: Services
    settings: Settings
    client: httpx.AsyncClient
    receiver: Receiver
    hubspot: Running
    org_id: str
    project_id: str
    project: str = "/v1/projects/default"
    integration: str = ""
    installation: str = ""
    connection: str = ""
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def send(self, method: str, path: str, status: int, **options: Any) -> Any:
        """A request below the project's path; its answer must have that status."""
        response = await self.client.request(method, self.project + path, **options)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    async def deploy(self, manifest: dict[str, Any] = MANIFEST) -> None:
        """Make the destination, and deploy the manifest."""
        body = {"name": "people-webhook", "type": "webhook", "metadata": {"url": self.receiver.url}}
        await self.send("POST", "/destinations", 201, json=body)
        shown = await self.send("GET", "/destinations/people-webhook?includeSecrets=true", 200)
        self.receiver.trust(shown["secrets"]["webhookSigningKey"])
        deployed = await self.send("PUT", "/integrations:batch", 200, json={"sourceYaml": yaml.safe_dump(manifest)})
        self.integration = deployed[0]["id"]

    async def connect(self, token: str = "good") -> None:
        """Connect the group `acme` with a token that the simulator takes."""
        body = {
            "provider": "hubspot",
            "groupRef": "acme",
            "groupName": "Acme Inc",
            "consumerRef": "ada",
            "consumerName": "Ada",
            "oauth2AuthorizationCode": {"accessToken": {"token": token}},
        }
        self.connection = (await self.send("POST", "/connections:generate", 201, json=body))["id"]

    async def install(self, content: dict[str, Any] | None = None, **query: Any) -> None:
        """Install the integration for the group."""
        body = {"groupRef": "acme", "config": {"content": content or {}}}
        path = f"/integrations/{self.integration}/installations"
        self.installation = (await self.send("POST", path, 201, json=body, params=query))["id"]

    async def set_up(self) -> None:
        """Deploy, connect and install."""
        await self.deploy()
        await self.connect()
        await self.install()

    async def operations(self) -> list[dict[str, Any]]:
        """The installation's operations, newest first."""
        path = f"/integrations/{self.integration}/installations/{self.installation}/operations"
        found: list[dict[str, Any]] = (await self.send("GET", path, 200))["results"]
        return found

    async def ended(self, operation_id: str, seconds: float = 60) -> dict[str, Any]:
        """The operation, once it has ended."""
        async with asyncio.timeout(seconds):
            while True:
                found: dict[str, Any] = await self.send("GET", f"/operations/{operation_id}", 200)
                if found["status"] != "in_progress":
                    return found
                await asyncio.sleep(0.02)

    async def trigger(self, **window: Any) -> str:
        """Trigger a read of the contacts; gives the operation's id."""
        path = f"/read{self.project}/integrations/{self.integration}/objects/people"
        response = await self.client.post(path, json={"groupRef": "acme", "mode": "async", **window})
        assert response.status_code == 201, response.text
        found: str = response.json()["operationId"]
        return found

    def delivered(self, operation_id: str | None = None) -> list[str]:
        """The provider's ids of the records delivered, in order, of one operation or of all; repeats included."""
        return [
            str(entry["raw"]["id"])
            for message in self.receiver.messages
            if operation_id in (None, message.body["operationId"])
            for entry in message.body["result"]
        ]


@asynccontextmanager
async def running_platform(
    database: Database,
    folder: Path,
    *,
    simulated: SimulatorOptions | None = None,
    worker: bool = True,
    clock: Clock | None = None,
    key_times: KeyTimes | None = None,
    check_time: bool = True,
    **settings: Any,
) -> AsyncIterator[Platform]:
    """A platform on an empty database; `settings` go before a test's usual ones. For `check_time` see `Receiver`."""
    async with AsyncExitStack() as stack:
        hubspot = await stack.enter_async_context(simulate("hubspot", simulated or SimulatorOptions(records=250)))
        receiver = await stack.enter_async_context(webhook_receiver(check_time=check_time))
        overrides = folder / "overrides.yaml"
        overrides.write_text(yaml.safe_dump({"hubspot": hubspot.url, "*": NOWHERE}))
        chosen = Settings(
            **{
                "data_dir": folder,
                "allowed_networks": (ip_network("127.0.0.0/8"),),
                "provider_overrides": overrides,
                "lease_seconds": 3.0,
                **settings,
            }
        )
        services = await stack.enter_async_context(open_services(chosen, database, clock=clock, key_times=key_times))
        async with database.transaction() as session:
            made = await services.tenants.create_org_and_project(
                session, org="default", project="default", app_name="Test"
            )
        monitor = await stack.enter_async_context(watched(chosen, services, "api"))
        app = create_api(chosen, services, monitor)
        client = await stack.enter_async_context(serve(app, {"X-Api-Key": made.api_key}))
        if worker:
            await stack.enter_async_context(running_worker(services))
        yield Platform(services, chosen, checked(client), receiver, hubspot, made.org_id, made.project_id, stack=stack)


@asynccontextmanager
async def running_worker(services: Services) -> AsyncIterator[None]:
    """A worker within this process, drained at the end."""
    stop = asyncio.Event()
    task = asyncio.create_task(services.engine.run_worker(services.job_handlers(), stop))
    try:
        yield
    finally:
        stop.set()
        await task
