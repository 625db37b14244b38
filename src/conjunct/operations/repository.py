"""Queries of the operations slice."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.database import rfc3339
from conjunct.operations.models import OperationLogRow, OperationRow

NEWEST = 20_000
"""Of so many operations of an installation, the newest, the last read of an object is told."""

_OPERATION_JSON = f"""json_strip_nulls(json_build_object(
    'id', o.id, 'projectId', o.project_id, 'integrationId', o.integration_id, 'installationId', o.installation_id,
    'configId', o.config_id, 'actionType', o.action_type, 'status', o.status, 'result', o.result,
    'metadata', json_build_object(
        'objects', case when o.object_name = '' then '[]'::json else json_build_array(o.object_name) end,
        'retry', case when o.retry_attempts > 0 then json_build_object(
            'attempts', o.retry_attempts, 'lastAttempt', {rfc3339("o.last_attempt")}) end,
        'progress', case when o.action_type = 'read' then json_build_object(
            'installationId', o.installation_id, 'objectName', o.object_name, 'operationId', o.id,
            'recordsProcessed', o.records_processed, 'recordsEstimatedTotal', o.records_estimated_total) end),
    'createTime', {rfc3339("o.create_time")}))"""

_GET = text(f"SELECT {_OPERATION_JSON}::text FROM operation o WHERE o.project_id = :project_id AND o.id = :id")  # noqa: S608

_PAGE = text(f"""
    WITH page AS (
        SELECT * FROM operation
        WHERE project_id = :project_id AND installation_id = :installation_id
            AND (CAST(:before AS text) IS NULL OR id < :before)
        ORDER BY id DESC LIMIT :limit
    )
    SELECT coalesce(json_agg({_OPERATION_JSON} ORDER BY o.id DESC), '[]')::text, count(*), min(o.id)
    FROM page o""")  # noqa: S608 - the snippet is a constant

_LOGS = text(f"""
    SELECT coalesce(json_agg(json_build_object(
        'timestamp', {rfc3339("l.timestamp")}, 'severity', l.severity, 'message', l.message) ORDER BY l.id), '[]')::text
    FROM (SELECT * FROM operation_log WHERE project_id = :project_id AND operation_id = :operation_id
        ORDER BY id DESC LIMIT :limit) l""")  # noqa: S608 - as above

_PROGRESS = text(f"""
    SELECT json_strip_nulls(json_build_object(
        'installationId', o.installation_id, 'objectName', o.object_name, 'operationId', o.id,
        'recordsProcessed', o.records_processed, 'recordsEstimatedTotal', o.records_estimated_total,
        'createTime', {rfc3339("o.create_time")}, 'updateTime', {rfc3339("o.update_time")}))::text
    FROM operation o WHERE o.project_id = :project_id AND o.id = :id""")  # noqa: S608 - as above


# Bounded, as an object that is hardly ever read may lie behind millions of writes.
_LATEST_READS = text(f"""
    SELECT n.name, o.id, o.status, o.create_time FROM unnest(CAST(:names AS text[])) n(name)
    CROSS JOIN LATERAL (
        SELECT id, status, create_time FROM (
            SELECT * FROM operation
            WHERE project_id = :project_id AND installation_id = :installation_id
            ORDER BY id DESC LIMIT {NEWEST}) newest
        WHERE action_type = 'read' AND object_name = n.name
        ORDER BY id DESC LIMIT 1) o""")  # noqa: S608 - a constant


def last_operation_status(installation: str) -> str:
    """SQL for the status of the newest operation of an installation, given that table's alias; null without one."""
    return (
        f"(SELECT status FROM operation WHERE installation_id = {installation}.id "  # noqa: S608 - an alias of ours
        "ORDER BY id DESC LIMIT 1)"
    )


class OperationRepository:
    """Operations and their logs, always within one project."""

    def __init__(self, session: AsyncSession | AsyncConnection) -> None:
        self._session = session

    async def add(self, **values: Any) -> None:
        await self._session.execute(insert(OperationRow).values(**values))

    async def change(self, project_id: str, operation_id: str, **values: Any) -> None:
        await self._session.execute(
            update(OperationRow)
            .where(OperationRow.project_id == project_id, OperationRow.id == operation_id)
            .values(update_time=func.now(), **values)
        )

    async def status(self, project_id: str, operation_id: str) -> str | None:
        statement = select(OperationRow.status).where(
            OperationRow.project_id == project_id, OperationRow.id == operation_id
        )
        found: str | None = (await self._session.execute(statement)).scalar_one_or_none()
        return found

    async def latest_reads(
        self, project_id: str, installation_id: str, object_names: Collection[str]
    ) -> dict[str, tuple[str, str, datetime]]:
        parameters = {"project_id": project_id, "installation_id": installation_id, "names": list(object_names)}
        rows = await self._session.execute(_LATEST_READS, parameters)
        return {row.name: (row.id, row.status, row.create_time) for row in rows}

    async def add_logs(self, rows: list[dict[str, Any]]) -> None:
        await self._session.execute(insert(OperationLogRow), rows)

    async def get_json(self, project_id: str, operation_id: str) -> Any:
        row = await self._session.execute(_GET, {"project_id": project_id, "id": operation_id})
        return row.scalar_one_or_none()

    async def progress_json(self, project_id: str, operation_id: str) -> str | None:
        row = await self._session.execute(_PROGRESS, {"project_id": project_id, "id": operation_id})
        found: str | None = row.scalar_one_or_none()
        return found

    async def page_json(
        self, project_id: str, installation_id: str, *, before: str | None, limit: int
    ) -> tuple[str, int, str | None]:
        """The page as JSON text, how many operations it holds, and the id of the last of them."""
        parameters = {
            "project_id": project_id,
            "installation_id": installation_id,
            "before": before,
            "limit": limit,
        }
        page, count, last = (await self._session.execute(_PAGE, parameters)).one()
        return page, count, last

    async def logs_json(self, project_id: str, operation_id: str, limit: int) -> str:
        parameters = {"project_id": project_id, "operation_id": operation_id, "limit": limit}
        found: str = (await self._session.execute(_LOGS, parameters)).scalar_one()
        return found
