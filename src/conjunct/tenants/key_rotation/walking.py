"""Walk a sealed column in the order of its table's primary key, and seal anew what is not sealed with the current key.

Rows are read locked, and those that somebody else has locked are passed by. So a value that is changed meanwhile is
never overwritten with an older one, and the walk never waits while it holds rows, hence never is part of a deadlock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Row, bindparam, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.encryption import DecryptionFailed, Keyring
from conjunct.core.sealed_columns import SealedColumn

BATCH = 100
"""Rows locked at once; the largest, messages of 300 kB, are 30 MB together."""

KeyringOf = Callable[[AsyncSession, str | None], Awaitable[Keyring]]
"""The keyring of a project, or the master keys' for None."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Walked:
    """One batch: how many values were sealed anew and could not be opened, and the key of the last row, if any."""

    sealed: int
    failed: int
    last: list[Any] | None


async def seal_batch(
    session: AsyncSession, column: SealedColumn, keyring_of: KeyringOf, after: Sequence[Any] | None
) -> Walked:
    """Seal the next rows after the primary key `after` (as `Walked.last` gives it), on the caller's transaction."""
    rows = await _locked_rows(session, column, after)
    changes: list[dict[str, Any]] = []
    failed = 0
    for row in rows:
        place = column.place(row.row)
        try:
            keyring = await keyring_of(session, row.project_id)
            fresh = _resealed(keyring, row.sealed, place)
        except DecryptionFailed as error:
            failed += 1
            log.warning("keys.value_unreadable", column=column.name, error=str(error))
            continue
        if fresh is not None:
            changes.append({"old": row.sealed, "new": fresh, **_key_values(column, row)})
    if changes:
        await session.execute(_swap(column), changes)
    return Walked(len(changes), failed, _written(column, rows[-1]) if rows else None)


def _resealed(keyring: Keyring, envelope: bytes, place: str) -> bytes | None:
    """The envelope sealed with the current key; None where it is."""
    if envelope.startswith(envelope_head(keyring.current)):
        return None
    return keyring.encrypt(keyring.decrypt(envelope, place), place)


def envelope_head(key_id: str) -> bytes:
    """How an envelope sealed with that key begins."""
    return f"v1|{key_id}|".encode()


async def _locked_rows(session: AsyncSession, column: SealedColumn, after: Sequence[Any] | None) -> Sequence[Any]:
    keys = list(column.table.primary_key.columns)
    project = column.table.c.project_id if column.sealed_with == "project" else bindparam("nobody", None)
    wanted = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    statement = select(
        *wanted, column.row_column.label("row"), column.column.label("sealed"), project.label("project_id")
    ).where(column.column.is_not(None))
    if after is not None:
        statement = statement.where(tuple_(*keys) > tuple_(*map(_read, after)))
    statement = statement.order_by(*keys).limit(BATCH).with_for_update(key_share=True, skip_locked=True)
    return (await session.execute(statement)).all()


def _swap(column: SealedColumn) -> Any:
    """Put the new value in the old one's place, which must be there still."""
    keys = [key == bindparam(f"key_{number}") for number, key in enumerate(column.table.primary_key.columns)]
    same = column.column == bindparam("old")
    return update(column.table).where(*keys, same).values({column.column: bindparam("new")})


def _key_values(column: SealedColumn, row: Row[Any]) -> dict[str, Any]:
    names = [f"key_{number}" for number, _ in enumerate(column.table.primary_key.columns)]
    return {name: getattr(row, name) for name in names}


def _written(column: SealedColumn, row: Row[Any]) -> list[Any]:
    """A row's primary key as JSON can keep it."""
    return [{"hex": value.hex()} if isinstance(value, bytes) else value for value in _key_values(column, row).values()]


def _read(value: Any) -> Any:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value
