"""Token endpoints that rotate refresh tokens, and what tests of refreshing do over and over."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
from aiohttp import web
from sqlalchemy import text

from conjunct.connections import ConnectionService
from conjunct.connections.refreshing import RefreshTimes
from conjunct.providers import Catalog
from conjunct.tenants import TenantService
from tests.connections.flows import Flow, state_of

QUICK = RefreshTimes(grace=0.0, late=0.2, look=(0.01, 0.05), file_after=0.0, store_attempt=0.2)

URL = "/v1/projects/acme/connections/"


@dataclass
class Rotating:
    """A token endpoint that takes each refresh token once, as RFC 6819 advises, and gives the next.

    It answers after `wait`. With `drops` it closes the connection instead; with `tolerates` it takes the token before.
    """

    served: int = 0
    refused: int = 0
    valid: str = "r-0"
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    refusing: asyncio.Event = field(default_factory=asyncio.Event)
    wait: asyncio.Event = field(default_factory=asyncio.Event)
    rotates: bool = True
    drops: bool = False
    tolerates: bool = False

    def __post_init__(self) -> None:
        self.wait.set()

    async def answer(self, request: web.Request) -> Any:
        form = dict(parse_qsl(await request.text()))
        if form["grant_type"] == "authorization_code":
            return {"access_token": "a-0", "refresh_token": self.valid, "expires_in": 600}
        given = form["refresh_token"]
        before = f"r-{self.served - 1}"
        if given != self.valid and not (self.tolerates and given == before):
            self.refused += 1
            self.refusing.set()
            return web.json_response({"error": "invalid_grant", "error_description": "used before"}, status=400)
        self.served += 1
        number = self.served
        if self.rotates:
            self.valid = f"r-{number}"
        given_out = self.valid
        self.asked.set()
        await self.wait.wait()
        if self.drops:
            assert request.transport is not None
            request.transport.close()
        tokens = {"access_token": f"a-{number}", "expires_in": 600}
        return {**tokens, "refresh_token": given_out} if self.rotates else tokens


async def connected(flow: Flow, server: Rotating) -> str:
    """A connection with tokens of that endpoint; gives its id."""
    await flow.app("strict", scopes=["a", "b"])
    flow.server.answer = server.answer
    page = await flow.come_back(state=state_of(await flow.url("strict")), code="c")
    return str(page.message["data"]["connection"])


async def get(flow: Flow, connection_id: str, refresh: str = "ifExpired") -> httpx.Response:
    return await flow.client.get(f"{URL}{connection_id}?refresh={refresh}")


async def tokens_of(flow: Flow) -> tuple[str, str]:
    [connection] = await flow.connections()
    tokens = connection["oauth2AuthorizationCode"]
    return tokens["accessToken"]["token"], tokens["refreshToken"]["token"]


def another(
    flow: Flow, data_dir: Path | None = None, *, times: RefreshTimes = QUICK, catalog: Catalog | None = None
) -> ConnectionService:
    """The service of another process."""
    return ConnectionService(
        database=flow.database,
        tenants=TenantService(flow.keys),
        keys=flow.keys,
        catalog=catalog or flow.catalog,
        transport=flow.transport,
        overrides=flow.overrides,
        clock=flow.clock,
        data_dir=data_dir,
        refresh_times=times,
    )


def listening(*services: ConnectionService) -> list[str]:
    """Why the provider refuses a connection, as these services tell."""
    heard: list[str] = []

    async def hear(_session: object, _project_id: str, _connection_id: str, error: str) -> None:
        heard.append(error)

    for service in services:
        service.on_refused(hear)
    return heard


async def refresh(flow: Flow, service: ConnectionService, connection_id: str, how: Any = "force") -> None:
    """Have that process refresh the connection."""
    await service.ensure_fresh(flow.project.project_id, connection_id, how)


async def execute(flow: Flow, statement: str, **values: Any) -> Any:
    """What a statement gives first, if anything."""
    async with flow.database.transaction() as session:
        result: Any = await session.execute(text(statement), values)
        return result.scalar() if result.returns_rows else None


async def let_the_claim_end(flow: Flow) -> None:
    """The lease of whoever has the turn is over."""
    await execute(flow, "UPDATE token_exchange SET claim_until = clock_timestamp() - interval '1 second'")


async def die(connection_id: str) -> None:
    """What is under way for the connection is cut off, as when its process is killed."""
    flights = [task for task in asyncio.all_tasks() if task.get_name() == f"connection.refresh {connection_id}"]
    assert flights
    for task in flights:
        task.cancel()
    await asyncio.wait(flights)
