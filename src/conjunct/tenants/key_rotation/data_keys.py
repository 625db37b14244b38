"""Data keys at both ends of their lives: every project is given a new one; old ones that open nothing are deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby, takewhile

from sqlalchemy import delete, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.sealed_columns import SealedColumn
from conjunct.tenants.key_rotation.usage import used_data_keys
from conjunct.tenants.keys import ProjectKeys
from conjunct.tenants.models import ProjectKeyRow, ProjectRow

BATCH = 500

# Keys that a later one, active for long enough, stands in for.
_REPLACED = text("""
select k.project_id, k.id from project_key k
where k.project_id = any(cast(:ids as text[])) and exists (
    select from project_key later
    where later.project_id = k.project_id and (later.active_at, later.id) > (k.active_at, k.id)
        and later.active_at <= :before
)
order by k.project_id, k.active_at, k.id
""")


async def make_batch(session: AsyncSession, keys: ProjectKeys, rotation_id: str, active_at: datetime) -> int:
    """Give a new key to some projects that the rotation has given none; returns how many, 0 at the end."""
    given = exists().where(ProjectKeyRow.project_id == ProjectRow.id, ProjectKeyRow.rotation_id == rotation_id)
    lacking = select(ProjectRow.id).where(~given).order_by(ProjectRow.id).limit(BATCH)
    # A project that is being deleted by another transaction is gone before its key could be added, or after.
    projects = (await session.scalars(lacking.with_for_update(read=True, key_share=True))).all()
    for project_id in projects:
        keys.make(session, project_id, active_at=active_at, rotation_id=rotation_id)
    await session.flush()
    return len(projects)


async def delete_unused_batch(
    session: AsyncSession, columns: Sequence[SealedColumn], *, before: datetime, after: str | None
) -> tuple[int, str | None]:
    """Delete keys that were replaced before that moment and open nothing, of some projects after the one given.

    A key stays while an older one of its project is in use: content in the storage may be sealed with a later key than
    its row is. Returns how many were deleted, and the last project looked at; None at the end.
    """
    several = select(ProjectKeyRow.project_id).group_by(ProjectKeyRow.project_id).having(func.count() > 1)
    if after is not None:
        several = several.where(ProjectKeyRow.project_id > after)
    projects = (await session.scalars(several.order_by(ProjectKeyRow.project_id).limit(BATCH))).all()
    rows = (await session.execute(_REPLACED, {"before": before, "ids": list(projects)})).all()
    used = await used_data_keys(session, columns, sorted({row.project_id for row in rows})) if rows else set()
    unused: list[str] = []
    for _, keys in groupby(rows, key=lambda row: row.project_id):
        unused += [key.id for key in takewhile(lambda key: key.id not in used, keys)]
    if unused:
        await session.execute(delete(ProjectKeyRow).where(ProjectKeyRow.id.in_(unused)))
    return len(unused), projects[-1] if projects else None


async def count_keys(session: AsyncSession) -> tuple[int, int]:
    """How many data keys there are, of how many projects."""
    row = (await session.execute(select(func.count(), func.count(func.distinct(ProjectKeyRow.project_id))))).one()
    return row[0], row[1]
