"""OAuth flows over real HTTP: the API, a simulated HubSpot, and providers that answer as a test says."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from aiohttp import web

from conjunct.connections import (
    ConnectionService,
    ConnectLinkService,
    CustomAuthFlows,
    OAuthFlows,
    connect_links_router,
    custom_auth_router,
    oauth_router,
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
from conjunct.simulators import SimulatorOptions
from conjunct.simulators import serve as simulate
from conjunct.simulators.server import Running
from conjunct.tenants import Authenticator, NewProject, ProjectKeys, TenantService
from conjunct.web import connect_router
from conjunct.web import router as web_router
from tests.support.servers import NO_AUTHORITIES, serve, slice_api
from tests.support.specification import checked
from tests.support.tenants import make_project

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PUBLIC_URL = "https://conjunct.example.com"
CALLBACK = PUBLIC_URL + "/callbacks/v1/oauth"
SECRET = "planted-s3cret"  # in the client's secret
WHO = {"groupRef": "acme", "groupName": "Acme", "consumerRef": "ada", "consumerName": "Ada"}

PROVIDERS = {
    # Its endpoints are on a host that the customer's workspace is part of.
    "spacious": """
base_url: 'https://{workspace}.spacious.example.com'
inputs: [{name: workspace, kind: subdomain}, {name: region, default: eu, pattern: "[a-z]{2}"}]
auth:
  type: oauth2
  pkce: true
  authorize_url: 'https://{workspace}.spacious.example.com/{region}/authorize'
  token_url: 'https://{workspace}.spacious.example.com/{region}/token'
  token_auth: basic
  scope_separator: ","
  workspace_required: true
  from_token: {scopes: granted, consumer: user.id, workspace: instance}
""",
    # The token answer tells where the account is.
    "telling": """
base_url: 'https://{workspace}.telling.example.com'
inputs: [{name: workspace, kind: subdomain}]
auth:
  type: oauth2
  authorize_url: https://telling.example.com/authorize
  token_url: https://telling.example.com/token
  from_token: {workspace: team}
""",
    "strict": """
base_url: https://strict.example.com
auth:
  type: oauth2
  authorize_url: https://strict.example.com/authorize
  token_url: https://strict.example.com/token
  scopes_required: true
""",
    # No override stands in for these: their token endpoints are where requests may not go.
    "inward": """
