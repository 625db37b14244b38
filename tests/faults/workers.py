"""Workers as processes of their own, to be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.platform import Platform

STOP_SECONDS = 30.0


class WorkerProcesses:
    """Starts `conjunct worker`, one at a time, on a platform's database and data folder; output goes to a file."""

    def __init__(self, platform: Platform) -> None:
        self._environment = {
            **os.environ,
            **platform.settings.environment(),
            "DATABASE_URL": platform.services.database.dsn,
            "CONJUNCT_LOG_FORMAT": "json",
        }
        self._folder: Path = platform.settings.data_dir
        self._process: Process | None = None

    async def start(self) -> None:
        """Start a worker."""
        with (self._folder / "worker.log").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "conjunct.cli", "worker"),
                env=self._environment,
                cwd=self._folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def pid(self) -> int:
        """The process id of the worker that was started last."""
        assert self._process is not None
        return self._process.pid

    def tell(self, number: signal.Signals) -> None:
        """Send the worker a signal."""
        assert self._process is not None
        assert self._process.returncode is None, "the worker has ended by itself"
        self._process.send_signal(number)

    async def end(self, number: signal.Signals) -> int:
        """Send the worker a signal and wait for its end; gives its exit status."""
        self.tell(number)
        assert self._process is not None
        async with asyncio.timeout(STOP_SECONDS):
            return await self._process.wait()

    async def close(self) -> None:
        """Kill the worker that is left, if any."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def worker_processes(platform: Platform) -> AsyncIterator[WorkerProcesses]:
    """Worker processes that do not outlive the block."""
    workers = WorkerProcesses(platform)
    try:
        yield workers
    finally:
        await workers.close()
