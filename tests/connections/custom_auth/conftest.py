"""The catalog's providers that are connected in steps, and one with all kinds of steps, played by a server here."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from aiohttp import web
from fastapi import FastAPI

from conjunct.connections import (
    ConnectionService,
    ConnectLinkService,
    CustomAuthFlows,
    connect_links_router,
    custom_auth_router,
    provider_apps_router,
    router,
)
from conjunct.connectors import EgressTransport
from conjunct.core.database import Database
from conjunct.core.egress import Egress
from conjunct.core.encryption import Keyring
from conjunct.kit.clock import ManualClock
from conjunct.providers import Catalog, ProviderOverrides
from conjunct.providers.catalog import BUILT_IN
from conjunct.tenants import Authenticator, NewProject, ProjectKeys, TenantService
from conjunct.web import router as web_router
from tests.support.servers import NO_AUTHORITIES, serve, slice_api
from tests.support.specification import checked
from tests.support.tenants import make_project

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PUBLIC_URL = "https://conjunct.example.com"
CALLBACK = PUBLIC_URL + "/callbacks/v1/custom-auth"
SECRET = "planted-s3cret"  # in every secret that is given
WHO = {"groupRef": "acme", "groupName": "Acme", "consumerRef": "ada", "consumerName": "Ada"}
INPUTS = {"apiKey": f"{SECRET}-key", "username": "ada", "password": f"{SECRET}-pässword"}
TENANT = "9e1477fd-54ef-41fe-b747-bc9e6a11a925"

MICROSOFT = "microsoftAdminConsent"
IN_CATALOG = ("redtail", MICROSOFT)

PROVIDERS = {
    # All kinds of steps: two redirects, requests between and after them; the state has another name at the first.
    "winding": """
base_url: https://winding.example.com
auth:
  type: custom
  inputs: [{name: secret}]
  steps:
    - redirect: 'https://winding.example.com/one?relay={state}&fixed=a%20b'
      params: {back: '{redirect_uri}'}
      take: {first: code}
    - request: {method: POST, path: 'https://winding.example.com/swap/{first}', encode: form, body: {code: '{first}'}}
      take: {ticket: ticket}
    - redirect: https://winding.example.com/two
      params: {ticket: '{ticket}', redirect_uri: '{redirect_uri}'}
      take: {second: code}
    - request: {path: /finish, query: {code: '{second}'}, headers: {X-Secret: '{secret}'}}
      take: {key: key}
  keep: [key]
  headers: {X-Key: '{key}'}
""",
    "plain": """
base_url: https://plain.example.com
auth: {type: custom, inputs: [{name: key}], headers: {X-Key: '{key}'}}
""",
}


@dataclass
class Provider:
    """The providers' server. `answers` gives what is answered at a path: JSON, a response, or what makes one."""

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path_qs, dict(request.headers), await request.text()))
        answer = self.answers.get(request.path, web.Response(status=404))
        if callable(answer):
            answer = await answer()
        return answer if isinstance(answer, web.StreamResponse) else web.json_response(answer)


