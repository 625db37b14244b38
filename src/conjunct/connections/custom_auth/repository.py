"""Queries of the sessions of custom authentication."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.custom_auth.models import CustomAuthSessionRow as Row


class CustomAuthRepository:
    """Sessions under way. Who comes back to a page brings only the state, which is found without its project."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, **values: Any) -> None:
        await self._session.execute(insert(Row).values(**values))

    async def lock(self, project_id: str, digest: bytes) -> Row | None:
        """The session, which nobody else can change until the transaction ends."""
        own = select(Row).where(Row.project_id == project_id, Row.session_digest == digest)
        found: Row | None = (await self._session.execute(own.with_for_update())).scalar_one_or_none()
        return found

    async def by_state(self, digests: Sequence[bytes]) -> Row | None:
        """The session that waits for one of these states."""
        statement = select(Row).where(Row.state_digest.in_(digests)).limit(1)
        found: Row | None = (await self._session.execute(statement)).scalar_one_or_none()
        return found

    async def change(self, project_id: str, digest: bytes, held_by: str | None, /, **values: Any) -> bool:
        """Change a session that is held by this claim (`held_by`; None: by nobody); False where it no longer is."""
        held = (Row.project_id == project_id, Row.session_digest == digest, Row.claim.is_not_distinct_from(held_by))
        statement = update(Row).where(*held).values(**values).returning(Row.session_digest)
        return (await self._session.execute(statement)).scalar_one_or_none() is not None

    async def end(self, project_id: str, digest: bytes, held_by: str | None) -> bool:
        """Forget a session that is held by this claim (`held_by`; None: by nobody); False where it no longer is."""
        held = (Row.project_id == project_id, Row.session_digest == digest, Row.claim.is_not_distinct_from(held_by))
        statement = delete(Row).where(*held).returning(Row.session_digest)
        return (await self._session.execute(statement)).scalar_one_or_none() is not None

    async def sweep(self, project_id: str, now: datetime) -> None:
        """Forget the project's sessions that nobody came back to in time."""
        await self._session.execute(delete(Row).where(Row.project_id == project_id, Row.expire_time < now))
