"""A provider on loopback that answers as a test says, and connectors that talk to it through the real HTTP client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

import orjson
from aiohttp import web

from conjunct.connectors import (
    ApiKey,
    Basic,
    Bearer,
    Connector,
    Credentials,
    CustomSecrets,
    Definition,
    EgressTransport,
    Page,
    ReadQuery,
    load_definition,
)
from conjunct.core.egress import Egress, EgressPolicy


@dataclass(frozen=True)
class Received:
    """A request as it came over the wire."""

    method: str
    path: str
    raw_path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer: JSON of `body`, or its bytes as they are."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Answering = Callable[[Received], Any]


@dataclass
class ScriptedProvider:
    """A server that gives every request to `answer` and keeps it. What is no `Reply` is the JSON of a 200."""

    egress: Egress
    url: str = ""
    answer: Answering = lambda _: {}
    received: list[Received] = field(default_factory=list)

    def connector(
        self, definition: str | Definition, credentials: Credentials | None = None, **options: Any
    ) -> Connector:
        known = load_definition(definition) if isinstance(definition, str) else definition
        return Connector(
            known,
            transport=options.pop("transport", None) or EgressTransport(self.egress),
            credentials=credentials or _credentials(known),
            # What others tell and must look in some way is of no use here: the address is ours.
            inputs={
                each.name: self.url if each.kind == "url" else "acme"
                for each in known.inputs
                if each.source == "customer" or each.pattern is None
            },
            base_url_override=self.url,
            **options,
        )

    def answers(self, *replies: Any) -> None:
        """Answer with these, one after the other."""
        left = iter(replies)
        self.answer = lambda _: next(left)

    async def handle(self, request: web.Request) -> web.Response:
        received = Received(
            request.method,
            request.path,
            request.raw_path,
            dict(request.query),
            request.headers,
            await request.read(),
        )
        self.received.append(received)
        reply = self.answer(received)
        reply = reply if isinstance(reply, Reply) else Reply(reply)
        content = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)
        headers = {"Content-Type": "application/json", **reply.headers}
        return web.Response(status=reply.status, body=content, headers=headers)


def _credentials(definition: Definition) -> Credentials:
    if definition.auth.type == "custom":
        return CustomSecrets({"access_token": "token-1", **{each.name: "secret-1" for each in definition.auth.inputs}})
    if definition.auth.type == "basic":
        return Basic("user-1", "secret-1")
    return Bearer("token-1") if definition.auth.type == "oauth2" else ApiKey("key-1")


@asynccontextmanager
async def scripted_provider() -> AsyncIterator[ScriptedProvider]:
    """A provider on a free port of loopback."""
    policy = EgressPolicy(allowed_networks=(ip_network("127.0.0.0/8"),))
    async with Egress(policy=policy, user_agent="conjunct-test") as egress:
        provider = ScriptedProvider(egress)
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", provider.handle)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield provider
        finally:
            await runner.cleanup()


async def read_all(connector: Connector, query: ReadQuery) -> list[Page]:
    """Every page of a read."""
    return [page async for page in connector.pages(query)]


def ids(pages: list[Page]) -> list[str | None]:
    """The ids of all records."""
    return [record.id for page in pages for record in page.records]


def definition(objects: str = "  things: {}", *, read: str, top: str = "") -> str:
    """A small definition: the `read` section of the defaults (two levels in), objects, and anything at the top."""
    return f"""
spec: conjunct/provider@1
name: small
display: Small
base_url: https://api.small.test
auth: {{type: apiKey, name: X-Key}}
{top}
defaults:
  read:
{read}
objects:
{objects}
"""
