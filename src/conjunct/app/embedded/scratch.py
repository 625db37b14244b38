"""A throw-away database for tests and benchmarks."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from .server import EmbeddedPostgres


@asynccontextmanager
async def scratch_postgres() -> AsyncIterator[EmbeddedPostgres]:
    """A server on a temporary folder, fast rather than safe against power cuts; gone when the block ends."""
    with _reachable_folder() as folder:
        async with EmbeddedPostgres(folder, durable=False) as server:
            yield server


@contextmanager
def _reachable_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="conjunct-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # started by root, the server runs as another user and has to walk in
        yield folder
