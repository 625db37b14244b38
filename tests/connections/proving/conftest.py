"""Connections that are proved: a scripted provider on loopback, and providers of every scheme that lead to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from conjunct.connections import ConnectionService, provider_apps_router, router
from conjunct.connectors import EgressTransport
from conjunct.core.database import Database
from conjunct.core.egress import Egress
from conjunct.core.encryption import Keyring
from conjunct.kit.clock import ManualClock
from conjunct.providers import Catalog, ProviderOverrides
from conjunct.providers.catalog import BUILT_IN
from conjunct.tenants import Authenticator, NewProject, ProjectKeys, TenantService
from conjunct.tenants.audit import AuditLog, audited
from conjunct.tenants.idempotency import IdempotencyService, idempotent
from tests.support.servers import serve, slice_api
from tests.support.specification import checked
from tests.support.tenants import make_project

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "planted-s3cret"
ACCESS = "bought-access"

_TOKEN_URL = "token_url: 'https://p.example.com/token'"
_CHECK = "check: {path: /me}\n"
PROVIDERS = {
    "keyed": _CHECK + "auth: {type: apiKey, name: X-Key, prefix: 'Key '}",
    "guarded": _CHECK + "auth: {type: basic}",
    "unsaid": "auth: {type: apiKey, name: X-Key}",
    "handed": _CHECK + f"auth: {{type: oauth2, authorize_url: 'https://p.example.com/a', {_TOKEN_URL}}}",
    "machine": _CHECK + f"auth: {{type: oauth2, grant: client_credentials, {_TOKEN_URL}, scopes: [read]}}",
    "coded": _CHECK
    + f"auth: {{type: oauth2, grant: client_credentials, {_TOKEN_URL}, token_auth: basic, token_encode: json}}",
    "logged": _CHECK + f"auth: {{type: oauth2, grant: password, {_TOKEN_URL}}}",
    "custom": _CHECK
    + """
inputs: [{name: scopes, default: none}]
auth:
  type: custom
  inputs:
    - {name: seal}
    - {name: region, choices: [{value: eu, label: Europe}, {value: us, label: America}]}
    - {name: note, optional: true}
    - {name: parts, optional: true}
  headers: {X-Seal: '{seal}'}
  query: {where: '{region}'}
""",
    "exchanged": _CHECK
    + """
auth:
  type: custom
  inputs: [{name: user}, {name: pass}]
  app_inputs: [{name: clientId}, {name: clientSecret}]
  token:
    url: https://p.example.com/token
    basic: '{clientId}:{clientSecret}'
    params: {user: '{user}', pass: '{pass}'}
  headers: {Authorization: 'Bearer {access_token}'}
""",
    "told": """
base_url: 'https://api.example.com/{cloudId}'
extra_hosts: [sites.example.com]
inputs:
  - {name: workspace, kind: subdomain}
  - {name: cloudId, source: provider, pattern: '[a-z]+-[0-9]+'}
  - {name: plan, source: provider, optional: true}
  - {name: shard, source: token, pattern: 's[0-9]'}
check: {path: /me}
after_connect:
  - request: {path: 'https://sites.example.com/sites', query: {shard: '{shard}'}}
    list: ''
    match: {url: 'https://{workspace}.example.com'}
    take: {cloudId: id}
  - request: {path: /plan}
    take: {plan: {at: url, capture: 'plans/(?P<result>[a-z]+)', label: Plan}}
    optional: true
auth:
  type: oauth2
  grant: client_credentials
  token_url: https://p.example.com/token
  from_token: {consumer: user.id, facts: {shard: {at: host, capture: '^(s[0-9])[.]', label: Shard}}}
