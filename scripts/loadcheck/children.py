"""Processes of a check: each tells what it is asked for, and ends when it is told to."""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

import uvloop

from conjunct.core.telemetry import configure


@dataclass(frozen=True, slots=True)
class Used:
    """What a process has used: seconds of CPU, and megabytes of memory at most."""

    cpu: float
    memory: float

    @classmethod
    def so_far(cls) -> Self:
        """By this process."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return cls(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


class Order:
    """What a child has with its parent: it says `ready`, waits `until_stopped`, and returns its result."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def ready(self, told: Any = None) -> None:
        """Say that it serves, and where."""
        self._pipe.send(told)

    async def told(self) -> Any:
        """What the parent says next; None at its end."""
        try:
            return await asyncio.to_thread(self._pipe.recv)
        except EOFError:
            return None

    async def until_stopped(self) -> None:
        """Wait for the parent's word to end, or its own end."""
        while await self.told() is not None:
            pass


Main = Callable[..., Coroutine[Any, Any, Any]]
"""Takes an `Order` and what else was given."""


class Child:
    """A process of its own that runs `main`."""

    def __init__(self, main: Main, *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_run, args=(main, there, arguments), daemon=True)
        self._process.start()
        there.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid or 0

    async def ready(self) -> Any:
        """Wait until it serves; what it told then."""
        return await asyncio.to_thread(self._here.recv)

    def tell(self, what: Any) -> None:
        """Say something to it."""
        self._here.send(what)

    async def stop(self) -> Any:
        """Have it end; what it returned. It may be asked only once."""
        self._here.send(None)
        result = await asyncio.to_thread(self._here.recv)
        await asyncio.to_thread(self._process.join)
        return result

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        if self._process.is_alive():
            self._process.kill()


def _run(main: Main, pipe: Connection, arguments: tuple[Any, ...]) -> None:
    configure("error", "json")
    pipe.send(uvloop.run(main(Order(pipe), *arguments)))


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A temporary folder; started by root, the database's server runs as another user and has to walk in."""
    with tempfile.TemporaryDirectory(prefix="conjunct-load-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder
