"""Builders and their customers: projects, integrations, connections and installations, made as the API does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from conjunct.app.api import create_api
from conjunct.app.services import Services
from conjunct.core.settings import Settings

PROVIDER = """
spec: conjunct/provider@1
name: simulated
display: Simulated
inputs: [{name: workspace, kind: url}]
base_url: "{workspace}"
auth: {type: apiKey, name: X-Key}
defaults:
  time: rfc3339ms
  read:
    request: {path: "/{object}", query: {since: "{since}", until: "{until}", cursor: "{cursor}"}}
    records: data
    id: id
    page: {style: cursor, at: next}
  schema: {source: sample}
objects: {contacts: {}, companies: {}, deals: {}}
"""
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Builder:
    """A builder's project, and the way to it."""

    client: httpx.AsyncClient
    project_id: str

    async def send(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """A request below the project's path; raises when it is refused."""
        answer = await self.client.request(method, f"/v1/projects/{self.project_id}{path}", json=body, params=query)
        if not answer.is_success:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    async def destination(self, name: str, url: str) -> None:
        """Make a webhook."""
        await self.send("POST", "/destinations", {"name": name, "type": "webhook", "metadata": {"url": url}})

    async def deploy(self, integrations: Sequence[dict[str, Any]]) -> list[Any]:
        """Deploy a manifest."""
        manifest = {"specVersion": "1.0.0", "integrations": list(integrations)}
        deployed: list[Any] = await self.send("PUT", "/integrations:batch", {"sourceYaml": yaml.safe_dump(manifest)})
        return deployed

    async def connect(self, group: str, account_url: str) -> None:
        """Connect a customer."""
        who = {"groupRef": group, "groupName": group, "consumerRef": group, "consumerName": group}
        connection = {"provider": "simulated", "apiKey": "k", "providerWorkspaceRef": account_url}
        await self.send("POST", "/connections:generate", {**who, **connection})

    async def install(self, integration: str, group: str, objects: Sequence[str]) -> str:
        """Install an integration for a customer; gives the installation's id."""
        content = {"read": {"objects": {name: {"objectName": name} for name in objects}}}
        body = {"groupRef": group, "config": {"content": content}}
        made = await self.send("POST", f"/integrations/{integration}/installations", body, skipSampling="true")
        found: str = made["id"]
        return found


async def new_builder(settings: Settings, services: Services, name: str) -> Builder:
    """A builder with a project of its own, in an org of its own."""
    async with services.database.transaction() as session:
        made = await services.tenants.create_org_and_project(session, org=name, project=name, app_name=name)
    transport = httpx.ASGITransport(create_api(settings, services))
    client = httpx.AsyncClient(
        transport=transport, base_url="http://conjunct", headers={"X-Api-Key": made.api_key}, timeout=60
    )
    return Builder(client, made.project_id)


def integration(
    name: str, destination: str, objects: Sequence[str], *, schedule: str | None = None, backfill: bool = False
) -> dict[str, Any]:
    """A manifest's entry that reads these objects."""
    each: dict[str, Any] = {"destination": destination, "requiredFields": [{"fieldName": "name"}]}
    if schedule is not None:
        each["schedule"] = schedule
    if backfill:
        each["backfill"] = {"defaultPeriod": {"fullHistory": True}}
    read = {"objects": [{"objectName": object_name, **each} for object_name in objects]}
    return {"name": name, "provider": "simulated", "read": read}


def own_provider(folder: Path) -> Path:
    """A folder of providers with the simulated one."""
    place = folder / "providers" / "simulated" / "provider.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(PROVIDER)
    return place.parent.parent


async def in_turns(todo: Sequence[Any]) -> None:
    """Await these coroutines, a few at a time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(each: Any) -> None:
        async with places:
            await each

    await asyncio.gather(*(one(each) for each in todo))