base_url: https://inward.example.com
auth: {type: oauth2, authorize_url: https://inward.example.com/a, token_url: 'https://127.0.0.1:9/token'}
""",
    # Much is told on the way: by the callback, the token and a look-up; and the builder has a value of its own.
    "talkative": """
base_url: 'https://api.talkative.example.com/{realm}/{team}'
inputs:
  - {name: realm, source: callback, pattern: '[0-9]+'}
  - {name: plan, source: token, optional: true}
  - {name: team, source: provider}
app_inputs: [{name: partner, at: provider}]
auth:
  type: oauth2
  authorize_url: https://talkative.example.com/authorize
  token_url: https://talkative.example.com/token
  authorize_params: {partner: '{partner}'}
  token_params: {partner: '{partner}'}
  scopes: [read, write]
  from_callback: {realm: {at: realmId, label: Realm}}
  from_token: {consumer: user, facts: {plan: {at: plan}}}
check: {path: /me}
after_connect: [{request: {path: 'https://api.talkative.example.com/teams'}, list: '', take: {team: id}}]
""",
    "hosted": """
base_url: '{workspace}'
inputs: [{name: workspace, kind: url, pattern: 'https?://(?!evil|127[.]0[.]0[.]1$).+'}]
auth: {type: oauth2, authorize_url: '{workspace}/authorize', token_url: '{workspace}/token'}
""",
    "keyed": """
base_url: https://keyed.example.com
auth: {type: apiKey, name: X-Key}
""",
    # In two steps: the customer agrees, then the provider is asked for the key.
    "stepped": """
base_url: https://stepped.example.com
auth:
  type: custom
  inputs: [{name: seal, label: Your seal}]
  steps:
    - redirect: https://stepped.example.com/agree
      params: {back: '{redirect_uri}', state: '{state}'}
      take: {code: code}
    - request: {method: POST, path: /swap, encode: form, body: {code: '{code}', seal: '{seal}'}}
      take: {key: key}
  keep: [key]
  headers: {X-Key: '{key}'}
""",
    "machine": """
base_url: https://machine.example.com
auth: {type: oauth2, grant: client_credentials, token_url: 'https://machine.example.com/t'}
""",
}
SCRIPTED = ("spacious", "telling", "strict", "talkative", "keyed", "stepped")


@dataclass
class TokenServer:
    """A provider's server: its token endpoint gives `answer` (JSON, or as it is) and keeps what it is sent."""

    url: str = ""
    answer: Any = field(default_factory=lambda: {"access_token": "scripted-access", "token_type": "bearer"})
    requests: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def tell(self, request: web.Request) -> web.StreamResponse:
        """Answer a GET with what is `told` at its path, JSON or a status with JSON; it stays in `asked`."""
        self.asked.append((request.path, request.headers.get("Authorization", "")))
        told = self.told[request.path]
        status, body = told if isinstance(told, tuple) else (200, told)
        return web.json_response(body, status=status)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path in self.told:
            return await self.tell(request)
        form = dict(parse_qsl(await request.text()))
        self.requests.append((request.path, dict(request.headers), form))
        answer = self.answer
        if callable(answer):
            answer = await answer(request)
        return answer if isinstance(answer, web.StreamResponse) else web.json_response(answer)


@dataclass(frozen=True, slots=True)
class Page:
    """The page that ends a flow, as a browser and as a person read it."""

    response: httpx.Response
    message: dict[str, Any]
    text: str

    @classmethod
    def of(cls, response: httpx.Response) -> Page:
        posted = re.search(r"postMessage\((.*), \"\*\"\);", response.text)
        assert posted is not None, response.text
        shown = unescape(re.sub(r"<[^>]+>", " ", response.text.split("<main>")[1].split("</main>")[0]))
        return cls(response, json.loads(posted[1]), " ".join(shown.split()))


@dataclass
class Flow:
    """What a test drives and looks into."""

    database: Database
    service: ConnectionService
    flows: OAuthFlows
    keys: ProjectKeys
    clock: ManualClock
    project: NewProject
    other: NewProject
    hubspot: Running
    server: TokenServer
    client: httpx.AsyncClient
    browser: httpx.AsyncClient
    catalog: Catalog
    transport: EgressTransport
    overrides: ProviderOverrides

    async def app(self, provider: str = "hubspot", **more: Any) -> str:
        """Make a provider app; gives its id."""
        body = {"provider": provider, "clientId": f"{provider}-client", "clientSecret": SECRET, **more}
        made = await self.client.post("/v1/projects/acme/provider-apps", json=body)
        assert made.status_code == 200, made.text
        return str(made.json()["id"])

    async def connect(self, provider: str = "hubspot", **more: Any) -> httpx.Response:
        """Ask where to send a customer."""
        body = {"projectIdOrName": "acme", "provider": provider, **WHO, **more}
        return await self.client.post("/v1/oauth-connect", json=body)

    async def url(self, provider: str = "hubspot", **more: Any) -> str:
        """Where to send a customer."""
        answer = await self.connect(provider, **more)
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/plain"), (
            answer.text
        )
        return answer.text

    async def browse(self, url: str) -> Page:
        """Open the URL in a browser that follows the provider's redirect to our public URL."""
        answer = await self.browser.get(url)
        assert answer.status_code == 302, answer.text
        return await self.come_back(answer.headers["location"])

    async def come_back(self, location: str = "", **query: str) -> Page:
        """Arrive at the callback, as a provider's redirect says or with this query."""
        if location:
            assert location.startswith(CALLBACK + "?"), location
            query = dict(parse_qsl(urlsplit(location).query, keep_blank_values=True))
        return Page.of(await self.browser.get(self.client.base_url.join("/callbacks/v1/oauth"), params=query))

    async def connections(self) -> list[dict[str, Any]]:
        """The first project's connections, with their credentials."""
        listed = (await self.client.get("/v1/projects/acme/connections")).json()
        path = "/v1/projects/acme/connections/{}?includeCreds=true&includeRefreshToken=true"
        return [(await self.client.get(path.format(each["id"]))).json() for each in listed]


