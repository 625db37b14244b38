"""Server processes of the check: started, awaited for a bounded time, and always ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class CheckFailed(Exception):
    """The check did not see what it must; the message says what it saw."""


def until(what: str, ask: Callable[[], T | None], *, within: float, every: float = 0.2) -> T:
    """What `ask` gives, once it gives something true. Raises `CheckFailed` after `within` seconds."""
    deadline = time.monotonic() + within
    while not (found := ask()):
        if time.monotonic() > deadline:
            raise CheckFailed(f"{what}: not within {within:.0f} s")
        time.sleep(every)
    return found


def run(command: Sequence[str], *, environment: Mapping[str, str], folder: Path, within: float = 120) -> str:
    """Run a command to its end and give its output. Raises `CheckFailed` with the end of its output."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=within,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CheckFailed(f"{command[0]} did not end within {within:.0f} s") from None
    output = done.stdout.decode(errors="replace")
    if done.returncode:
        raise CheckFailed(f"{' '.join(command)} ended with {done.returncode}:\n{output[-2000:]}")
    return output


@contextmanager
def running(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path, grace: float = 40
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server for the length of the block; its output goes to `log`. It gets `grace` seconds to end by itself."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def said(process: subprocess.Popen[bytes], log: Path, prefix: str) -> str | None:
    """The word after `prefix` in a server's output, once it stands there. Raises `CheckFailed` when it has ended."""
    text = log.read_text(errors="replace")
    if prefix in text:
        after = text.split(prefix, 1)[1]
        return after.split()[0] if "\n" in after else None
    if process.poll() is not None:
        raise CheckFailed(f"{process.args!r} ended with {process.returncode}:\n{text[-2000:]}")
    return None
