"""Child processes are started again when they die, stopped in order, and gone when their parent is."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from conjunct.app import processes
from conjunct.app.processes import Child, Command, Lifeline, watch_lifeline
from tests.support.commands import gone

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")

SIMULATE = Command("simulator", ["simulate", "hubspot", "--records", "1"])

PARENT = """
import asyncio
from conjunct.app.processes import Child, Command, Lifeline

async def main():
    children = [
        await Child(Command("simulator", ["simulate", "hubspot", "--records", "1"]), lifeline).start()
        for lifeline in [Lifeline()] * 2
    ]
    print(*(child.pid for child in children), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def another(child: Child, pid: int | None) -> int:
    """The process that took the place of the one with this id."""
    async with asyncio.timeout(30):
        while child.pid in (None, pid):  # noqa: ASYNC110 - a process has no event for its start
            await asyncio.sleep(0.01)
    assert child.pid is not None
    return child.pid


async def test_a_killed_child_is_started_again() -> None:
    lifeline = Lifeline()
    child = await Child(SIMULATE, lifeline).start()
    for restarts in (1, 2):
        pid = child.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert await another(child, pid) != pid
        assert child.restarts == restarts
    last = child.pid
    await child.stop()
    assert child.pid is None
    assert last is not None
    await gone([last])
    lifeline.close()


async def test_a_child_that_ends_at_once_waits_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    delays: list[float] = []
    enough = asyncio.Event()
    sleep = asyncio.sleep

    async def note(delay: float) -> None:
        delays.append(delay)
        if len(delays) == 8:
            enough.set()
        await sleep(0)

    monkeypatch.setattr(processes, "asyncio", _with_sleep(note))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    lifeline = Lifeline()
    child = await Child(SIMULATE, lifeline).start()
    async with asyncio.timeout(30):
        await enough.wait()
    await child.stop()
    lifeline.close()
    assert delays[:8] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


async def test_a_child_that_does_not_end_when_asked_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    deaf = tmp_path / "deaf"
    deaf.write_text("#!/bin/sh\ntrap '' TERM\necho > \"$0.ready\"\nwhile :; do sleep 0.05; done\n")
    deaf.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(deaf))
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.2)
    lifeline = Lifeline()
    child = await Child(SIMULATE, lifeline).start()
    ready = tmp_path / "deaf.ready"
    async with asyncio.timeout(30):
        while not _exists(ready):  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.01)
    await child.stop()
    assert child.pid is None
    assert child.restarts == 0
    lifeline.close()


async def test_children_go_when_their_parent_is_killed() -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert parent.stdout is not None
    children = [int(pid) for pid in (await parent.stdout.readline()).split()]
    assert len(children) == 2
    parent.kill()
    await parent.wait()
    await gone(children)


async def test_the_lifeline_tells_its_end_and_nothing_before() -> None:
    reading, writing = os.pipe()
    ended = asyncio.Event()
    watch_lifeline(reading, ended.set)
    await asyncio.sleep(0)
    assert not ended.is_set()
    os.close(writing)
    async with asyncio.timeout(10):
        await ended.wait()
    os.close(reading)


def test_a_commands_environment_is_not_shown() -> None:
    command = Command("api", ["api"], {"DATABASE_URL": "postgresql://user:hidden@host/name"})
    assert "hidden" not in repr(command)


class _with_sleep:  # noqa: N801 - stands for the module
    """asyncio, with another sleep."""

    def __init__(self, sleep: object) -> None:
        self.sleep = sleep

    def __getattr__(self, name: str) -> object:
        return getattr(asyncio, name)


def _exists(path: Path) -> bool:
    return path.exists()
