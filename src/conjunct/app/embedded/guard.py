"""The small process between Conjunct and its database server; run as a script, it uses the standard library only.

It starts the server, keeps the server's log within bounds, and stops the server when its own standard input
closes: when Conjunct says so, or when Conjunct dies, by whatever signal. It ends when the server has ended.

Usage: guard.py LOG_FILE UID GID COMMAND...   (UID and GID `-` where the account is not to be switched)
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

LOG_BYTES = 4 * 1024 * 1024
STOP_SECONDS = 30.0
STDIN = 0


class BoundedLog:
    """A file, and the one before it: together at most twice `LOG_BYTES`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open()

    def _open(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        self._file = os.fdopen(descriptor, "ab", buffering=0)

    def write(self, data: bytes) -> None:
        """Append; a full disk loses the line rather than the database."""
        try:
            if self._file.tell() + len(data) > LOG_BYTES:
                self._file.close()
                self._path.replace(self._path.with_suffix(".log.1"))
                self._open()
            self._file.write(data)
        except OSError:
            return


def start(command: list[str], output: int, uid: str, gid: str) -> subprocess.Popen[bytes]:
    """The server as a child process that writes to `output`."""
    switched = uid != "-"
    return subprocess.Popen(  # noqa: S603 - the command comes from Conjunct
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        user=int(uid) if switched else None,
        group=int(gid) if switched else None,
        extra_groups=[] if switched else None,
    )


def watch(server: subprocess.Popen[bytes], output: int, log: BoundedLog) -> int:
    """Relay the log until the server and all of its children are gone, asking it to stop when stdin closes."""
    poll = select.poll()
    poll.register(STDIN, select.POLLIN | select.POLLHUP)
    poll.register(output, select.POLLIN | select.POLLHUP)
    patience: float | None = None
    while True:
        wait = None if patience is None else max(0.0, patience - time.monotonic()) * 1000
        for descriptor, _ in poll.poll(wait):
            if descriptor == output:
                data = os.read(output, 65536)
                if not data:
                    return server.wait()
                log.write(data)
            elif not os.read(STDIN, 1024):
                poll.unregister(STDIN)
                server.send_signal(signal.SIGINT)  # fast: sessions are cut off, everything committed is kept
                patience = time.monotonic() + STOP_SECONDS
        if patience is not None and time.monotonic() >= patience:
            server.send_signal(signal.SIGQUIT)  # immediate: the next start recovers from the write-ahead log
            patience = time.monotonic() + STOP_SECONDS


def main(arguments: list[str]) -> int:
    """Run the server to its end and give its exit code."""
    # A signal to the whole group or service is for Conjunct, which stops us when it needs the database no more.
    # Handlers, unlike ignored signals, are not inherited by the server.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    log_file, uid, gid, *command = arguments
    log = BoundedLog(Path(log_file))
    output, server_end = os.pipe()
    server = start(command, server_end, uid, gid)
    os.close(server_end)
    return watch(server, output, log)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
