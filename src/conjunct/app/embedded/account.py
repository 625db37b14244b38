"""The account that runs the server.

PostgreSQL refuses to run as root. Started by root, it runs as `nobody` and owns its own folders only. It must be
able to walk down to them: the data directory lets its group through, and nothing above that is changed.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from .problems import ServerFailed

UNPRIVILEGED = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group of the server; `switched` where they are not those of this process."""

    uid: int
    gid: int
    switched: bool

    @classmethod
    def for_server(cls) -> Account:
        """The account of this process, or `nobody` for root. Raises `ServerFailed` where there is none."""
        uid = os.geteuid()
        switched = uid == 0
        try:
            entry = pwd.getpwnam(UNPRIVILEGED) if switched else pwd.getpwuid(uid)
        except KeyError:
            raise ServerFailed(
                f"The user {UNPRIVILEGED if switched else uid} has no entry in the password database, "
                "and PostgreSQL does not run without one.",
                remedy="Add the user to /etc/passwd, or name a database of your own in DATABASE_URL.",
            ) from None
        return cls(uid=entry.pw_uid, gid=entry.pw_gid if switched else os.getegid(), switched=switched)

    def make_folder(self, folder: Path) -> None:
        """Make a folder that only the server's account enters (0700); fine if it is there and is just that."""
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            pass
        else:
            if self.switched:
                os.chown(folder, self.uid, self.gid)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.uid:
            raise ServerFailed(
                f"{folder} is not a folder of the user {self.uid}, who runs the database server.",
                remedy=f"Look at what it is; move it away, or change its owner: chown {self.uid} {folder}",
            )
        folder.chmod(0o700)

    def let_through(self, folder: Path) -> None:
        """Let the server's account walk through one of our folders without seeing what is in it."""
        if self.switched and not folder.stat().st_mode & stat.S_IXOTH:
            os.chown(folder, -1, self.gid)
            folder.chmod(0o710)

    def obstacle(self, path: Path) -> Path | None:
        """The first folder on the way to `path` that the server's account may not walk through, if any.

        Judged by owner, group and mode; access lists are not considered.
        """
        if not self.switched:
            return None
        for folder in reversed(path.resolve().parents):
            found = folder.stat()
            if found.st_uid == self.uid:
                needed = stat.S_IXUSR
            elif found.st_gid == self.gid:
                needed = stat.S_IXGRP
            else:
                needed = stat.S_IXOTH
            if not found.st_mode & needed:
                return folder
        return None