@dataclass
class Steps:
    """What a test drives and looks into."""

    database: Database
    service: ConnectionService
    flows: CustomAuthFlows
    links: ConnectLinkService
    clock: ManualClock
    project: NewProject
    other: NewProject
    provider: Provider
    client: httpx.AsyncClient
    browser: httpx.AsyncClient
    app: FastAPI
    again: Any

    async def call(self, *, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        """One call of the operation, in the first project unless the body says another."""
        return await self.client.post(
            "/v1/custom-auth/connect", json={"projectIdOrName": "acme", **body}, headers=headers
        )

    async def begin(self, provider: str, *, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        """The first call of a flow."""
        return await self.call(headers=headers, provider=provider, **{**WHO, **more})

    async def sent(self, answer: httpx.Response) -> tuple[str, str, dict[str, str]]:
        """Of an answer that sends the customer on: the session, where to, and the parameters there."""
        assert answer.status_code == 200, answer.text
        redirect = answer.json()["redirect"]
        parts = urlsplit(redirect["url"])
        return redirect["sessionId"], redirect["url"].partition("?")[0], dict(parse_qsl(parts.query))

    async def make_app(self, provider: str = MICROSOFT) -> str:
        """Make a provider app; gives its id."""
        body = {"provider": provider, "clientId": "our-client", "clientSecret": f"{SECRET}-app"}
        made = await self.client.post("/v1/projects/acme/provider-apps", json=body)
        assert made.status_code == 200, made.text
        return str(made.json()["id"])

    async def awaited(self, **more: Any) -> tuple[str, dict[str, str]]:
        """A session that waits for its customer's consent, and the parameters of the callback that it waits for."""
        session_id, _, params = await self.sent(await self.begin(MICROSOFT, **more))
        return session_id, {"tenant": TENANT, "admin_consent": "True", "state": params["state"]}


def proof(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def write_providers(folder: Path) -> Path:
    for name, parts in PROVIDERS.items():
        path = folder / name / "provider.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(f"spec: conjunct/provider@1\nname: {name}\ndisplay: {name.title()}\n{parts}\nobjects: {{}}\n")
    return folder


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", provider.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    provider.answers = {
        "/authentication": {"authenticated_user": {"user_key": f"{SECRET}-user-key"}},
        f"/{TENANT}/oauth2/v2.0/token": {"access_token": f"{SECRET}-access", "expires_in": 3599},
        "/v1.0/organization": {"value": []},
        "/swap/c1": {"ticket": 17},
        "/finish": {"key": f"{SECRET}-final"},
    }
    yield provider
    await runner.cleanup()


@pytest.fixture
async def steps(
    database: Database, keys: ProjectKeys, egress: Egress, provider: Provider, tmp_path: Path
) -> AsyncIterator[Steps]:
    clock = ManualClock(NOW)
    overrides = ProviderOverrides(dict.fromkeys((*PROVIDERS, *IN_CATALOG), provider.url))
    catalog = Catalog([write_providers(tmp_path), BUILT_IN])
    transport = EgressTransport(egress, private_servers=overrides.private_servers)
    app = slice_api(router, custom_auth_router, provider_apps_router, connect_links_router, pages=(web_router,))

    def wire() -> tuple[ConnectionService, ConnectLinkService, CustomAuthFlows]:
        """The services of a process; called again, those of another one."""
        service = ConnectionService(
            database=database,
            tenants=TenantService(keys),
            keys=keys,
            catalog=catalog,
            transport=transport,
            overrides=overrides,
            clock=clock,
        )
        links = ConnectLinkService(connections=service, public_url=PUBLIC_URL, clock=clock)
        flows = CustomAuthFlows(
            database=database,
            connections=service,
            transport=transport,
            keys=keys,
            public_url=PUBLIC_URL + "/",
            clock=clock,
            links=links,
        )
        app.state.connections, app.state.connect_links, app.state.custom_auth = service, links, flows
        return service, links, flows

    async with AsyncExitStack() as stack:
        service, links, flows = wire()
        app.state.database = database
        app.state.authenticator = Authenticator(database)
        app.state.page_keys = Keyring({"k": b"k" * 32}, "k").derive("page tokens")
        project, other = await make_project(database, keys, "acme"), await make_project(database, keys, "rival")
        client = checked(await stack.enter_async_context(serve(app, {"X-Api-Key": project.api_key})))
        browser = await stack.enter_async_context(
            httpx.AsyncClient(base_url=client.base_url, timeout=20, verify=NO_AUTHORITIES)
        )
        yield Steps(
            database=database,
            service=service,
            flows=flows,
            links=links,
            clock=clock,
            project=project,
            other=other,
            provider=provider,
            client=client,
            browser=browser,
            app=app,
            again=wire,
        )
