"""The audit log: add to it, read it, forget what is old."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.database import Database
from conjunct.core.paging import WHOLE, Items, Page
from conjunct.kit.clock import Clock
from conjunct.tenants.audit.entries import Entry
from conjunct.tenants.audit.repository import AuditRepository

_SWEEP_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Filters:
    """Which entries are asked for; what is None does not count. `since` is included, `until` is not."""

    actor: str | None = None
    action: str | None = None
    resource_kind: str | None = None
    resource_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def add_entry(session: AsyncSession, entry: Entry) -> None:
    """Add an entry to the audit log, on the transaction that makes the change."""
    await AuditRepository(session).add(**asdict(entry))


class AuditLog:
    """Who changed what. Entries are kept for `kept`."""

    def __init__(self, database: Database, clock: Clock, kept: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._kept = kept

    async def add_alone(self, entry: Entry) -> None:
        """Add an entry in a transaction of its own, for a change that is made already."""
        async with self._database.transaction() as session:
            await add_entry(session, entry)

    async def of_project(
        self, connection: AsyncConnection, project_id: str, page: Page = WHOLE, filters: Filters | None = None
    ) -> Items:
        """A page of a project's entries, newest first."""
        return await AuditRepository(connection).of_project(project_id, page, asdict(filters or Filters()))

    async def of_org(
        self, connection: AsyncConnection, org_id: str, page: Page = WHOLE, filters: Filters | None = None
    ) -> Items:
        """A page of the entries about an org itself, newest first."""
        return await AuditRepository(connection).of_org(org_id, page, asdict(filters or Filters()))

    async def sweep(self) -> int:
        """Forget a bounded number of old entries; returns how many."""
        async with self._database.transaction() as session:
            return await AuditRepository(session).sweep(self._clock.now() - self._kept, _SWEEP_BATCH)
