"""Queries of the write action."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.write.models import WritePartRow, WriteRunRow

_OVERDUE = text("""
select operation_id, project_id, installation_id from write_run where deadline < :before and operation_id > :after
order by operation_id limit :limit
""")


class WriteRepository:
    """Writes that have not ended, always within one project; but for upkeep, which has no tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, **values: Any) -> None:
        await self._session.execute(insert(WriteRunRow).values(**values))

    async def add_part(self, **values: Any) -> None:
        await self._session.execute(insert(WritePartRow).values(**values))

    async def run(self, project_id: str, operation_id: str) -> WriteRunRow | None:
        """The row, locked."""
        statement = select(WriteRunRow).where(
            WriteRunRow.project_id == project_id, WriteRunRow.operation_id == operation_id
        )
        found: WriteRunRow | None = (await self._session.execute(statement.with_for_update())).scalar_one_or_none()
        return found

    async def gathering(self, project_id: str, installation_id: str, key: str) -> WriteRunRow | None:
        """The batch that takes such records, locked. Whoever asks is the only one until the transaction ends."""
        lock = {"name": f"write/{installation_id}/{key}"}
        await self._session.execute(text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), lock)
        statement = select(WriteRunRow).where(
            WriteRunRow.project_id == project_id,
            WriteRunRow.installation_id == installation_id,
            WriteRunRow.gather_key == key,
            WriteRunRow.state == "gathering",
        )
        found: WriteRunRow | None = (await self._session.execute(statement.with_for_update())).scalar_one_or_none()
        return found

    async def parts(self, project_id: str, operation_id: str) -> Sequence[WritePartRow]:
        """The requests of a write, in the order in which they came."""
        statement = select(WritePartRow).where(
            WritePartRow.project_id == project_id, WritePartRow.operation_id == operation_id
        )
        return (await self._session.scalars(statement.order_by(WritePartRow.place))).all()

    async def change(self, project_id: str, operation_id: str, **values: Any) -> None:
        await self._session.execute(
            update(WriteRunRow)
            .where(WriteRunRow.project_id == project_id, WriteRunRow.operation_id == operation_id)
            .values(**values)
        )

    async def remove(self, project_id: str, operation_id: str) -> bool:
        """Remove a write with all that is kept of it; whether it was there."""
        removed = await self._session.execute(
            delete(WriteRunRow)
            .where(WriteRunRow.project_id == project_id, WriteRunRow.operation_id == operation_id)
            .returning(WriteRunRow.operation_id)
        )
        return removed.first() is not None

    async def pending_bytes(self, project_id: str) -> int:
        """How much of a project waits to be written."""
        statement = select(func.coalesce(func.sum(WriteRunRow.size), 0)).where(WriteRunRow.project_id == project_id)
        return int((await self._session.execute(statement)).scalar_one())

    async def overdue(self, before: datetime, *, after: str, limit: int) -> Sequence[Row[Any]]:
        """Writes of all projects whose deadline was before that, by their ids from `after` on."""
        values = {"before": before, "after": after, "limit": limit}
        return (await self._session.execute(_OVERDUE, values)).all()
