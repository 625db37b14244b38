"""Pass gigabytes through the proxy in both directions, and keep thousands of connections waiting; measure its memory.

    .venv/bin/python -m scripts.faultcheck.proxy_streams

It runs the API in a process of its own, beside a provider that takes and gives as much as it is asked to. At the end

- every byte of an upload and of a download has arrived;
- the API's memory grew by no more than a few megabytes meanwhile, whatever the size;
- idle connections to the API stay open, all of them are answered, and a caller who leaves frees the provider.

Prints what it saw; ends with 1 when any of this does not hold. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from conjunct.app.embedded import EmbeddedPostgres
from conjunct.app.up import Up, UpOptions
from conjunct.core.settings import load_settings
from scripts.faultcheck.kill_worker import Violation, access, require

CHUNK = 256 * 1024
MEGABYTE = 1024 * 1024
MOST_GROWTH = 48 * MEGABYTE
BYTES_AN_IDLE_CONNECTION = 40_000
AT_ONCE = 200


@dataclass
class Provider:
    """Takes uploads and gives downloads of any size; keeps nothing but counts."""

    url: str = ""
    taken: int = 0
    under_way: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection."""
        self.under_way += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
                await self._take(reader, int(headers.get("content-length", "0")))
                await _give(writer, _asked(head))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.under_way -= 1
            writer.close()

    async def _take(self, reader: asyncio.StreamReader, size: int) -> None:
        while size:
            part = await reader.read(min(size, CHUNK))
            if not part:
                raise ConnectionResetError
            size -= len(part)
            self.taken += len(part)


def _asked(head: str) -> int:
    """How many bytes are wanted: the last part of the path."""
    last = head.split(" ")[1].rpartition("/")[2]
    return int(last) if last.isdigit() else 2


async def _give(writer: asyncio.StreamWriter, size: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % size)
    block = bytes(CHUNK)
    while size:
        part = block[: min(size, CHUNK)]
        writer.write(part)
        size -= len(part)
        await writer.drain()


@asynccontextmanager
async def providing() -> AsyncIterator[Provider]:
    """The provider, for the length of the block."""
    provider = Provider()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0, limit=MEGABYTE)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield provider
    finally:
        server.close()


