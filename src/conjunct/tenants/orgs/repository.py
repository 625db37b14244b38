"""Queries on orgs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.tenants.models import BuilderRow, OrgRow, ProjectRow
from conjunct.tenants.wire import org_json

Reader = AsyncSession | AsyncConnection

_GET = text(f"SELECT {org_json('o')}::text FROM org o WHERE o.id = :id")  # noqa: S608 - the parts are constants of ours


@dataclass(frozen=True, slots=True)
class OrgSummary:
    """An org as the operator sees it; `projects` and `owners` are names and email addresses."""

    id: str
    label: str
    projects: list[str]
    owners: list[str]
    builders: int


async def add(session: AsyncSession, org_id: str, label: str) -> None:
    await session.execute(insert(OrgRow).values(id=org_id, label=label))


async def get_json(reader: Reader, org_id: str) -> str:
    """The org, of which the caller knows that it is there."""
    found: str = (await reader.execute(_GET, {"id": org_id})).scalar_one()
    return found


async def change(session: AsyncSession, org_id: str, values: dict[str, Any]) -> None:
    statement = update(OrgRow).where(OrgRow.id == org_id)
    await session.execute(statement.values(update_time=func.clock_timestamp(), **values))


async def exists(reader: Reader, org_id: str) -> bool:
    return (await reader.execute(select(OrgRow.id).where(OrgRow.id == org_id))).first() is not None


async def summaries(reader: Reader) -> list[OrgSummary]:
    """All orgs of the server, oldest first. For its operator only."""
    projects = (
        select(func.coalesce(func.json_agg(ProjectRow.name), text("'[]'")))
        .where(ProjectRow.org_id == OrgRow.id)
        .scalar_subquery()
    )
    owners = (
        select(func.coalesce(func.json_agg(BuilderRow.email), text("'[]'")))
        .where(BuilderRow.org_id == OrgRow.id, BuilderRow.role == "owner")
        .scalar_subquery()
    )
    builders = select(func.count()).where(BuilderRow.org_id == OrgRow.id).scalar_subquery()
    rows = await reader.execute(select(OrgRow.id, OrgRow.label, projects, owners, builders).order_by(OrgRow.id))
    return [OrgSummary(*row) for row in rows]
