"""A deleted connection's grant is ended at the provider: by a job, which tries again and is not lost in a crash."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from sqlalchemy import text

from conjunct.connections import ConnectionService, Revoker
from conjunct.connections.account import Account
from conjunct.connections.credentials import OAuthTokens, Token
from conjunct.connections.grants import Grant
from conjunct.connections.provider_apps.schemas import CreateProviderApp
from conjunct.connections.revocation import REVOKE
from conjunct.connectors import EgressTransport
from conjunct.core.database import Database
from conjunct.core.egress import Egress
from conjunct.providers import Catalog, ProviderOverrides
from conjunct.queue import Done, Job, PostgresEngine, Retry
from conjunct.tenants import NewProject, ProjectKeys, TenantService
from tests.support.tenants import make_project

DEFINITION = """spec: conjunct/provider@1
name: gate
display: Gate
base_url: https://gate.example.com
auth:
  type: oauth2
  authorize_url: https://gate.example.com/authorize
  token_url: https://gate.example.com/token
  revoke: {url: 'https://gate.example.com/revoke'}
"""


@dataclass
class Gate:
    """The provider: its answer's status, and what it was told."""

    url: str = ""
    status: int = 200
    told: list[dict[str, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        assert request.path == "/revoke"
        self.told.append(dict(parse_qsl(await request.text())))
        return web.Response(status=self.status, text="secret-refresh is what you sent")


@pytest.fixture
async def gate() -> AsyncIterator[Gate]:
    gate = Gate()
    app = web.Application()
    app.router.add_post("/{path:.*}", gate.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gate.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield gate
    await runner.cleanup()


@dataclass
class Deleting:
    """A connection made through a provider app, and those who end it."""

    database: Database
    service: ConnectionService
    revoker: Revoker
    project: NewProject
    connection_id: str

    async def delete(self, *, revoke: bool = True) -> Job | None:
        """Delete the connection; the job that this has enqueued, if any, as a worker would have it."""
        async with self.database.transaction() as session:
            await self.service.delete(session, self.project.project_id, self.connection_id, revoke=revoke)
        async with self.database.reading() as reading:
            row = (await reading.execute(text("SELECT tenant, ref_id FROM job WHERE kind = :k"), {"k": REVOKE})).first()
        return None if row is None else Job(1, row.tenant, None, REVOKE, row.ref_id, 1, 10, "w")

    async def kept(self) -> int:
        async with self.database.reading() as reading:
            found: int = (await reading.execute(text("SELECT count(*) FROM token_revocation"))).scalar_one()
            return found


@pytest.fixture
async def deleting(database: Database, keys: ProjectKeys, egress: Egress, gate: Gate, tmp_path: Path) -> Deleting:
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate" / "provider.yaml").write_text(DEFINITION)
    overrides = ProviderOverrides({"gate": gate.url})
    transport = EgressTransport(egress, private_servers=overrides.private_servers)
    catalog = Catalog([tmp_path])
    service = ConnectionService(
        database=database,
        tenants=TenantService(keys),
        keys=keys,
        catalog=catalog,
        transport=transport,
        overrides=overrides,
        engine=PostgresEngine(database),
    )
    revoker = Revoker(database=database, keys=keys, catalog=catalog, transport=transport, overrides=overrides)
    project = await make_project(database, keys, "acme")
    connection_id = await _connected(database, service, project.project_id)
    return Deleting(database, service, revoker, project, connection_id)


async def _connected(database: Database, service: ConnectionService, project_id: str) -> str:
    body = {"provider": "gate", "clientId": "client", "clientSecret": "secret-client"}
    async with database.transaction() as session:
        app_id = await service.provider_apps.create(session, project_id, CreateProviderApp.model_validate(body))
        grant = Grant(
            provider="gate",
            provider_app_id=app_id,
            group_ref="g",
            group_name=None,
            consumer_ref="c",
            consumer_name=None,
            account=Account(),
            consumer_at_provider=None,
            tokens=OAuthTokens(Token("secret-access"), Token("secret-refresh")),
        )
        return await service.store_grant(session, project_id, grant)


async def test_the_provider_is_told_and_the_tokens_are_forgotten(deleting: Deleting, gate: Gate) -> None:
    job = await deleting.delete()
    assert job is not None
    assert gate.told == []  # nobody waits for the provider
    assert await deleting.kept() == 1
    assert await deleting.revoker.run(job) == Done()
    assert [each["token"] for each in gate.told] == ["secret-refresh"]
    assert gate.told[0]["client_secret"] == "secret-client"
    assert await deleting.kept() == 0
    assert await deleting.revoker.run(job) == Done()  # a repeat after a crash finds nothing to do
    assert len(gate.told) == 1


async def test_a_provider_that_fails_is_asked_again(deleting: Deleting, gate: Gate) -> None:
    job = await deleting.delete()
    assert job is not None
    gate.status = 503
    outcome = await deleting.revoker.run(job)
    assert isinstance(outcome, Retry)
    assert "secret" not in outcome.error
    assert await deleting.kept() == 1
    gate.status = 200
    assert await deleting.revoker.run(job) == Done()
    assert await deleting.kept() == 0


async def test_a_provider_that_refuses_is_not_asked_again(deleting: Deleting, gate: Gate) -> None:
    job = await deleting.delete()
    assert job is not None
    gate.status = 400
    assert await deleting.revoker.run(job) == Done()
    assert (len(gate.told), await deleting.kept()) == (1, 0)


async def test_a_grant_that_is_used_elsewhere_is_left_alone(deleting: Deleting, gate: Gate) -> None:
    assert await deleting.delete(revoke=False) is None
    assert (gate.told, await deleting.kept()) == ([], 0)


async def test_a_grant_that_was_made_elsewhere_is_left_alone(deleting: Deleting) -> None:
    async with deleting.database.transaction() as session:
        await session.execute(text("UPDATE connection SET provider_app_id = NULL"))
        plan = await deleting.service.plan_deletion(session, deleting.project.project_id, deleting.connection_id)
    assert not plan.revokes_at_provider
    assert await deleting.delete() is None


async def test_the_plan_says_that_the_provider_is_told(deleting: Deleting) -> None:
    async with deleting.database.transaction() as session:
        plan = await deleting.service.plan_deletion(session, deleting.project.project_id, deleting.connection_id)
    assert plan.revokes_at_provider
    assert "Gate is told that the grant is over" in plan.summary
