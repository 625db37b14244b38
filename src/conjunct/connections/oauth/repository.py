"""Queries of the OAuth flows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.oauth.models import OAuthFlowRow


class OAuthFlowRepository:
    """Flows under way. Who comes back brings only the `state`, which is why one is found without its project."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, **values: Any) -> None:
        await self._session.execute(insert(OAuthFlowRow).values(**values))

    async def find(self, state_digest: bytes) -> OAuthFlowRow | None:
        """The flow, which stays."""
        statement = select(OAuthFlowRow).where(OAuthFlowRow.state_digest == state_digest)
        found: OAuthFlowRow | None = (await self._session.execute(statement)).scalar_one_or_none()
        return found

    async def take(self, state_digest: bytes) -> OAuthFlowRow | None:
        """The flow, which is gone once the transaction commits: of two who bring the same state one finds nothing."""
        statement = delete(OAuthFlowRow).where(OAuthFlowRow.state_digest == state_digest).returning(OAuthFlowRow)
        found: OAuthFlowRow | None = (await self._session.execute(statement)).scalar_one_or_none()
        return found

    async def sweep(self, project_id: str, now: datetime) -> None:
        """Forget the project's flows that nobody came back from in time."""
        old = OAuthFlowRow.expire_time < now
        await self._session.execute(delete(OAuthFlowRow).where(OAuthFlowRow.project_id == project_id, old))
