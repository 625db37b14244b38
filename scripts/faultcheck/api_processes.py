"""Several API processes on one database, as on several hosts: started, killed, started again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import orjson

from conjunct.app.embedded import EmbeddedPostgres

READY_SECONDS = 60.0
CONJUNCT = (sys.executable, "-m", "conjunct.cli")


class ApiProcess:
    """`conjunct api` with a data folder and a port of its own, the same after each start."""

    def __init__(self, data_dir: Path, environment: Mapping[str, str], headers: Mapping[str, str]) -> None:
        self._data_dir = data_dir
        self._environment = dict(environment)
        self._port = _free_port()
        self._process: asyncio.subprocess.Process | None = None
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self._port}",
            headers=dict(headers),
            timeout=150,
            # Shorter than the server keeps idle connections, which it would close in the moment of a request.
            limits=httpx.Limits(max_connections=200, keepalive_expiry=1.0),
        )

    async def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._data_dir / f"api-{self._port}.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *CONJUNCT,
                *("api", "--port", str(self._port), "--data-dir", str(self._data_dir)),
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(READY_SECONDS):
            while True:
                try:
                    await self.client.get("/healthz")
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
                else:
                    return

    async def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process is not None and self._process.returncode is None:
            os.kill(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    async def stop(self) -> None:
        """End it in order."""
        await self.client.aclose()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()


@asynccontextmanager
async def scratch_database(folder: Path, server_url: str | None) -> AsyncIterator[str]:
    """The URL of a database for the length of the block: on that server, or on an embedded one."""
    if server_url is None:
        async with EmbeddedPostgres(folder / "postgres") as server:
            yield server.url
        return
    name = f"conjunct_fault_{os.getpid()}"
    connection = await asyncpg.connect(server_url)
    await connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield f"{server_url.rpartition('/')[0]}/{name}"
    finally:
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await connection.close()


def settings(folder: Path, url: str, provider: str, definition: str) -> dict[str, str]:
    """Settings of processes that know one provider more and touch nothing but the folder, whatever the environment."""
    place = folder / "providers" / provider / "provider.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(definition)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("CONJUNCT_")},
        "DATABASE_URL": url,
        "CONJUNCT_ALLOWED_NETWORKS": "127.0.0.0/8",
        "CONJUNCT_PROVIDERS_DIR": str(folder / "providers"),
        "CONJUNCT_LOG_FORMAT": "json",
    }


@asynccontextmanager
async def api_processes(
    folder: Path, environment: Mapping[str, str], data_folders: Sequence[Path]
) -> AsyncIterator[list[ApiProcess]]:
    """A process for each data folder, on a database that is migrated first; their clients have a key to everything."""
    migrate = [*CONJUNCT, "migrate", "--data-dir", str(folder)]
    await asyncio.to_thread(subprocess.run, migrate, env=dict(environment), check=True, stdout=subprocess.DEVNULL)
    shared = {**environment, "CONJUNCT_MASTER_KEY": (folder / "master.key").read_text()}
    headers = {"X-Api-Key": orjson.loads((folder / "bootstrap.json").read_bytes())["apiKey"]}
    for each in data_folders:
        each.mkdir(exist_ok=True)
    processes = [ApiProcess(each, shared, headers) for each in data_folders]
    try:
        await asyncio.gather(*(process.start() for process in processes))
        yield processes
    finally:
        await asyncio.gather(*(process.stop() for process in processes))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
