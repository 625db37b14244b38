"""Queries of API keys, always within one project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.paging import Page
from conjunct.tenants.credentials import digest_of
from conjunct.tenants.models import ApiKeyRow, BuilderRow, ProjectRow

Shown = Row[str, bytes, str, list[str], bool]
_SHOWN = (ApiKeyRow.id, ApiKeyRow.sealed, ApiKeyRow.label, ApiKeyRow.scopes, ApiKeyRow.active)


class ApiKeyRepository:
    """API keys; one is named by itself or by its id."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: ApiKeyRow) -> None:
        self._session.add(row)
        await self._session.flush()

    async def list_page(self, project_id: str, page: Page, *, active_only: bool) -> Sequence[Shown]:
        """Oldest first."""
        statement = page.of(select(*_SHOWN).where(ApiKeyRow.project_id == project_id), ApiKeyRow.id)
        if active_only:
            statement = statement.where(ApiKeyRow.active)
        return (await self._session.execute(statement)).all()

    async def get(self, project_id: str, key_or_id: str) -> Shown | None:
        statement = select(*_SHOWN).where(_one(project_id, key_or_id))
        return (await self._session.execute(statement)).one_or_none()

    async def change(self, project_id: str, key_id: str, values: dict[str, Any]) -> None:
        await self._session.execute(update(ApiKeyRow).where(_one(project_id, key_id)).values(**values))

    async def delete(self, project_id: str, key_id: str) -> None:
        await self._session.execute(delete(ApiKeyRow).where(_one(project_id, key_id)))

    async def lock_full(self, project_id: str) -> set[str]:
        """The ids of the active keys with the scope `full`; nobody else changes them until the transaction ends."""
        statement = (
            select(ApiKeyRow.id)
            .where(ApiKeyRow.project_id == project_id, ApiKeyRow.active, ApiKeyRow.scopes.contains(["full"]))
            .order_by(ApiKeyRow.id)
            .with_for_update()
        )
        return set((await self._session.scalars(statement)).all())

    async def has_builder(self, project_id: str) -> bool:
        """Whether somebody is in the project's org."""
        builder = exists().where(BuilderRow.org_id == ProjectRow.org_id)
        return bool(await self._session.scalar(select(builder).where(ProjectRow.id == project_id)))


def _one(project_id: str, key_or_id: str) -> ColumnElement[bool]:
    named = or_(ApiKeyRow.digest == digest_of(key_or_id), ApiKeyRow.id == key_or_id)
    return and_(ApiKeyRow.project_id == project_id, named)
