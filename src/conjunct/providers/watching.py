"""What changes in a folder of providers while a process runs, noticed when somebody asks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from conjunct.providers.quirks import QUIRKS_FILE

FILE_NAME = "provider.yaml"
EVERY_SECONDS = 1.0
"""The folder is looked at no more often; looking at one of 50 providers takes a fraction of a millisecond."""

Stamp = tuple[tuple[str, int, int, int], ...]
"""Which files there are, each with the time of its last change, its size and its inode."""


def provider_files(folder: Path) -> dict[str, Path]:
    """The definitions in a folder, by provider name."""
    return {file.parent.name: file for file in sorted(folder.glob(f"*/{FILE_NAME}")) if _is_name(file.parent.name)}


class FolderWatch:
    """Tells which providers of a folder have changed since it was last asked; there is no thread and no watcher.

    A folder that cannot be read just now tells nothing: what was there stays.
    """

    def __init__(
        self, folder: Path, *, every: float = EVERY_SECONDS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder = folder
        self._every = every
        self._now = now
        self._due = float("-inf")
        self._seen: Mapping[str, Stamp] = {}

    def changed(self) -> frozenset[str]:
        """Names of providers that were added, changed or removed."""
        now = self._now()
        if now < self._due:
            return frozenset()
        self._due = now + self._every
        try:
            seen = _stamps(self.folder)
        except OSError:
            return frozenset()
        before, self._seen = self._seen, seen
        return frozenset(name for name in seen.keys() | before.keys() if seen.get(name) != before.get(name))


def _stamps(folder: Path) -> dict[str, Stamp]:
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if _is_name(entry.name)]
    found = {name: _stamp(folder / name) for name in names}
    return {name: stamp for name, stamp in found.items() if stamp and stamp[0][0] == FILE_NAME}


def _stamp(folder: Path) -> Stamp:
    stamp = []
    for name in (FILE_NAME, QUIRKS_FILE):
        try:
            found = (folder / name).stat()
        except OSError:
            continue
        stamp.append((name, found.st_mtime_ns, found.st_size, found.st_ino))
    return tuple(stamp)


def _is_name(name: str) -> bool:
    """Editors and mounted folders keep things of their own under names that begin with a dot."""
    return not name.startswith(".")
