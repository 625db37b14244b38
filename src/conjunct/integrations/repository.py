"""Queries of the integrations slice, always within one project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import aliased

from conjunct.core.database import rfc3339
from conjunct.core.paging import WHOLE, Items, Page, page_sql
from conjunct.integrations.models import IntegrationRow, RevisionRow

_REVISION_JSON = f"""json_build_object(
    'id', r.id, 'specVersion', r.spec_version, 'createTime', {rfc3339("r.create_time")}, 'content', r.content)"""

_INTEGRATION_JSON = f"""json_build_object(
    'id', i.id, 'projectId', i.project_id, 'name', i.name, 'provider', i.provider,
    'createTime', {rfc3339("i.create_time")}, 'updateTime', {rfc3339("coalesce(i.update_time, i.create_time)")},
    'latestRevision', {_REVISION_JSON})"""

_INTEGRATIONS = "integration i JOIN revision r ON r.id = i.latest_revision_id"

# Plain constants are joined here, never anything from outside.
_OF_PROJECT = f"""FROM {_INTEGRATIONS}
    WHERE i.project_id = :project_id AND (CAST(:ids AS text[]) IS NULL OR i.id = ANY(:ids))"""

_LIST = text(page_sql(_INTEGRATION_JSON, _OF_PROJECT, "i.id"))

_GET = text(f"""
    SELECT {_INTEGRATION_JSON}::text FROM {_INTEGRATIONS}
    WHERE i.project_id = :project_id AND (i.id = :id_or_name OR i.name = :id_or_name)
    ORDER BY i.id <> :id_or_name LIMIT 1""")  # noqa: S608

_GET_REVISION = text(f"""
    SELECT {_REVISION_JSON}::text FROM revision r WHERE r.project_id = :project_id AND r.id = :id""")  # noqa: S608


_NUMBERED_REVISION_JSON = f"""json_build_object(
    'id', r.id, 'specVersion', r.spec_version, 'createTime', {rfc3339("r.create_time")}, 'content', r.content,
    'number', r.number, 'createdBy', r.created_by, 'destructive', r.destructive,
    'isLatest', r.id = i.latest_revision_id)"""

_OF_INTEGRATION = """FROM revision r JOIN integration i ON i.id = r.integration_id
    WHERE i.id = (
        SELECT n.id FROM integration n
        WHERE n.project_id = :project_id AND (n.id = :integration OR n.name = :integration)
        ORDER BY n.id <> :integration LIMIT 1)"""

_LIST_REVISIONS = text(page_sql(_NUMBERED_REVISION_JSON, _OF_INTEGRATION, "r.id", newest_first=True))

_GET_NUMBERED_REVISION = text(f"SELECT {_NUMBERED_REVISION_JSON}::text {_OF_INTEGRATION} AND r.id = :id")


Lock = Literal["keep", "change"]
"""Until the transaction ends, an integration is kept as it is (by many at once), or changed by nobody else."""


class IntegrationRepository:
    """Integrations and their revisions."""

    def __init__(self, session: AsyncSession | AsyncConnection) -> None:
        self._session = session

    async def lock_deploys(self, project_id: str) -> None:
        """Let one deploy of a project at a time go on; the others wait for its transaction to end."""
        await self._session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"deploy/{project_id}"}
        )

    async def list_page(self, project_id: str, page: Page = WHOLE, *, ids: list[str] | None = None) -> Items:
        values = {"project_id": project_id, "ids": ids, **page.parameters}
        return Items(*(await self._session.execute(_LIST, values)).one())

    async def get_json(self, project_id: str, id_or_name: str) -> str | None:
        row = await self._session.execute(_GET, {"project_id": project_id, "id_or_name": id_or_name})
        found: str | None = row.scalar_one_or_none()
        return found

    async def revision_json(self, project_id: str, revision_id: str) -> str:
        row = await self._session.execute(_GET_REVISION, {"project_id": project_id, "id": revision_id})
        found: str = row.scalar_one()
        return found

    async def find(self, project_id: str, id_or_name: str, *, lock: Lock | None = None) -> IntegrationRow | None:
        """The integration; an id goes before a name."""
        statement = (
            select(IntegrationRow)
            .where(IntegrationRow.project_id == project_id, _named(id_or_name))
            .order_by(IntegrationRow.id != id_or_name)
            .limit(1)
            .execution_options(populate_existing=True)
        )
        if lock is not None:
            statement = statement.with_for_update(read=lock == "keep")
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def by_names(self, project_id: str, names: Iterable[str]) -> dict[str, tuple[IntegrationRow, RevisionRow]]:
        statement = (
            select(IntegrationRow, RevisionRow)
            .join(RevisionRow, RevisionRow.id == IntegrationRow.latest_revision_id)
            .where(IntegrationRow.project_id == project_id, IntegrationRow.name.in_(list(names)))
        )
        return {row[0].name: (row[0], row[1]) for row in await self._session.execute(statement)}

    async def revision(self, project_id: str, revision_id: str) -> RevisionRow | None:
        statement = select(RevisionRow).where(RevisionRow.project_id == project_id, RevisionRow.id == revision_id)
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def revision_before(self, project_id: str, revision_id: str) -> RevisionRow | None:
        """The one that was deployed before a revision of the same integration."""
        this = aliased(RevisionRow)
        statement = (
            select(RevisionRow)
            .join(this, this.integration_id == RevisionRow.integration_id)
            .where(this.project_id == project_id, this.id == revision_id, RevisionRow.number == this.number - 1)
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def revisions_page(self, project_id: str, integration: str, page: Page) -> Items:
        values = {"project_id": project_id, "integration": integration, **page.parameters}
        return Items(*(await self._session.execute(_LIST_REVISIONS, values)).one())

    async def revision_of_integration_json(self, project_id: str, integration: str, revision_id: str) -> str | None:
        values = {"project_id": project_id, "integration": integration, "id": revision_id}
        found: str | None = (await self._session.execute(_GET_NUMBERED_REVISION, values)).scalar_one_or_none()
        return found

    async def all_but(self, project_id: str, names: Iterable[str]) -> list[tuple[str, str, str]]:
        """Id, name and provider of the integrations that have none of these names, ordered by name."""
        statement = (
            select(IntegrationRow.id, IntegrationRow.name, IntegrationRow.provider)
            .where(IntegrationRow.project_id == project_id, IntegrationRow.name.not_in(list(names)))
            .order_by(IntegrationRow.name)
        )
        return [(row[0], row[1], row[2]) for row in await self._session.execute(statement)]

    async def latest_of_provider(self, project_id: str, provider: str) -> Sequence[RevisionRow]:
        """The latest revisions of the integrations for a provider."""
        statement = (
            select(RevisionRow)
            .join(IntegrationRow, IntegrationRow.latest_revision_id == RevisionRow.id)
            .where(IntegrationRow.project_id == project_id, IntegrationRow.provider == provider)
            .order_by(IntegrationRow.id)
        )
        return (await self._session.execute(statement)).scalars().all()

    async def revisions_after(self, project_id: str, integration_id: str, number: int) -> Sequence[RevisionRow]:
        statement = (
            select(RevisionRow)
            .where(
                RevisionRow.project_id == project_id,
                RevisionRow.integration_id == integration_id,
                RevisionRow.number > number,
            )
            .order_by(RevisionRow.number)
        )
        return (await self._session.execute(statement)).scalars().all()

    async def add_integration(self, **values: Any) -> None:
        await self._session.execute(insert(IntegrationRow).values(**values))

    async def add_revision(self, **values: Any) -> None:
        await self._session.execute(insert(RevisionRow).values(**values))

    async def follow(self, project_id: str, integration_id: str, revision_id: str) -> None:
        await self._session.execute(
            update(IntegrationRow)
            .where(IntegrationRow.project_id == project_id, IntegrationRow.id == integration_id)
            .values(latest_revision_id=revision_id, update_time=func.now())
        )

    async def delete(self, project_id: str, integration_id: str) -> None:
        await self._session.execute(
            delete(IntegrationRow).where(IntegrationRow.project_id == project_id, IntegrationRow.id == integration_id)
        )


def _named(id_or_name: str) -> ColumnElement[bool]:
    return or_(IntegrationRow.id == id_or_name, IntegrationRow.name == id_or_name)
