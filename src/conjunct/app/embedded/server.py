"""The embedded PostgreSQL server: started, watched over, restarted if it dies, stopped with its owner."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import Process
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import asyncpg
import structlog

from . import guard
from .account import Account
from .binaries import Binaries
from .cluster import PORT, SERVER_ENVIRONMENT, Cluster
from .ownership import Ownership
from .parameters import server_arguments
from .problems import ServerFailed
from .stray import clear_the_way

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.01
# Recovery after a crash replays at most `max_wal_size` of log, which a slow disk may take minutes for.
READY_SECONDS = 300.0
# A server that dies is started again, but one that dies this often within the window is given up.
RESTARTS = 5
RESTART_WINDOW_SECONDS = 60.0
# The server starts, stops, or died while we connected; all of that shows itself again, or is over, at the next try.
NOT_READY = (
    OSError,
    TimeoutError,
    asyncpg.OperatorInterventionError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.InternalClientError,
)

T = TypeVar("T")


class EmbeddedPostgres:
    """A PostgreSQL server of our own on a data directory.

    >>> async with EmbeddedPostgres(data_dir) as server:
    ...     Database(server.url)

    Other processes of the same user connect by the same URL; it stays the same over restarts. When the owner
    dies, even by kill -9, the server stops too; `durable=False` gives up safety against power cuts (tests).
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self._cluster = Cluster(data_dir=data_dir.resolve(), account=Account.for_server())
        self._durable = durable
        self._ownership = Ownership(self._cluster.lock)
        self._guard: Process | None = None
        self._supervisor: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """`postgresql://user:password@/database?host=/socket/folder`; secret."""
        return self._cluster.url

    async def start(self) -> str:
        """Start the server, making the database at the first time, and give its URL when it answers.

        Raises `BinariesMissing`, `DataDirectoryInUse` (another process runs it) or `ServerFailed`.
        """
        self._cluster.make_folders()
        self._ownership.acquire()
        try:
            binaries = await _finish_in_thread(lambda: self._cluster.prepare(durable=self._durable))
            await self._launch(binaries)
        except BaseException:
            self._ownership.release()
            raise
        self._supervisor = asyncio.create_task(self._supervise(binaries), name="embedded-postgres")
        return self.url

    async def stop(self) -> None:
        """Stop the server in order (sessions are cut off, what was committed is kept) and let the directory go."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait({self._supervisor})
        if self._guard is not None:
            await _stop(self._guard)
            self._cluster.leave()
        self._ownership.release()

    async def check(self) -> None:
        """Have the server answer a query. Raises `ServerFailed` if it does not."""
        try:
            await self._query()
        except (*NOT_READY, asyncpg.PostgresError) as error:
            raise ServerFailed(f"The embedded database does not answer: {error}", retryable=True) from error

    async def failed(self) -> None:
        """Wait for as long as the server is kept up. Raises `ServerFailed` when it is given up; ends at `stop`."""
        if self._supervisor is not None:
            await asyncio.wait({self._supervisor})
            if not self._supervisor.cancelled():
                self._supervisor.result()

    async def _launch(self, binaries: Binaries) -> None:
        """Start the guard, which starts the server, and wait until that answers; on failure both are stopped."""
        await clear_the_way(self._cluster)
        account = self._cluster.account
        self._guard = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            guard.__file__,
            str(self._cluster.log),
            *((str(account.uid), str(account.gid)) if account.switched else ("-", "-")),
            str(binaries.postgres),
            "-D",
            str(self._cluster.data),
            *server_arguments(
                major=binaries.major,
                port=PORT,
                socket_folder=self._cluster.socket_folder,
                durable=self._durable,
            ),
            stdin=asyncio.subprocess.PIPE,
            cwd="/",
            env=SERVER_ENVIRONMENT,
            start_new_session=True,  # the terminal's Ctrl-C is for us, not for the database
        )
        try:
            await self._until_ready(self._guard)
        except BaseException:
            await _stop(self._guard)
            raise

    async def _until_ready(self, process: Process) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + READY_SECONDS
        while process.returncode is None and loop.time() < deadline:
            try:
                return await self._query()
            except NOT_READY:
                await asyncio.sleep(POLL_SECONDS)
        what = "does not become ready" if process.returncode is None else "ends at once"
        raise ServerFailed(
            f"The embedded database server {what}. Its last words: {self._last_words()}",
            remedy=f"See {self._cluster.log}.",
        )

    async def _query(self) -> None:
        connection = await asyncpg.connect(self.url, timeout=10, command_timeout=10)
        try:
            await connection.fetchval("SELECT 1")
        finally:
            await connection.close(timeout=5)

    async def _supervise(self, binaries: Binaries) -> None:
        """Start the server again whenever it dies; raises `ServerFailed` when it dies too often."""
        loop = asyncio.get_running_loop()
        deaths: deque[float] = deque(maxlen=RESTARTS)
        while self._guard is not None:
            code = await self._guard.wait()
            log.error("embedded_database.died", exit_code=code, last_words=self._last_words())
            if len(deaths) == RESTARTS and loop.time() - deaths[0] < RESTART_WINDOW_SECONDS:
                raise ServerFailed(
                    f"The embedded database server died {RESTARTS + 1} times within "
                    f"{RESTART_WINDOW_SECONDS:.0f} s. Its last words: {self._last_words()}",
                    remedy=f"See {self._cluster.log}.",
                )
            await asyncio.sleep(0.2 * len(deaths))
            deaths.append(loop.time())
            try:
                await self._launch(binaries)
            except ServerFailed as error:
                log.warning("embedded_database.restart_failed", reason=error.detail)
            else:
                log.warning("embedded_database.restarted")

    def _last_words(self) -> str:
        try:
            return self._cluster.log.read_bytes()[-800:].decode(errors="replace").strip()
        except OSError:
            return "none"


async def _stop(guard_process: Process) -> None:
    """Have a guard stop its server, and wait until both are gone."""
    if guard_process.stdin is not None:
        guard_process.stdin.close()
    await guard_process.wait()


async def _finish_in_thread(work: Callable[[], T]) -> T:
    """Run `work` in a thread, and wait for its end even when cancelled: it must not go on without our lock."""
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    finally:
        await asyncio.wait({task})
