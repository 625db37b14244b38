"""What a killed owner or a killed server leaves behind, and how it is put away before the next start.

Call these only while holding the ownership of the data directory.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import structlog

from .cluster import Cluster
from .problems import ServerFailed

log = structlog.get_logger(__name__)

# Seconds given to each way of stopping a server: fast (rolls back), immediate (recovers at next start), kill.
WAYS_TO_STOP = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
POLL_SECONDS = 0.02


async def clear_the_way(cluster: Cluster) -> None:
    """Stop a server that outlived its owner and remove the marks that would hinder a new one."""
    pid_file = cluster.data / "postmaster.pid"
    pid = _first_number(pid_file)
    if pid is not None and is_server_of(pid, cluster.data):
        log.warning("embedded_database.stray_server", pid=pid)
        await _stop(pid, cluster.data)
    elif pid is not None and _exists(pid):
        if "postgres" in _command_of(pid):
            raise ServerFailed(
                f"The process {pid}, named in {pid_file}, is a PostgreSQL server, but not evidently of these data.",
                remedy=f"If it is (the data directory was moved, say), stop it. If not, remove {pid_file}.",
            )
        # The number belongs to another process by now (usual in containers), yet PostgreSQL would take it for a
        # running server. A mark whose number is free stays: PostgreSQL itself checks it for left-over backends.
        pid_file.unlink(missing_ok=True)
    for left in cluster.socket_folder.glob(".s.PGSQL.*"):
        left.unlink(missing_ok=True)


def is_server_of(pid: int, data: Path) -> bool:
    """Whether `pid` is, now, a PostgreSQL server on the cluster `data`."""
    command = _command_of(pid)
    return "postgres" in command and f" -D {data} " in f"{command} "


async def _stop(pid: int, data: Path) -> None:
    loop = asyncio.get_running_loop()
    for how, seconds in WAYS_TO_STOP:
        with suppress(ProcessLookupError):
            os.kill(pid, how)
        deadline = loop.time() + seconds
        while loop.time() < deadline:
            if not is_server_of(pid, data):
                return
            await asyncio.sleep(POLL_SECONDS)
    raise ServerFailed(
        f"A database server left over in {data} (pid {pid}) cannot be stopped.",
        remedy=f"Stop it by hand: kill -9 {pid}",
    )


def _first_number(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().split(maxsplit=1)[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _command_of(pid: int) -> str:
    """The command line of a process, its words joined by blanks; empty if it is gone or only waits to be reaped."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    listing = subprocess.run(  # noqa: S603 - a fixed program and a number
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listing.stdout.strip()
