"""Which keys have sealed what: counted in the database, by the key ids that stand in the envelopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.sealed_columns import SealedColumn
from conjunct.tenants.key_rotation.walking import envelope_head

_HEAD_BYTES = 200


async def master_uses(session: AsyncSession, columns: Sequence[SealedColumn]) -> dict[str, dict[str, int]]:
    """How many values of which column each master key has sealed, by the key's id."""
    uses: dict[str, dict[str, int]] = {}
    for column in columns:
        if column.sealed_with == "master":
            counts = f"select {_key_id(column)} as key, count(*) as uses {_from(column)} group by 1"
            for row in await session.execute(text(counts)):
                uses.setdefault(bytes(row.key).decode(errors="replace"), {})[column.name] = row.uses
    return uses


async def sealed_otherwise(session: AsyncSession, columns: Sequence[SealedColumn], target: str) -> int:
    """How many values are sealed with another master key than `target`."""
    head = envelope_head(target)
    total = 0
    for column in columns:
        if column.sealed_with == "master":
            others = f"select count(*) {_from(column)} and substring({_name(column)} for :length) <> :head"
            total += await session.scalar(text(others), {"head": head, "length": len(head)}) or 0
    return total


async def sealed_with_old_keys(
    session: AsyncSession, columns: Sequence[SealedColumn], now: datetime
) -> Mapping[str, int]:
    """How many values of each column are sealed with another data key than their project's current one."""
    found = {}
    for column in columns:
        if column.sealed_with == "project":
            old = f"""
            select count(*) from "{column.table.name}" sealed
            join (
                select distinct on (project_id) project_id, id from project_key
                where active_at <= :now order by project_id, active_at desc, id desc
            ) k on k.project_id = sealed.project_id
            where sealed."{column.column.name}" is not null
                and substring(sealed."{column.column.name}" for octet_length(k.id) + 4)
                    <> convert_to('v1|' || k.id || '|', 'UTF8')
            """  # noqa: S608 - the names are those of our models
            found[column.name] = await session.scalar(text(old), {"now": now}) or 0
    return found


async def used_data_keys(
    session: AsyncSession, columns: Sequence[SealedColumn], project_ids: Sequence[str]
) -> set[str]:
    """The ids of these projects' data keys that have sealed anything that is there, short-lived or not."""
    used: set[str] = set()
    for column in columns:
        if column.sealed_with == "project":
            keys = f"select distinct {_key_id(column)} {_from(column)} and project_id = any(cast(:ids as text[]))"
            found = await session.scalars(text(keys), {"ids": list(project_ids)})
            used.update(bytes(key).decode(errors="replace") for key in found)
    return used


def _from(column: SealedColumn) -> str:
    return f'from "{column.table.name}" where {_name(column)} is not null'


def _name(column: SealedColumn) -> str:
    return f'"{column.column.name}"'


def _key_id(column: SealedColumn) -> str:
    """SQL for the bytes between the first two bars of an envelope; of what is none, its first bytes."""
    rest = f"substring({_name(column)} from 4 for {_HEAD_BYTES})"
    return f"substring({rest} for greatest(position(cast('\\x7c' as bytea) in {rest}) - 1, 0))"
