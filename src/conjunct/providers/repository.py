"""Definitions in the database, as projects have deployed them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from conjunct.providers.models import OwnProviderRow

Kept = TypeVar("Kept", str, bytes)


class OwnProviderRepository:
    """Queries of one transaction."""

    def __init__(self, session: AsyncSession | AsyncConnection) -> None:
        self._session = session

    async def digest(self, project_id: str, name: str) -> bytes | None:
        """What tells one text from another; None where the project has no such provider."""
        return await self._one(project_id, name, OwnProviderRow.digest)

    async def text(self, project_id: str, name: str) -> str | None:
        """The definition's YAML."""
        return await self._one(project_id, name, OwnProviderRow.text)

    async def names(self, project_id: str) -> tuple[str, ...]:
        """The names of the project's own providers, sorted."""
        statement = select(OwnProviderRow.name).where(OwnProviderRow.project_id == project_id)
        return tuple((await self._session.execute(statement.order_by(OwnProviderRow.name))).scalars())

    async def put(self, project_id: str, texts: Mapping[str, str]) -> None:
        """Keep definitions by name, in the place of those that the project had under these names."""
        rows = [
            {"project_id": project_id, "name": name, "text": text, "digest": hashlib.sha256(text.encode()).digest()}
            for name, text in sorted(texts.items())
        ]
        statement = insert(OwnProviderRow).values(rows)
        given = statement.excluded
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=[OwnProviderRow.project_id, OwnProviderRow.name],
                set_={"text": given.text, "digest": given.digest, "update_time": func.now()},
                where=OwnProviderRow.digest != given.digest,
            )
        )

    async def _one(self, project_id: str, name: str, column: InstrumentedAttribute[Kept]) -> Kept | None:
        statement = select(column).where(OwnProviderRow.project_id == project_id, OwnProviderRow.name == name)
        return (await self._session.execute(statement)).scalar_one_or_none()
