"""A platform whose HubSpot is a server that keeps every byte it is sent, and answers as a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from conjunct.core.database import Database
from tests.support.platform import Platform, running_platform
from tests.support.servers import NO_AUTHORITIES

PROXIED: dict[str, Any] = {
    "specVersion": "1.0.0",
    "integrations": [{"name": "crm", "provider": "hubspot", "proxy": {"enabled": True}}],
}
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came: its first line, its headers in lower case, and its body."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each == name]


Answer = Callable[[Seen, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Upstream:
    """The provider: answers with `answer`; `seen` holds what was asked, `gone` tells of callers who left early."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    answer: bytes | Answer = OK
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection."""
        try:
            while True:
                seen = await _read(reader)
                self.seen.append(seen)
                self.arrived.set()
                if isinstance(self.answer, bytes):
                    writer.write(self.answer)
                    await writer.drain()
                else:
                    await self.answer(seen, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.gone.set()
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in head[1:] if line)]
    found = dict(headers)
    if found.get("transfer-encoding") == "chunked":
        return Seen(head[0], headers, await _chunks(reader))
    return Seen(head[0], headers, await reader.readexactly(int(found.get("content-length", "0"))))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    """The provider, for the length of the block."""
    made = Upstream()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, limit=1024 * 1024)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()


@dataclass
class Proxied:
    """What a test of the proxy drives."""

    platform: Platform
    upstream: Upstream

    @property
    def headers(self) -> dict[str, str]:
        """What names the installation."""
        return {
            "x-amp-project-id": self.platform.project_id,
            "x-amp-proxy-version": "1",
            "x-amp-integration-name": "crm",
            "x-amp-group-ref": "acme",
        }

    async def ask(self, method: str = "GET", path: str = "/crm/v3/objects/contacts", **options: Any) -> Any:
        """A request through the proxy; `headers` go beside those that name the installation."""
        headers = {**self.headers, **options.pop("headers", {})}
        return await self.platform.client.request(method, f"/proxy{path}", headers=headers, **options)

    async def deploy(self, **changes: Any) -> None:
        """Deploy the integration with these changes; what was remembered of it is forgotten."""
        integration = {**PROXIED["integrations"][0], **changes}
        body = {"sourceYaml": yaml.safe_dump({**PROXIED, "integrations": [integration]})}
        await self.platform.send("PUT", "/integrations:batch", 200, json=body)
        self.platform.services.proxy.forget()

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[httpx.Response]:
        """The answer to a GET once its head is there. By a client of its own: the platform's reads answers whole."""
        usual = self.platform.client
        async with (
            httpx.AsyncClient(base_url=usual.base_url, verify=NO_AUTHORITIES, timeout=20) as client,
            client.stream("GET", f"/proxy{path}", headers={**usual.headers, **self.headers}) as answer,
        ):
            yield answer

    async def raw(self, data: bytes) -> bytes:
        """What the API answers to these bytes, up to the end of the connection."""
        url = self.platform.client.base_url
        reader, writer = await asyncio.open_connection(url.host, url.port)
        answer = b""
        with suppress(ConnectionError):  # a server that has heard enough does not read the rest
            writer.write(data)
            while part := await reader.read(65536):
                answer += part
        writer.close()
        return answer


@pytest.fixture
async def proxied(database: Database, tmp_path: Path) -> AsyncIterator[Proxied]:
    """A platform with an installation that passes requests through to a provider that keeps what it is sent."""
    async with upstream() as provider:
        overrides = tmp_path / "proxied.yaml"
        overrides.write_text(yaml.safe_dump({"hubspot": provider.url, "*": "http://127.0.0.1:9"}))
        async with running_platform(database, tmp_path, worker=False, provider_overrides=overrides) as platform:
            await platform.deploy(PROXIED)
            await platform.connect()
            await platform.install({"proxy": {"enabled": True}}, skipSampling="true")
            provider.seen.clear()
            yield Proxied(platform, provider)
