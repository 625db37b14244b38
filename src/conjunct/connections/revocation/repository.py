"""Queries of revocations."""

from __future__ import annotations

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.revocation.models import TokenRevocationRow


class TokenRevocationRepository:
    """Revocations to be made, always within one project."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, **values: object) -> None:
        await self._session.execute(insert(TokenRevocationRow).values(**values))

    async def find(self, project_id: str, revocation_id: str) -> TokenRevocationRow | None:
        statement = select(TokenRevocationRow).where(
            TokenRevocationRow.project_id == project_id, TokenRevocationRow.id == revocation_id
        )
        found: TokenRevocationRow | None = (await self._session.execute(statement)).scalar_one_or_none()
        return found

    async def delete(self, project_id: str, revocation_id: str) -> None:
        statement = delete(TokenRevocationRow).where(
            TokenRevocationRow.project_id == project_id, TokenRevocationRow.id == revocation_id
        )
        await self._session.execute(statement)
