"""Queries of JWT keys, always within one project."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.database import rfc3339
from conjunct.core.paging import Items, Page, page_sql
from conjunct.tenants.models import JwtKeyRow

# The specification asks for RS256 and then tells RSA.
_JSON = f"""json_build_object(
    'id', k.id, 'projectId', k.project_id, 'label', k.label, 'algorithm', 'RSA', 'publicKeyPem', k.public_key_pem,
    'active', k.active, 'createTime', {rfc3339("k.create_time")}, 'updateTime', {rfc3339("k.update_time")})"""

_LIST = text(
    page_sql(_JSON, "FROM jwt_key k WHERE k.project_id = :project_id AND (k.active OR NOT :active_only)", "k.id")
)

_GET = text(f"SELECT {_JSON}::text FROM jwt_key k WHERE k.project_id = :project_id AND k.id = :id")  # noqa: S608


class JwtKeyRepository:
    """JWT keys."""

    def __init__(self, session: AsyncSession | AsyncConnection) -> None:
        self._session = session

    async def list_page(self, project_id: str, page: Page, *, active_only: bool) -> Items:
        """Oldest first."""
        values = {"project_id": project_id, "active_only": active_only, **page.parameters}
        return Items(*(await self._session.execute(_LIST, values)).one())

    async def get_json(self, project_id: str, key_id: str) -> str | None:
        rows = await self._session.execute(_GET, {"project_id": project_id, "id": key_id})
        found: str | None = rows.scalar_one_or_none()
        return found

    async def add(self, **values: Any) -> None:
        await self._session.execute(insert(JwtKeyRow).values(**values))

    async def change(self, project_id: str, key_id: str, values: dict[str, Any]) -> bool:
        """Whether there is one."""
        statement = update(JwtKeyRow).where(JwtKeyRow.project_id == project_id, JwtKeyRow.id == key_id)
        statement = statement.values(update_time=func.clock_timestamp(), **values)
        return (await self._session.execute(statement.returning(JwtKeyRow.id))).first() is not None

    async def delete(self, project_id: str, key_id: str) -> bool:
        """Whether there was one."""
        statement = delete(JwtKeyRow).where(JwtKeyRow.project_id == project_id, JwtKeyRow.id == key_id)
        return (await self._session.execute(statement.returning(JwtKeyRow.id))).first() is not None
