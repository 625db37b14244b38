"""The `conjunct` command as people run it: a process of its own, whose words and descendants a test can see."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

WAIT_SECONDS = 60.0
# A command must not see the settings of whoever runs the tests.
OWN_VARIABLES = ("CONJUNCT_", "DATABASE_URL")


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left: its exit status and its words."""

    status: int
    out: str
    err: str


@dataclass(slots=True)
class Running:
    """A running command. `out` and `err` are its lines so far."""

    process: asyncio.subprocess.Process
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def says(self, text: str, times: int = 1) -> str:
        """The line with this text, on either stream, once it has been said so often; fails where the command ends."""
        async with asyncio.timeout(WAIT_SECONDS), self._news:
            while True:
                said = [line for line in (*self.out, *self.err) if text in line]
                if len(said) >= times:
                    return said[-1]
                if self.process.returncode is not None:
                    raise AssertionError(f"it ended with {self.process.returncode}:\n" + "\n".join(self.err))
                await self._news.wait()

    async def url(self) -> str:
        """The address at which `up` is ready."""
        return (await self.says("Conjunct is ready at ")).rpartition(" ")[2]

    def send(self, number: signal.Signals) -> None:
        """Signal the command's own process, none of its children."""
        self.process.send_signal(number)

    async def ended(self) -> int:
        """Its exit status, once it has ended."""
        async with asyncio.timeout(WAIT_SECONDS):
            return await self.process.wait()

    def descendants(self) -> dict[int, str]:
        """The command lines of all processes below it, by process id."""
        return {pid: command_line(pid) for pid in _below(self.process.pid)}

    def child(self, role: str) -> int | None:
        """The process id of its child `worker`, `api` or `simulate`, while that runs."""
        return next((pid for pid, line in self.descendants().items() if f"conjunct.cli {role}" in line), None)

    async def _hear(self, stream: asyncio.StreamReader | None, lines: list[str]) -> None:
        assert stream is not None
        async for line in stream:
            async with self._news:
                lines.append(line.decode().rstrip("\n"))
                self._news.notify_all()

    async def _notice_end(self) -> None:
        await self.process.wait()
        async with self._news:
            self._news.notify_all()


@asynccontextmanager
async def running(*arguments: str, **environment: str) -> AsyncIterator[Running]:
    """Run `conjunct` with these arguments and variables; at the end of the block it is stopped, if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "conjunct.cli",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_clean_environment() | environment,
        cwd=tempfile.gettempdir(),
    )
    command = Running(process)
    hearing = asyncio.gather(
        command._hear(process.stdout, command.out), command._hear(process.stderr, command.err), command._notice_end()
    )
    try:
        yield command
    finally:
        if process.returncode is None:
            process.terminate()
        await command.ended()
        await hearing


async def run(*arguments: str, **environment: str) -> Ended:
    """Run `conjunct` to its end."""
    async with running(*arguments, **environment) as command:
        await command.ended()
    return Ended(command.process.returncode or 0, "\n".join(command.out), "\n".join(command.err))


async def gone(pids: list[int]) -> None:
    """Wait until none of these processes is left."""
    async with asyncio.timeout(WAIT_SECONDS):
        while any(_is_alive(pid) for pid in pids):  # noqa: ASYNC110 - other processes have no events
            await asyncio.sleep(0.02)


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A folder that the database's user can reach: for root that is another user, who may not enter `tmp_path`."""
    with tempfile.TemporaryDirectory(prefix="conjunct-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def command_line(pid: int) -> str:
    """A process's command line; empty when it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}


def _below(root: int) -> list[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
