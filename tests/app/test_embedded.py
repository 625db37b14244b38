"""The embedded PostgreSQL server: it starts, keeps its data, comes back when killed, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from conjunct.app.embedded import (
    BinariesMissing,
    DataDirectoryInUse,
    EmbeddedPostgres,
    ServerFailed,
    scratch_postgres,
)
from conjunct.app.embedded.binaries import find_binaries
from conjunct.app.embedded.stray import is_server_of
from conjunct.core.database import Database

OWNER = """
import asyncio, pathlib, sys
from conjunct.app.embedded import EmbeddedPostgres

async def own():
    async with EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False) as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()

asyncio.run(own())
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory that does not exist yet, where the server's user can reach it (as root it is another)."""
    if os.geteuid() != 0:
        yield tmp_path / "data"
        return
    with tempfile.TemporaryDirectory(prefix="conjunct-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "data"


def server_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres/cluster/postmaster.pid").read_text().split()[0])


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def exists(path: Path) -> bool:
    return path.exists()


def socket_folder(url: str) -> Path:
    return Path(url.partition("host=")[2].partition("&")[0])


@contextmanager
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with the database and waits."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@contextmanager
def symlink(path: Path, target: Path) -> Iterator[None]:
    path.symlink_to(target)
    yield
    path.unlink()


async def execute(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def until_gone(pid: int, data_dir: Path) -> None:
    async with asyncio.timeout(60):
        while is_server_of(pid, data_dir / "postgres/cluster"):  # noqa: ASYNC110 - not our process: no event
            await asyncio.sleep(0.01)


async def until_replaced(server: EmbeddedPostgres, pid: int, data_dir: Path) -> int:
    """Wait for another server than `pid` to answer, and give its pid."""
    async with asyncio.timeout(60):
        while True:
            try:
                await server.check()
                if (now := server_pid(data_dir)) != pid:
                    return now
            except (ServerFailed, FileNotFoundError, IndexError):
                pass
            await asyncio.sleep(0.01)


async def start_owner(data_dir: Path) -> tuple[asyncio.subprocess.Process, str]:
    """Another process that owns the server; its URL is read from its output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(data_dir), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    assert url.startswith("postgresql://")
    return process, url


async def test_serves_the_database_layer_by_its_url(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir) as server:
        database = Database(server.url)
        async with database.transaction() as session:
            row = (await session.execute(text("SELECT current_setting('fsync'), inet_server_addr()"))).one()
        await database.dispose()
        assert tuple(row) == ("on", None), "durable, and not on any network"


async def test_keeps_data_and_address_over_a_restart(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir) as server:
        first_url = server.url
        await execute(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
    async with EmbeddedPostgres(data_dir) as server:
        assert server.url == first_url
        assert await execute(server.url, "SELECT answer FROM kept") == 42


async def test_stopping_leaves_no_process_and_no_socket(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False):
        pid = server_pid(data_dir)
        assert is_server_of(pid, data_dir / "postgres/cluster")
    assert not is_server_of(pid, data_dir / "postgres/cluster")
    assert list((data_dir / "postgres/run").iterdir()) == []


async def test_a_wrong_password_is_refused(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        password = (data_dir / "postgres/password").read_text()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await execute(server.url.replace(password, "guess"), "SELECT 1")


async def test_only_the_owner_reads_what_is_secret(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False):
        folder = data_dir / "postgres"
        assert {name: mode(folder / name) for name in ("password", "server.log", "owner.lock", "cluster", "run")} == {
            "password": 0o600,
            "server.log": 0o600,
            "owner.lock": 0o600,
            "cluster": 0o700,
            "run": 0o700,
        }
        assert mode(folder) == mode(data_dir) == (0o710 if os.geteuid() == 0 else 0o700)


async def test_a_killed_server_is_started_again_with_its_data(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir) as server:
        await execute(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        for _ in range(2):
            pid = server_pid(data_dir)
            os.kill(pid, signal.SIGKILL)
            await until_replaced(server, pid, data_dir)
        assert await execute(server.url, "SELECT answer FROM kept") == 42


async def test_a_server_that_keeps_dying_is_given_up(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conjunct.app.embedded.server.RESTARTS", 1)
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        first = server_pid(data_dir)
        os.kill(first, signal.SIGKILL)
        os.kill(await until_replaced(server, first, data_dir), signal.SIGKILL)
        with pytest.raises(ServerFailed, match="died 2 times"):
            await server.failed()
        with pytest.raises(ServerFailed, match="does not answer"):
            await server.check()


async def test_the_server_stops_when_its_owner_is_killed(data_dir: Path) -> None:
    owner, _ = await start_owner(data_dir)
    pid = server_pid(data_dir)
    owner.kill()
    await owner.wait()
    await until_gone(pid, data_dir)


async def test_starts_at_once_after_its_owner_was_killed(data_dir: Path) -> None:
    owner, url = await start_owner(data_dir)
    await execute(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    owner.kill()
    await owner.wait()
    async with EmbeddedPostgres(data_dir) as server:
        assert server.url == url
        assert await execute(server.url, "SELECT answer FROM kept") == 42


async def test_stops_a_server_that_nobody_watches_any_more(data_dir: Path) -> None:
    """The owner and the guard between both are killed at once, so that nothing stops the server."""
    owner, url = await start_owner(data_dir)
    await execute(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    stray = server_pid(data_dir)
    guard = parent_of(stray)
    os.kill(owner.pid, signal.SIGSTOP)  # so that it does not notice the guard's end
    os.kill(guard, signal.SIGKILL)
    owner.kill()
    await owner.wait()
    assert is_server_of(stray, data_dir / "postgres/cluster")
    async with EmbeddedPostgres(data_dir) as server:
        assert server_pid(data_dir) != stray
        assert await execute(server.url, "SELECT answer FROM kept") == 42


async def test_a_pid_file_that_names_another_process_does_not_hinder(data_dir: Path) -> None:
    """After a container's restart the number of the killed server is often another process's."""
    async with EmbeddedPostgres(data_dir, durable=False):
        left = (data_dir / "postgres/cluster/postmaster.pid").read_text().splitlines()
    with bystander() as other:
        left[0] = str(other.pid)
        for mark in ("cluster/postmaster.pid", "run/.s.PGSQL.5432.lock"):
            (data_dir / "postgres" / mark).write_text("\n".join(left) + "\n")
        async with EmbeddedPostgres(data_dir, durable=False) as server:
            await server.check()
        assert other.poll() is None, "the other process is left alone"


async def test_a_first_start_that_was_interrupted_is_begun_anew(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False):
        pass
    half_made = data_dir / "postgres/cluster.unfinished"
    (data_dir / "postgres/cluster").rename(half_made)
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        await server.check()
    assert not half_made.exists()


async def test_a_second_owner_is_refused_and_told_who_is_first(data_dir: Path) -> None:
    owner, url = await start_owner(data_dir)
    with pytest.raises(DataDirectoryInUse, match=f"process {owner.pid} "):
        await EmbeddedPostgres(data_dir).start()
    assert await execute(url, "SELECT 1") == 1, "the first is not disturbed"
    owner.terminate()
    await owner.wait()


@pytest.mark.parametrize(
    "name",
    [pytest.param("folder-" * 20, id="too long for a socket"), pytest.param('a, b "c" %d &e', id="odd signs")],
)
async def test_a_data_directory_whose_path_no_socket_can_have_has_it_elsewhere(data_dir: Path, name: str) -> None:
    async with EmbeddedPostgres(data_dir / name, durable=False) as server:
        database = Database(server.url)
        async with database.transaction() as session:
            assert await session.scalar(text("SELECT 1")) == 1
        await database.dispose()
        assert socket_folder(server.url).parent == Path("/tmp")
        assert mode(socket_folder(server.url)) == 0o700
    assert not exists(socket_folder(server.url))


async def test_a_socket_folder_that_another_user_laid_out_is_refused(data_dir: Path) -> None:
    name = "folder-" * 20
    async with EmbeddedPostgres(data_dir / name, durable=False) as server:
        elsewhere = socket_folder(server.url)
    with symlink(elsewhere, data_dir), pytest.raises(ServerFailed, match="is not a folder of the user"):
        await EmbeddedPostgres(data_dir / name, durable=False).start()


async def test_the_log_tells_why_a_start_failed(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False):
        pass
    (data_dir / "postgres/cluster/postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(ServerFailed, match="no_such_setting"):
        await EmbeddedPostgres(data_dir, durable=False).start()


async def test_values_of_rows_stay_out_of_the_log(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        await execute(server.url, "CREATE TABLE secret (value text PRIMARY KEY)")
        await execute(server.url, "INSERT INTO secret VALUES ('hunter2')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await execute(server.url, "INSERT INTO secret VALUES ('hunter2')")
    log = (data_dir / "postgres/server.log").read_text()
    assert "duplicate key" in log
    assert "hunter2" not in log


async def test_a_scratch_server_leaves_no_folder() -> None:
    async with scratch_postgres() as server:
        server_url = server.url
        assert await execute(server_url, "SHOW fsync") == "off"
    assert not exists(socket_folder(server_url))


def test_missing_binaries_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conjunct.app.embedded.binaries.PACKAGE", "no_such_package")
    with pytest.raises(BinariesMissing) as refused:
        find_binaries()
    assert refused.value.remedy is not None
    assert "conjunct[embedded]" in refused.value.remedy


def test_data_of_a_version_that_is_not_installed_are_refused() -> None:
    with pytest.raises(BinariesMissing, match="written by PostgreSQL 9"):
        find_binaries(9)
