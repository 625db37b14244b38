"""Child processes that are watched: restarted when they die, stopped when asked, and gone when their parent is."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import structlog

RESTART_FIRST_DELAY = 0.2
RESTART_LONGEST_DELAY = 10.0
STABLE_SECONDS = 30.0
STOP_SECONDS = 25.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Command:
    """A `conjunct` command to run as a child process; `pass_fds` are open files that it inherits."""

    name: str
    arguments: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    pass_fds: Sequence[int] = ()


class Lifeline:
    """A pipe whose writing end only this process holds: when it dies, however it dies, its children read the end."""

    def __init__(self) -> None:
        self.reading, self._writing = os.pipe()
        os.set_inheritable(self.reading, True)

    def close(self) -> None:
        """Let go of both ends."""
        os.close(self.reading)
        os.close(self._writing)


class Child:
    """One watched process."""

    def __init__(self, command: Command, lifeline: Lifeline) -> None:
        self.command = command
        self._lifeline = lifeline
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The process id, while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> Self:
        """Start the process, and watch it from now on."""
        await self._spawn()
        self._task = asyncio.create_task(self._watch(), name=f"watch {self.command.name}")
        return self

    async def stop(self) -> None:
        """Ask the process to end, and end it when it does not."""
        self._stopping = True
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        if self._task is None:
            return
        try:
            await asyncio.wait_for(asyncio.shield(self._task), STOP_SECONDS)
        except TimeoutError:
            if self._process is not None and self._process.returncode is None:
                self._process.kill()
            await self._task

    async def _spawn(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "conjunct.cli",
            *self.command.arguments,
            "--lifeline",
            str(self._lifeline.reading),
            env={**os.environ, **self.command.environment},
            pass_fds=(*self.command.pass_fds, self._lifeline.reading),
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches us alone; we tell the children in order
        )

    async def _watch(self) -> None:
        delay = RESTART_FIRST_DELAY
        while self._process is not None:
            started = time.monotonic()
            status = await self._process.wait()
            if self._stopping:
                return
            if time.monotonic() - started > STABLE_SECONDS:
                delay = RESTART_FIRST_DELAY
            log.warning("process.restarted", process=self.command.name, status=status, delay=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, RESTART_LONGEST_DELAY)
            if self._stopping:
                return
            self.restarts += 1
            await self._spawn()


def watch_lifeline(descriptor: int, on_end: Callable[[], object]) -> None:
    """Call `on_end` when the process that holds the lifeline's other end is gone. Needs a running event loop."""
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(descriptor, 1):
            loop.remove_reader(descriptor)
            on_end()

    loop.add_reader(descriptor, readable)