def state_of(url: str) -> str:
    """The state in an authorization URL."""
    return dict(parse_qsl(urlsplit(url).query))["state"]


def write_providers(folder: Path) -> Path:
    for name, parts in PROVIDERS.items():
        path = folder / name / "provider.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(
            f"spec: conjunct/provider@1\nname: {name}\ndisplay: {name.title()}\n{parts}\n"
            "objects: {things: {read: {request: {path: /things}}}}\n"
        )
    return folder


@asynccontextmanager
async def token_server() -> AsyncIterator[TokenServer]:
    """A provider's server for the length of the block."""
    server = TokenServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[TokenServer]:
    async with token_server() as server:
        yield server


@pytest.fixture
async def flow(
    database: Database, keys: ProjectKeys, egress: Egress, server: TokenServer, tmp_path: Path
) -> AsyncIterator[Flow]:
    clock = ManualClock(NOW)
    async with AsyncExitStack() as stack:
        hubspot = await stack.enter_async_context(simulate("hubspot", SimulatorOptions(records=10, clock=clock.now)))
        overrides = ProviderOverrides({"hubspot": hubspot.url, **dict.fromkeys(SCRIPTED, server.url)})
        catalog = Catalog([write_providers(tmp_path), BUILT_IN])
        transport = _Transport(egress, overrides)
        service = ConnectionService(
            database=database,
            tenants=TenantService(keys),
            keys=keys,
            catalog=catalog,
            transport=transport,
            overrides=overrides,
            clock=clock,
        )
        links = ConnectLinkService(connections=service, public_url=PUBLIC_URL + "/", clock=clock)
        flows = OAuthFlows(
            database=database,
            connections=service,
            keys=keys,
            public_url=PUBLIC_URL + "/",
            clock=clock,
            links=links,
        )
        app = slice_api(
            *(oauth_router, router, custom_auth_router, provider_apps_router, connect_links_router),
            pages=(web_router, connect_router),
        )
        app.state.database = database
        app.state.authenticator = Authenticator(database)
        app.state.connections = service
        app.state.connect_links = links
        app.state.oauth_flows = flows
        app.state.custom_auth = CustomAuthFlows(
            database=database,
            connections=service,
            transport=transport,
            keys=keys,
            public_url=PUBLIC_URL + "/",
            clock=clock,
            links=links,
        )
        app.state.page_keys = Keyring({"k": b"k" * 32}, "k").derive("page tokens")
        project, other = await make_project(database, keys, "acme"), await make_project(database, keys, "rival")
        client = checked(await stack.enter_async_context(serve(app, {"X-Api-Key": project.api_key})))
        browser = await stack.enter_async_context(httpx.AsyncClient(timeout=20, verify=NO_AUTHORITIES))
        yield Flow(
            database=database,
            service=service,
            flows=flows,
            keys=keys,
            clock=clock,
            project=project,
            other=other,
            hubspot=hubspot,
            server=server,
            client=client,
            browser=browser,
            catalog=catalog,
            transport=transport,
            overrides=overrides,
        )


class _Transport(EgressTransport):
    """Lets requests go to the servers of this test by their ports; all else in private networks is refused."""

    def __init__(self, egress: Egress, overrides: ProviderOverrides) -> None:
        super().__init__(egress, private_servers=overrides.private_servers)
        self._guarded = EgressTransport(egress)
        self._ports = {urlsplit(url).port for url in overrides.base_urls.values()}

    async def request(self, method: str, url: str, **options: Any) -> Any:
        if urlsplit(url).port in self._ports:
            return await super().request(method, url, **options)
        return await self._guarded.request(method, url, **options)