""",
}

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Seen:
    """A request as the provider got it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Provider:
    """The provider's server: what it answers by path (JSON, a status with JSON, or a coroutine), and what it was asked.

    Without an answer for a path, it is a token for one that ends with `/token`, and `{}` for others.
    """

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers, body = dict(request.headers), await request.read()
        self.seen.append(Seen(request.method, request.path, dict(request.query), headers, body))
        usual = {"access_token": ACCESS, "expires_in": 3600} if request.path.endswith("/token") else {}
        answer = self.answers.get(request.path, usual)
        if callable(answer):
            answer = await answer(request)
        if isinstance(answer, web.StreamResponse):
            return answer
        status, answer = answer if isinstance(answer, tuple) else (200, answer)
        return web.json_response(answer, status=status)

    def asked(self, path: str) -> list[Seen]:
        """The requests for a path."""
        return [each for each in self.seen if each.path == path]


@dataclass(frozen=True)
class Shop:
    """What a test drives and looks into."""

    database: Database
    service: ConnectionService
    provider: Provider
    project: NewProject
    client: httpx.AsyncClient
    clock: ManualClock

    async def generate(self, provider: str, status: int = 201, *, key: str | None = None, **more: Any) -> Any:
        """Make a connection; the answer's JSON, which holds no planted secret."""
        body = {"groupRef": "g-1", "consumerRef": "c-1", "provider": provider, **more}
        headers = {"Idempotency-Key": key} if key else {}
        answer = await self.client.post("/v1/projects/acme/connections:generate", json=body, headers=headers)
        return _checked(answer, status)

    async def update(self, connection_id: str, status: int = 200, **connection: Any) -> Any:
        """Change what is given; the answer's JSON, which holds no planted secret."""
        body = {"updateMask": list(connection), "connection": connection}
        answer = await self.client.patch(f"/v1/projects/acme/connections/{connection_id}", json=body)
        return _checked(answer, status)

    async def check(self, connection_id: str, status: int = 200) -> Any:
        """Have the connection's credentials checked; the answer's JSON."""
        return _checked(await self.client.post(f"/v1/projects/acme/connections/{connection_id}:check"), status)

    async def shown(self, connection_id: str) -> Any:
        """The connection with its credentials."""
        path = f"/v1/projects/acme/connections/{connection_id}?includeCreds=true"
        return (await self.client.get(path)).json()

    async def listed(self) -> list[Any]:
        """The project's connections."""
        found: list[Any] = (await self.client.get("/v1/projects/acme/connections")).json()
        return found


def _checked(answer: httpx.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    assert SECRET not in answer.text
    return answer.json()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", provider.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield provider
    await runner.cleanup()


@pytest.fixture
async def shop(
    database: Database, keys: ProjectKeys, egress: Egress, provider: Provider, tmp_path: Path
) -> AsyncIterator[Shop]:
    for name, parts in PROVIDERS.items():
        path = tmp_path / name / "provider.yaml"
        path.parent.mkdir()
        base = "" if "base_url" in parts else "base_url: https://p.example.com\n"
        path.write_text(f"spec: conjunct/provider@1\nname: {name}\ndisplay: {name.title()}\n{base}{parts}\n")
    clock, overrides = ManualClock(NOW), ProviderOverrides({"*": provider.url})
    service = ConnectionService(
        database=database,
        tenants=TenantService(keys),
        keys=keys,
        catalog=Catalog([tmp_path, BUILT_IN]),
        transport=EgressTransport(egress, private_servers=overrides.private_servers),
        overrides=overrides,
        clock=clock,
    )
    app = slice_api(router, provider_apps_router, passing=(audited, idempotent))
    master = Keyring({"k": b"k" * 32}, "k")
    app.state.database = database
    app.state.authenticator = Authenticator(database)
    app.state.connections = service
    app.state.audit_log = AuditLog(database, clock, timedelta(days=30))
    app.state.idempotency = IdempotencyService(database, master, clock)
    app.state.page_keys = master.derive("page tokens")
    project = await make_project(database, keys, "acme")
    async with serve(app, {"X-Api-Key": project.api_key}) as client:
        yield Shop(database, service, provider, project, checked(client), clock)
