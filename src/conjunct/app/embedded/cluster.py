"""The files of the embedded database in a data directory, and their making at the first start.

`postgres/` holds `cluster/` (PostgreSQL's own), `run/` (the socket), `password`, `server.log` and `owner.lock`.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .account import Account
from .binaries import Binaries, find_binaries, reachable_binaries
from .problems import ServerFailed

USER = "conjunct"
DATABASE = "postgres"
PORT = 5432
# The kernel's limit on a socket's path is 107 bytes on Linux and 103 on macOS; the smaller serves both.
LONGEST_SOCKET_PATH = 103
# Drivers and the server disagree on quoting anything else: a comma, for one, separates hosts.
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")
ELSEWHERE = Path("/var/lib/conjunct")
SERVER_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where everything of one embedded database lies, and whose it is."""

    data_dir: Path
    account: Account

    @property
    def folder(self) -> Path:
        """The one folder of the embedded database: `postgres` in the data directory, or where that link leads."""
        return (self.data_dir / "postgres").resolve()

    @property
    def data(self) -> Path:
        """PostgreSQL's own data directory; it exists only when it is complete."""
        return self.folder / "cluster"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"

    @property
    def lock(self) -> Path:
        """The file locked by the process whose server this is."""
        return self.folder / "owner.lock"

    @property
    def password_file(self) -> Path:
        """The password of the one user, readable by the owner of the data directory alone."""
        return self.folder / "password"

    @property
    def socket_folder(self) -> Path:
        """Where the socket is: with the data, or below /tmp if that path is too long or too odd for an address.

        Both are the same at every start, so that the address stays good.
        """
        near = self.folder / "run"
        if PLAIN_PATH.fullmatch(str(near)) and len(f"{near}/.s.PGSQL.{PORT}") <= LONGEST_SOCKET_PATH:
            return near
        digest = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        return Path("/tmp") / f"conjunct-{self.account.uid}-{digest}"  # noqa: S108 - ownership and mode are verified

    @property
    def url(self) -> str:
        """The address, with the password, for any process of the same user on this machine."""
        password = self.password_file.read_text()
        return f"postgresql://{USER}:{password}@/{DATABASE}?host={self.socket_folder}&port={PORT}"

    def make_folders(self) -> None:
        """Make the folder of the embedded database; raises `ServerFailed` where the server could not reach it."""
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.account.let_through(self.data_dir)
            if not self.folder.exists() and self.account.obstacle(self.data_dir):
                self._link_elsewhere()
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self.account.let_through(self.folder)
        except OSError as error:
            raise ServerFailed(
                f"The data directory {self.data_dir} cannot be made: {error.strerror}.",
                remedy="Choose a data directory that can be written.",
            ) from error
        if obstacle := self.account.obstacle(self.data):
            raise ServerFailed(
                f"Root may not run PostgreSQL, and the user who runs it instead (uid {self.account.uid}) may not "
                f"walk through {obstacle} to {self.folder}.",
                remedy=f"Choose a data directory that other users can reach, such as /var/lib/conjunct; or allow "
                f"it with: chmod o+x {obstacle}; or run as an ordinary user.",
            )

    def _link_elsewhere(self) -> None:
        """For root: keep the database where its account can go, as below /root it cannot, and leave a link to it."""
        ELSEWHERE.mkdir(mode=0o755, parents=True, exist_ok=True)
        (self.data_dir / "postgres").symlink_to(ELSEWHERE / secrets.token_hex(8))

    def prepare(self, *, durable: bool) -> Binaries:
        """Make what is missing, the cluster included, and give the binaries that fit it.

        Takes 0.3 to 0.5 s the first time. A first start that was interrupted is begun anew.
        """
        existing = self._existing_major()
        binaries = reachable_binaries(find_binaries(existing), self.account, self.folder / "binaries")
        self.account.make_folder(self.socket_folder)
        if existing is None:
            self._initialise(binaries, durable=durable)
        elif not self.password_file.exists():
            raise ServerFailed(
                f"The database in {self.data} is there, but its password in {self.password_file} is gone.",
                remedy="Restore the whole data directory from its backup.",
            )
        return binaries

    def leave(self) -> None:
        """After the server has stopped: take away the socket's folder where it is not with the data."""
        if self.socket_folder.parent != self.folder:
            with suppress(OSError):
                self.socket_folder.rmdir()

    def _existing_major(self) -> int | None:
        try:
            return int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    def _initialise(self, binaries: Binaries, *, durable: bool) -> None:
        unfinished = self.folder / "cluster.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self.account.make_folder(unfinished)
        password = self._make_password()
        # initdb reads the password from a file of the server's account, which goes with the folder on failure.
        handover = unfinished.with_suffix(".password")
        _write_private(handover, password)
        if self.account.switched:
            os.chown(handover, self.account.uid, self.account.gid)
        try:
            self._run_initdb(binaries, unfinished, handover, durable=durable)
        finally:
            handover.unlink()
        unfinished.rename(self.data)
        _sync_folder(self.folder)

    def _run_initdb(self, binaries: Binaries, target: Path, password_file: Path, *, durable: bool) -> None:
        command = [
            str(binaries.initdb),
            f"--pgdata={target}",
            f"--username={USER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
        ]
        if binaries.major >= 17:
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not durable:
            command += ["--no-sync"]
        switched = self.account.switched
        result = subprocess.run(  # noqa: S603 - our own binary and arguments
            command,
            cwd="/",
            env=SERVER_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            user=self.account.uid if switched else None,
            group=self.account.gid if switched else None,
            extra_groups=[] if switched else None,
        )
        if result.returncode != 0:
            raise ServerFailed(
                f"The database could not be made in {target}: {result.stderr.strip()[-800:]}",
                remedy="Look for a full disk or a file system that PostgreSQL cannot use.",
            )

    def _make_password(self) -> str:
        password = secrets.token_urlsafe(24)
        _write_private(self.password_file, password)
        return password


def _write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner reads, and have it on the disk before returning."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    """Have a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
