"""Queries of the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.database import rfc3339
from conjunct.core.paging import Items, Page, page_sql
from conjunct.tenants.audit.models import AuditEntryRow

_ENTRY_JSON = f"""json_strip_nulls(json_build_object(
    'id', a.id, 'time', {rfc3339("a.time")}, 'actor', a.actor, 'action', a.action,
    'resource', json_build_object('kind', a.resource_kind, 'id', a.resource_id),
    'requestId', a.request_id, 'detail', a.detail))"""

_FILTERS = """
    AND (CAST(:actor AS text) IS NULL OR a.actor = :actor)
    AND (CAST(:action AS text) IS NULL OR a.action = :action)
    AND (CAST(:resource_kind AS text) IS NULL OR a.resource_kind = :resource_kind)
    AND (CAST(:resource_id AS text) IS NULL OR a.resource_id = :resource_id)
    AND (CAST(:since AS timestamptz) IS NULL OR a.time >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR a.time < :until)"""

_OF_PROJECT = text(
    page_sql(_ENTRY_JSON, f"FROM audit_entry a WHERE a.project_id = :of {_FILTERS}", "a.id", newest_first=True)
)
_OF_ORG = text(
    page_sql(
        _ENTRY_JSON,
        f"FROM audit_entry a WHERE a.org_id = :of AND a.project_id IS NULL {_FILTERS}",
        "a.id",
        newest_first=True,
    )
)

# Entries are added in the order of time, so that the oldest are the first by id and no index on time is needed.
_SWEEP = text("""
with removed as (
    delete from audit_entry
    where id in (select id from audit_entry order by id limit :batch) and time < :before
    returning 1
)
select count(*) from removed""")


class AuditRepository:
    """Entries of the audit log, of one project or one org."""

    def __init__(self, session: AsyncSession | AsyncConnection) -> None:
        self._session = session

    async def add(self, **values: Any) -> None:
        await self._session.execute(insert(AuditEntryRow).values(**values))

    async def of_project(self, project_id: str, page: Page, filters: dict[str, Any]) -> Items:
        values = {"of": project_id, **filters, **page.parameters}
        return Items(*(await self._session.execute(_OF_PROJECT, values)).one())

    async def of_org(self, org_id: str, page: Page, filters: dict[str, Any]) -> Items:
        """Entries that are about the org itself, and not about one of its projects."""
        values = {"of": org_id, **filters, **page.parameters}
        return Items(*(await self._session.execute(_OF_ORG, values)).one())

    async def sweep(self, before: datetime, batch: int) -> int:
        """Remove up to `batch` old entries of all projects: upkeep has no tenant. Returns how many."""
        return int((await self._session.execute(_SWEEP, {"before": before, "batch": batch})).scalar_one())
