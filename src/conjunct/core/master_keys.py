"""The master keys of a process: from the environment, or from a file that is changed while processes use it.

The file is always replaced as a whole, and looked at (one `stat`) whenever a key is needed. So a key that one process
adds encrypts in all processes from that moment on, without a restart.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from conjunct.core.encryption import (
    DerivedKeys,
    Keyring,
    UnknownKey,
    format_master_keys,
    new_key,
    parse_master_key,
    parse_master_keys,
)

LOCK_SECONDS = 10.0
_LOCK_POLL_SECONDS = 0.05
_NUMBERED = re.compile(r"m(\d+)")

log = structlog.get_logger(__name__)


class KeyFileBusy(OSError):
    """Another process is changing the key file."""


class MasterKeys:
    """Master keys that are always the present ones; a `Keyring` to whoever seals and opens with them.

    `path` is the file that they come from, or None where they are fixed for the life of the process.
    """

    def __init__(self, keyring: Keyring, path: Path | None = None, mark: tuple[int, ...] = ()) -> None:
        self._keyring = keyring
        self._mark = mark
        self._failing = False
        self.path = path

    def __repr__(self) -> str:
        return f"MasterKeys({self._keyring!r})"

    @classmethod
    def from_text(cls, text: str) -> MasterKeys:
        """Fixed keys: lines `<id>:<base64 of 32 bytes>`, the last of which encrypts. Raises `ValueError`."""
        return cls(parse_master_key(text))

    @classmethod
    def from_file(cls, path: Path) -> MasterKeys:
        """The keys in the file; the first one is made where there is no file. Raises `OSError`, `ValueError`."""
        try:
            return cls(*_read(path))
        except FileNotFoundError:
            with _locked(path):
                if not path.exists():
                    _replace(path, {"m1": new_key()})
            return cls(*_read(path))

    @property
    def keyring(self) -> Keyring:
        """The keys as they are now."""
        if self.path is not None:
            try:
                changed = _mark(os.stat(self.path)) != self._mark  # noqa: PTH116 - a third of the time of Path.stat
            except OSError:
                changed = True
            if changed:
                self._read_again()
        return self._keyring

    def encrypt(self, plaintext: bytes, place: str) -> bytes:
        """See `Keyring`."""
        return self.keyring.encrypt(plaintext, place)

    def decrypt(self, envelope: bytes, place: str) -> bytes:
        """See `Keyring`. Where the key is unknown, the file is read again before that is said."""
        try:
            return self.keyring.decrypt(envelope, place)
        except UnknownKey:
            # A network file system may answer `stat` from its memory; opening the file asks.
            if not self._read_again():
                raise
            return self._keyring.decrypt(envelope, place)

    def derive(self, purpose: str) -> DerivedKeys:
        """Keys for another purpose, such as signing, which follow the master keys."""
        return DerivedKeys(lambda: self.keyring, purpose)

    def _read_again(self) -> bool:
        """Whether the keys are others now. A file that is gone or damaged leaves what is known."""
        if self.path is None:
            return False
        known = self._keyring.ids
        try:
            self._keyring, _, self._mark = _read(self.path)
        except (OSError, ValueError) as error:
            if not self._failing:  # said once, not at every use
                log.error("master_keys.unreadable", error=str(error))  # noqa: TRY400
            self._failing = True
            return False
        self._failing = False
        if self._keyring.ids != known:
            log.info("master_keys.reread", keys=self._keyring.ids, current=self._keyring.current)
        return self._keyring.ids != known


def add_key(path: Path) -> str:
    """Add a new key to the file, which encrypts from now on; gives its id.

    Raises `KeyFileBusy`, another `OSError`, or `ValueError` where the file holds something else.
    """

    def added(keys: Mapping[str, bytes]) -> dict[str, bytes]:
        return {**keys, next_id(keys): new_key()}

    return next(reversed(_change(path, added)))


def remove_key(path: Path, key_id: str) -> None:
    """Take an old key from the file.

    Raises `KeyError` where it is not there, `ValueError` where it is the one that encrypts, and as `add_key`.
    """

    def removed(keys: Mapping[str, bytes]) -> dict[str, bytes]:
        if key_id not in keys:
            raise KeyError(key_id)
        if key_id == next(reversed(list(keys))):
            raise ValueError(f"{key_id} is the key that encrypts")
        return {each: key for each, key in keys.items() if each != key_id}

    _change(path, removed)


def next_id(ids: Mapping[str, object] | tuple[str, ...]) -> str:
    """An id for a new key, which no key of these had: `m2` after `m1`."""
    numbers = [int(match[1]) for each in ids if (match := _NUMBERED.fullmatch(each))]
    return f"m{max(numbers, default=len(ids)) + 1}"


def _change(path: Path, change: Callable[[Mapping[str, bytes]], dict[str, bytes]]) -> dict[str, bytes]:
    path = path.resolve()  # a link stays one
    with _locked(path):
        keys = change(parse_master_keys(path.read_text()))
        _replace(path, keys)
    return keys


def _read(path: Path) -> tuple[Keyring, Path, tuple[int, ...]]:
    with path.open() as file:
        mark = _mark(os.fstat(file.fileno()))
        return parse_master_key(file.read()), path, mark


def _mark(status: os.stat_result) -> tuple[int, ...]:
    """What is another after the file was replaced."""
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _replace(path: Path, keys: Mapping[str, bytes]) -> None:
    """Write the file as a whole, for its owner's eyes only: at any moment it is the old one or the new one.

    The caller holds the lock, so that a temporary file found here is what a crash has left.
    """
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            _keep_owner(path, descriptor)
            file.write(format_master_keys(keys))
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _keep_owner(path: Path, descriptor: int) -> None:
    """Give the new file to the old one's owner: an operator who is another user must not lock the servers out."""
    try:
        old = path.stat()
    except FileNotFoundError:
        return
    new = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, 0o600 | (stat.S_IMODE(old.st_mode) & 0o040))  # the owner's group may have been let in


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Be the only process that changes the file; the kernel lets go of the lock however this one ends.

    The lock is on the folder: one on the file would stay with the old one when it is replaced.
    """
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _acquire(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise KeyFileBusy(f"another process is changing {path}") from None
            time.sleep(_LOCK_POLL_SECONDS)
        else:
            return
