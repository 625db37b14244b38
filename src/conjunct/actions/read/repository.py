"""Queries of the read action."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.actions.read.models import ReadObjectRow, ReadRunRow
from conjunct.actions.read.runs import Progress

# This commit may be lost in a power cut, but only as a whole: the checkpoint, the attempts and the undelivered messages
# go together, so that the lost pages are read again under the same message ids. So it need not wait for the disk.
_CHECKPOINT = text("""
    WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true))
    UPDATE read_run SET next_page = :next_page, at_deleted = :at_deleted, page = :page, records = :records,
        failed_records = :failed, estimated = :estimated, active = :active, new_watermark = :new_watermark,
        moved_at = :now, guard = cast(:guard as jsonb), figures = cast(:figures as jsonb), tries = 0, waits = 0,
        lost = 0
    FROM relaxed WHERE project_id = :project_id AND operation_id = :operation_id
    RETURNING operation_id""")


class ReadRepository:
    """Read objects and runs, always within one project."""

    def __init__(self, session: AsyncSession | AsyncConnection) -> None:
        self._session = session

    async def objects(self, project_id: str, installation_id: str) -> dict[str, ReadObjectRow]:
        """The installation's objects by name, locked against other changes of them."""
        statement = (
            select(ReadObjectRow)
            .where(ReadObjectRow.project_id == project_id, ReadObjectRow.installation_id == installation_id)
            .order_by(ReadObjectRow.object_name)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        rows = (await self._session.execute(statement)).scalars()
        return {row.object_name: row for row in rows}

    async def peek(self, project_id: str, installation_id: str) -> dict[str, ReadObjectRow]:
        """The installation's objects by name, as they are now."""
        statement = select(ReadObjectRow).where(
            ReadObjectRow.project_id == project_id, ReadObjectRow.installation_id == installation_id
        )
        return {row.object_name: row for row in (await self._session.execute(statement)).scalars()}

    async def object(self, project_id: str, installation_id: str, object_name: str) -> ReadObjectRow | None:
        statement = (
            select(ReadObjectRow)
            .where(
                ReadObjectRow.project_id == project_id,
                ReadObjectRow.installation_id == installation_id,
                ReadObjectRow.object_name == object_name,
            )
            .execution_options(populate_existing=True)
        )
        found: ReadObjectRow | None = (await self._session.execute(statement)).scalar_one_or_none()
        return found

    async def add_object(self, **values: Any) -> None:
        await self._session.execute(insert(ReadObjectRow).values(**values))

    async def change_objects(
        self, project_id: str, installation_id: str, object_names: Collection[str], **values: Any
    ) -> None:
        await self._session.execute(
            update(ReadObjectRow)
            .where(
                ReadObjectRow.project_id == project_id,
                ReadObjectRow.installation_id == installation_id,
                ReadObjectRow.object_name.in_(object_names),
            )
            .values(update_time=func.now(), **values)
        )

    async def delete_object(self, project_id: str, installation_id: str, object_name: str) -> None:
        await self._session.execute(
            delete(ReadObjectRow).where(
                ReadObjectRow.project_id == project_id,
                ReadObjectRow.installation_id == installation_id,
                ReadObjectRow.object_name == object_name,
            )
        )

    async def add_run(self, **values: Any) -> None:
        await self._session.execute(insert(ReadRunRow).values(**values))

    async def run(self, project_id: str, operation_id: str) -> ReadRunRow | None:
        statement = (
            select(ReadRunRow)
            .where(ReadRunRow.project_id == project_id, ReadRunRow.operation_id == operation_id)
            .execution_options(populate_existing=True)
        )
        found: ReadRunRow | None = (await self._session.execute(statement)).scalar_one_or_none()
        return found

    async def active_scheduled_run(self, project_id: str, installation_id: str, object_name: str) -> str | None:
        """The operation of the scheduled run that was begun and is not ended, if there is one."""
        statement = select(ReadRunRow.operation_id).where(
            ReadRunRow.project_id == project_id,
            ReadRunRow.installation_id == installation_id,
            ReadRunRow.object_name == object_name,
            ReadRunRow.read_type == "scheduled",
            ReadRunRow.active,
        )
        found: str | None = (await self._session.execute(statement)).scalar_one_or_none()
        return found

    async def checkpoint(
        self, project_id: str, operation_id: str, progress: Progress, now: datetime, *, last: bool
    ) -> bool:
        """Move the run's checkpoint, the `last` time when it ends; False when there is no such run any more."""
        moved = await self._session.scalar(
            _CHECKPOINT,
            {
                "project_id": project_id,
                "operation_id": operation_id,
                "next_page": progress.place.token,
                "at_deleted": progress.place.deleted,
                "page": progress.page,
                "records": progress.records,
                "failed": progress.failed,
                "estimated": progress.estimated,
                "active": not last,
                "new_watermark": progress.new_watermark,
                "now": now,
                "guard": orjson.dumps(progress.guard.to_json()).decode(),
                "figures": orjson.dumps(progress.figures.to_json()).decode(),
            },
        )
        return moved is not None

    async def change_run(self, project_id: str, operation_id: str, **values: Any) -> None:
        await self._session.execute(
            update(ReadRunRow)
            .where(ReadRunRow.project_id == project_id, ReadRunRow.operation_id == operation_id)
            .values(**values)
        )

    async def advance_watermark(
        self, project_id: str, installation_id: str, object_name: str, watermark: datetime
    ) -> None:
        """Move the object's watermark forward; never back."""
        await self._session.execute(
            update(ReadObjectRow)
            .where(
                ReadObjectRow.project_id == project_id,
                ReadObjectRow.installation_id == installation_id,
                ReadObjectRow.object_name == object_name,
            )
            .values(
                watermark=func.greatest(func.coalesce(ReadObjectRow.watermark, watermark), watermark),
                hopeless_failures=0,
                update_time=func.now(),
            )
        )
