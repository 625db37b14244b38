"""Storage of large objects: a folder now, any object store that keeps the same protocol later."""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol

_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_MAX_SEGMENTS = 8
_TEMPORARY_PREFIX = ".put-"


class InvalidKey(ValueError):
    """A key is not made of plain segments, such as `payloads/0192f0c1-…/0192f0c2-…`."""


class Storage(Protocol):
    """Objects by key. A key is up to 8 segments of letters, digits, `.`, `_`, `-` joined by `/`; none begins with `.`.

    Every method raises `InvalidKey` for another key, and `OSError` when the store fails.
    """

    async def put(self, key: str, content: bytes) -> None:
        """Keep `content` under `key`, in place of what was there: wholly and durably, or not at all."""
        ...

    async def get(self, key: str) -> bytes | None:
        """The content under `key`; None when there is none."""
        ...

    async def delete(self, key: str) -> None:
        """Remove what is under `key`, if there is anything."""
        ...

    async def sweep(self, prefix: str, older_than: datetime) -> int:
        """Remove what lies below the segments of `prefix` and was put before that moment; returns how many."""
        ...


class FolderStorage:
    """Objects as files of mode 0600 below one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, key: str, content: bytes) -> None:
        """See `Storage`."""
        await asyncio.to_thread(_write, self._path(key), content)

    async def get(self, key: str) -> bytes | None:
        """See `Storage`."""
        return await asyncio.to_thread(_read, self._path(key))

    async def delete(self, key: str) -> None:
        """See `Storage`."""
        await asyncio.to_thread(self._path(key).unlink, missing_ok=True)

    async def sweep(self, prefix: str, older_than: datetime) -> int:
        """See `Storage`. What a crash left half-written goes too."""
        return await asyncio.to_thread(_sweep, self._path(prefix), older_than.timestamp())

    def _path(self, key: str) -> Path:
        segments = key.split("/")
        if len(segments) > _MAX_SEGMENTS or not all(map(_SEGMENT.fullmatch, segments)):
            raise InvalidKey(f"{key!r} is not a key of the storage")
        return self._root.joinpath(*segments)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=_TEMPORARY_PREFIX, delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name in the folder durable: syncing the file alone keeps its content, not its name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _sweep(folder: Path, before: float) -> int:
    removed = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # another process sweeps too
            if path.is_file() and path.stat().st_mtime < before:
                path.unlink()
                removed += not path.name.startswith(_TEMPORARY_PREFIX)
    return removed
