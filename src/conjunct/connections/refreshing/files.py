"""Answers of providers, kept as files from their arrival until they are stored in the database."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson

from conjunct.core.storage import FolderStorage
from conjunct.kit.ids import new_id

_FOLDER = "exchanges"
_NAME = "exchanges.id"


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """New credentials, sealed, and the version of the connection's credentials that they renew."""

    claim_id: str
    project_id: str
    connection_id: str
    version: int
    sealed: bytes = field(repr=False)

    @property
    def place(self) -> str:
        """Where they are sealed for."""
        return place_of(self.claim_id)


def place_of(claim_id: str) -> str:
    """Where the answer to a claim's exchange is sealed for."""
    return f"token_exchange:{claim_id}:credentials"


class ExchangeFiles:
    """Files by claim id in `<data folder>/exchanges`, durable once they are put. Without a folder, nothing is kept.

    `folder_id` tells one data folder from another. Methods raise `OSError`.
    """

    def __init__(self, data_dir: Path | None) -> None:
        self._data_dir = data_dir
        self._storage = None if data_dir is None else FolderStorage(data_dir)
        self.folder_id = new_id() if data_dir is None else _folder_id(data_dir)

    async def put(self, answer: KeptAnswer) -> None:
        """Keep an answer; it is on the disk when this returns."""
        if self._storage is not None:
            head = orjson.dumps([answer.project_id, answer.connection_id, answer.version])
            await self._storage.put(f"{_FOLDER}/{answer.claim_id}", head + b"\n" + answer.sealed)

    async def get(self, claim_id: str) -> KeptAnswer | None:
        """The answer of a claim, if it is here."""
        content = None if self._storage is None else await self._storage.get(f"{_FOLDER}/{claim_id}")
        if content is None:
            return None
        head, _, sealed = content.partition(b"\n")
        project_id, connection_id, version = orjson.loads(head)
        return KeptAnswer(claim_id, project_id, connection_id, version, sealed)

    async def remove(self, claim_id: str) -> None:
        """Forget the answer of a claim."""
        if self._storage is not None:
            await self._storage.delete(f"{_FOLDER}/{claim_id}")

    async def claims(self) -> list[str]:
        """The claims whose answers are here."""
        return [] if self._data_dir is None else await asyncio.to_thread(_names, self._data_dir / _FOLDER)

    async def sweep(self, older_than: datetime) -> int:
        """Remove what was put before that moment; returns how many."""
        return 0 if self._storage is None else await self._storage.sweep(_FOLDER, older_than)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return []


def _folder_id(data_dir: Path) -> str:
    """The name of the data folder, made once: linking fails where another process was first."""
    path = data_dir / _NAME
    if not path.exists():
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        own = data_dir / f".{_NAME}-{new_id()}"
        own.write_text(new_id())
        try:
            path.hardlink_to(own)
        except FileExistsError:
            pass
        finally:
            own.unlink()
    return path.read_text()
