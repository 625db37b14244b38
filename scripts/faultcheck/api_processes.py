"""Several API processes on one database, as on several hosts: started, killed, started again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
