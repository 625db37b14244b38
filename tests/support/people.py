"""Builders to test with: people with tokens of their own, who call the API over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from conjunct.app.api import create_api
from conjunct.app.services import Services, open_services
from conjunct.core.database import Database
from conjunct.core.settings import Settings
from conjunct.kit.clock import ManualClock
from tests.support.servers import serve
from tests.support.specification import checked


@dataclass(frozen=True, slots=True)
class Person:
    """A builder who sends requests; every answer is checked against the specification."""

    id: str
    email: str
    token: str = field(repr=False)
    client: httpx.AsyncClient = field(repr=False)

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer to a request below `/v1`."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return await self.client.request(method, f"/v1{path}", headers=headers, **options)

    async def send(self, method: str, path: str, status: int, **options: Any) -> Any:
        """The JSON of the answer, which must have that status."""
        response = await self.ask(method, path, **options)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    async def org(self, label: str = "Acme") -> str:
        """Make an org that this person owns; gives its id."""
        made = await self.send("POST", "/orgs", 201, json={"label": label})
        return str(made["id"])

    async def project(self, org_id: str, name: str) -> dict[str, Any]:
        """Make a project."""
        body = {"orgId": org_id, "name": name, "appName": name.title()}
        made: dict[str, Any] = await self.send("POST", "/projects", 201, json=body)
        return made


@dataclass(frozen=True, slots=True)
class People:
    """The API with a clock that stands still, and those who call it."""

    client: httpx.AsyncClient
    database: Database
    services: Services
    clock: ManualClock

    async def builder(self, email: str, **names: str) -> Person:
        """A builder without an org."""
        async with self.database.transaction() as session:
            made = await self.services.builders.create(session, email, **names)
            token = await self.services.builders.give_token(session, made.id)
        return Person(made.id, email, token, self.client)

    async def member(self, owner: Person, org_id: str, email: str) -> Person:
        """A builder whom the owner has added to the org."""
        person = await self.builder(email)
        await owner.send("POST", f"/orgs/{org_id}/memberships", 201, json={"builderId": person.id})
        return person


@asynccontextmanager
async def people_at_work(database: Database, folder: Path) -> AsyncIterator[People]:
    """The API on an empty database, without a worker."""
    settings, clock = Settings(data_dir=folder), ManualClock(datetime(2026, 1, 31, 9, 30, tzinfo=UTC))
    async with (
        open_services(settings, database, clock=clock) as services,
        serve(create_api(settings, services)) as client,
    ):
        yield People(checked(client), database, services, clock)
