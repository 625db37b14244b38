"""Queries on key rotations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.kit.ids import new_id
from conjunct.tenants.key_rotation.models import KeyRotationRow

Kind = Literal["master", "data"]

_LOCK = 0x6B657973


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation as it stands; see `KeyRotationRow`."""

    id: str
    kind: Kind
    target: str | None
    phase: str
    seal_at: datetime | None
    position: dict[str, Any] | None
    made: int
    sealed: int
    failed: int
    note: str | None
    create_time: datetime
    finish_time: datetime | None


async def lock(session: AsyncSession) -> None:
    """Be the only one who starts rotations, until the transaction ends."""
    await session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


async def add(session: AsyncSession, kind: Kind, phase: str, target: str | None, now: datetime) -> str:
    """Add a rotation; its id."""
    rotation_id = new_id()
    session.add(KeyRotationRow(id=rotation_id, kind=kind, phase=phase, target=target, create_time=now))
    await session.flush()
    return rotation_id


async def find(session: AsyncSession, rotation_id: str) -> Rotation | None:
    """One rotation."""
    found = await _rotations(session, KeyRotationRow.id == rotation_id)
    return found[0] if found else None


async def unfinished(session: AsyncSession, kind: Kind) -> Sequence[Rotation]:
    """The rotations of a kind that are not done, newest first."""
    return await _rotations(session, KeyRotationRow.kind == kind, KeyRotationRow.finish_time.is_(None))


async def newest(session: AsyncSession, limit: int) -> Sequence[Rotation]:
    """The newest rotations, newest first."""
    return await _rotations(session, limit=limit)


async def change(session: AsyncSession, rotation_id: str, **values: Any) -> None:
    """Set columns of a rotation."""
    await session.execute(update(KeyRotationRow).where(KeyRotationRow.id == rotation_id).values(**values))


async def _rotations(session: AsyncSession, *conditions: Any, limit: int | None = None) -> list[Rotation]:
    columns = [getattr(KeyRotationRow, name) for name in Rotation.__slots__]
    statement = select(*columns).where(*conditions).order_by(KeyRotationRow.id.desc()).limit(limit)
    return [Rotation(*row) for row in await session.execute(statement)]