def main() -> int:
    """Run the check; 0 when everything holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=2048, help="size of the upload and of the download")
    parser.add_argument("--connections", type=int, default=10_000, help="idle connections to the API")
    parser.add_argument("--within", type=float, default=600, help="seconds after which the check has failed")
    options = parser.parse_args()
    wanted = options.connections * 3 + 1000  # those of the callers here, and room for the rest
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, wanted), hard), hard))
    try:
        asyncio.run(_bounded(options))
    except Violation as violation:
        print(f"FAILED: {violation}", file=sys.stderr)
        return 1
    print("Everything holds.")
    return 0


async def _bounded(options: argparse.Namespace) -> None:
    try:
        async with asyncio.timeout(options.within):
            with tempfile.TemporaryDirectory(prefix="conjunct-proxy-") as folder:
                await _run(Path(folder), options.megabytes * MEGABYTE, options.connections)
    except TimeoutError:
        raise Violation(f"it did not end within {options.within:.0f} s") from None


async def _run(folder: Path, size: int, connections: int) -> None:
    async with providing() as provider, EmbeddedPostgres(folder / "postgres") as server:
        overrides = folder / "overrides.yaml"
        overrides.write_text(yaml.safe_dump({"hubspot": provider.url}))
        given = {
            "data_dir": folder,
            "database_url": server.url,
            "port": 0,
            "provider_overrides": overrides,
            "allowed_networks": "127.0.0.0/8",
            "log_level": "warning",
        }
        async with (
            Up(load_settings(**given), UpOptions()) as platform,
            httpx.AsyncClient(base_url=platform.url, headers=access(folder), timeout=None) as api,
        ):
            headers = {**access(folder), **await _install(api)}
            pid = _api_pid()
            await api.get("/proxy/small", headers=headers)
            await _upload(api, headers, provider, size, pid)
            await _download(api, headers, size, pid)
            await _idle(platform.url, headers, connections, pid)
            await _leave(api, headers, provider)


async def _install(api: httpx.AsyncClient) -> dict[str, str]:
    project = "/v1/projects/default"
    manifest = {
        "specVersion": "1.0.0",
        "integrations": [{"name": "crm", "provider": "hubspot", "proxy": {"enabled": True}}],
    }
    body = {"sourceYaml": yaml.safe_dump(manifest)}
    [integration] = (await api.put(f"{project}/integrations:batch", json=body)).raise_for_status().json()
    who = {"groupRef": "acme", "groupName": "Acme", "consumerRef": "ada", "consumerName": "Ada"}
    token = {"oauth2AuthorizationCode": {"accessToken": {"token": "t"}}}
    made = await api.post(f"{project}/connections:generate", json={"provider": "hubspot", **who, **token})
    made.raise_for_status()
    config: dict[str, Any] = {"groupRef": "acme", "config": {"content": {"proxy": {"enabled": True}}}}
    path = f"{project}/integrations/{integration['id']}/installations"
    installed = (await api.post(path, json=config)).raise_for_status().json()
    return {
        "x-amp-proxy-version": "1",
        "x-amp-project-id": installed["projectId"],
        "x-amp-installation-id": installed["id"],
    }


async def _upload(api: httpx.AsyncClient, headers: dict[str, str], provider: Provider, size: int, pid: int) -> None:
    async def body() -> AsyncIterator[bytes]:
        block, left = bytes(CHUNK), size
        while left:
            yield block[: min(left, CHUNK)]
            left -= min(left, CHUNK)

    before, begin, taken = _memory(pid), time.perf_counter(), provider.taken
    async with _peak(pid) as peak:
        answer = await api.put("/proxy/files", content=body(), headers={**headers, "Content-Length": str(size)})
    _told("upload", size, begin, before, peak[0])
    require(answer.status_code == 200, f"the upload was answered with {answer.status_code}: {answer.text[:200]}")
    require(provider.taken - taken == size, f"{provider.taken - taken:,} of {size:,} bytes reached the provider")
    require(peak[0] - before < MOST_GROWTH, "memory grew with the upload")


async def _download(api: httpx.AsyncClient, headers: dict[str, str], size: int, pid: int) -> None:
    before, begin, got = _memory(pid), time.perf_counter(), 0
    async with _peak(pid) as peak, api.stream("GET", f"/proxy/files/{size}", headers=headers) as answer:
        async for part in answer.aiter_raw():
            got += len(part)
    _told("download", size, begin, before, peak[0])
    require(got == size, f"{got:,} of {size:,} bytes came back")
    require(peak[0] - before < MOST_GROWTH, "memory grew with the download")


async def _idle(url: str, headers: dict[str, str], count: int, pid: int) -> None:
    host, port = url.removeprefix("http://").split(":")
    before, begin = _memory(pid), time.perf_counter()
    gate = asyncio.Semaphore(AT_ONCE)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    request = "\r\n".join(["GET /proxy/small HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        async with gate:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
        return head.startswith(b"HTTP/1.1 200")

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with gate:
            return await asyncio.open_connection(host, int(port))

    opened = await asyncio.gather(*(connect() for _ in range(count)))
    first = await asyncio.gather(*(ask(*each) for each in opened))
    grown = _memory(pid) - before
    again = await asyncio.gather(*(ask(*each) for each in opened))
    print(
        f"{count:,} connections kept open: {sum(first):,} answered, {sum(again):,} again, in "
        f"{time.perf_counter() - begin:.0f} s; {grown / MEGABYTE:.0f} MB more, {grown / count / 1024:.1f} KB each"
    )
    for _, writer in opened:
        writer.close()
    require(sum(first) == sum(again) == count, "not every connection was answered")
    require(grown < count * BYTES_AN_IDLE_CONNECTION + MOST_GROWTH, "idle connections cost too much memory")


async def _leave(api: httpx.AsyncClient, headers: dict[str, str], provider: Provider) -> None:
    before = provider.under_way
    async with api.stream("GET", f"/proxy/files/{10**12}", headers=headers) as answer:
        async for _ in answer.aiter_raw():
            break
    async with asyncio.timeout(10):
        while provider.under_way > before:  # noqa: ASYNC110 - a count of the provider's, which has no event
            await asyncio.sleep(0.01)
    print("A caller who left in the middle of a download freed the provider.")


def _api_pid() -> int:
    """The process of the API, among our descendants."""
    for pid in _descendants(os.getpid()):
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"api" in arguments:
            return pid
    raise Violation("no process of ours is the API")


def _descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for child in map(int, children) for each in (child, *_descendants(child))]


def _memory(pid: int) -> int:
    """Bytes of memory that the process has in use."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def _peak(pid: int) -> AsyncIterator[list[int]]:
    """The largest memory that is seen in the block, looked at ten times a second."""
    peak = [_memory(pid)]

    async def look() -> None:
        while True:
            peak[0] = max(peak[0], _memory(pid))
            await asyncio.sleep(0.1)

    looking = asyncio.create_task(look())
    try:
        yield peak
    finally:
        looking.cancel()


def _told(what: str, size: int, begin: float, before: int, peak: int) -> None:
    seconds = time.perf_counter() - begin
    print(
        f"{what} of {size / MEGABYTE:,.0f} MB: {size / MEGABYTE / seconds:,.0f} MB/s; memory "
        f"{before / MEGABYTE:.0f} MB before, {peak / MEGABYTE:.0f} MB at most"
    )


if __name__ == "__main__":
    sys.exit(main())
