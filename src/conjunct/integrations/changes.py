"""What the higher slices are told of: new revisions and deleted integrations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.manifests import Changes, Integration


@dataclass(frozen=True, slots=True)
class Revision:
    """An integration as it was deployed once; `number` counts from 1.

    `destructive` says whether the deploy was to stop reads of the objects that it removed.
    """

    id: str
    integration_id: str
    project_id: str
    number: int
    content: Integration
    destructive: bool = False


class RevisionListener(Protocol):
    """Follows deploys, on the transaction that makes them."""

    async def on_integration_added(self, session: AsyncSession, revision: Revision) -> None:
        """An integration was deployed for the first time."""
        ...

    async def on_revision(
        self,
        session: AsyncSession,
        project_id: str,
        integration_id: str,
        revision_id: str,
        changes: Changes,
        destructive: bool,
    ) -> None:
        """An integration that existed has a new latest revision, which `changes` tells from the one before."""
        ...

    async def on_integration_deleted(self, session: AsyncSession, project_id: str, integration_id: str) -> None:
        """An integration is about to be deleted with all that belongs to it."""
        ...
