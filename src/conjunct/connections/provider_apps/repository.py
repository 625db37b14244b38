"""Queries of provider apps."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.connections.provider_apps.models import ProviderAppRow
from conjunct.core.database import rfc3339
from conjunct.core.paging import Items, Page, page_sql


def provider_app_json(alias: str) -> str:
    """SQL for a provider app as the specification's `ProviderApp`, given the alias of `provider_app`."""
    a = alias
    # Stripping nulls is safe: metadata is checked on its way in and holds texts only.
    return f"""json_strip_nulls(json_build_object(
        'id', {a}.id, 'projectId', {a}.project_id, 'externalRef', {a}.external_ref, 'provider', {a}.provider,
        'clientId', {a}.client_id, 'scopes', {a}.scopes, 'metadata', {a}.metadata,
        'createTime', {rfc3339(f"{a}.create_time")}, 'updateTime', {rfc3339(f"{a}.update_time")}))"""


_FROM = "FROM provider_app a WHERE a.project_id = :project_id"
_LIST = text(page_sql(provider_app_json("a"), _FROM, "a.id"))
_GET = text(f"SELECT {provider_app_json('a')}::text {_FROM} AND a.id = :id")
_USES = text("SELECT count(*) FROM connection WHERE project_id = :project_id AND provider_app_id = :id")


class ProviderAppRepository:
    """Provider apps, always within one project."""

    def __init__(self, session: AsyncSession | AsyncConnection) -> None:
        self._session = session

    async def list_page(self, project_id: str, page: Page) -> Items:
        """The apps, oldest first."""
        return Items(*(await self._session.execute(_LIST, {"project_id": project_id, **page.parameters})).one())

    async def get_json(self, project_id: str, app_id: str) -> str | None:
        rows = await self._session.execute(_GET, {"project_id": project_id, "id": app_id})
        found: str | None = rows.scalar_one_or_none()
        return found

    async def find(
        self, project_id: str, app_id: str, *, lock: bool = False, share: bool = False
    ) -> ProviderAppRow | None:
        """The app; until the transaction ends, nobody else changes it (`lock`) or deletes it (`share`)."""
        statement = select(ProviderAppRow).where(*_one(project_id, app_id))
        if lock or share:
            statement = statement.with_for_update(read=share, key_share=share)
        found: ProviderAppRow | None = (await self._session.execute(statement)).scalar_one_or_none()
        return found

    async def uses(self, project_id: str, app_id: str) -> int:
        """How many connections were made with it."""
        found: int = (await self._session.execute(_USES, {"project_id": project_id, "id": app_id})).scalar_one()
        return found

    async def oldest(self, project_id: str, provider: str, *, client_id: str | None = None) -> ProviderAppRow | None:
        of = ProviderAppRow.project_id == project_id, ProviderAppRow.provider == provider
        statement = select(ProviderAppRow).where(*of).order_by(ProviderAppRow.id).limit(1)
        if client_id is not None:
            statement = statement.where(ProviderAppRow.client_id == client_id)
        found: ProviderAppRow | None = (await self._session.execute(statement)).scalar_one_or_none()
        return found

    async def add(self, **values: Any) -> bool:
        """Whether it could be added: not when the same client is there already."""
        return await self._unless_taken(insert(ProviderAppRow).values(**values))

    async def change(self, project_id: str, app_id: str, **values: Any) -> bool:
        """Whether it could be changed: not to a client that is there already."""
        statement = update(ProviderAppRow).where(*_one(project_id, app_id))
        return await self._unless_taken(statement.values(update_time=func.clock_timestamp(), **values))

    async def delete(self, project_id: str, app_id: str) -> None:
        await self._session.execute(delete(ProviderAppRow).where(*_one(project_id, app_id)))

    async def _unless_taken(self, statement: Any) -> bool:
        try:
            async with self._session.begin_nested():
                await self._session.execute(statement)
        except IntegrityError:
            return False
        return True


def _one(project_id: str, app_id: str) -> tuple[Any, Any]:
    return ProviderAppRow.project_id == project_id, ProviderAppRow.id == app_id
