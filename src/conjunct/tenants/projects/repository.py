"""Queries on projects."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import TextClause, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.paging import Items, Page, page_sql
from conjunct.tenants.models import ProjectRow
from conjunct.tenants.wire import project_json

Reader = AsyncSession | AsyncConnection

# Nothing is sold here, so that every project may use everything.
_ENTITLEMENTS = ("'entitlements'", "json_build_object('brandingRemoval', json_build_object('value', true))")


@cache
def _get_statement(*, entitlements: bool) -> TextClause:
    shown = project_json("p", *(_ENTITLEMENTS if entitlements else ()))
    return text(f"SELECT {shown}::text FROM project p WHERE p.id = :id")  # noqa: S608 - the parts are constants of ours


@cache
def _list_statement(column: str) -> TextClause:
    return text(page_sql(project_json("p"), f"FROM project p WHERE p.{column} = :value", "p.id"))


async def list_of_org(reader: Reader, org_id: str | None, page: Page) -> Items:
    """Oldest first; none for somebody without an org."""
    return Items(*(await reader.execute(_list_statement("org_id"), {"value": org_id, **page.parameters})).one())


async def list_one(reader: Reader, project_id: str, page: Page) -> Items:
    """The list of the one project that an API key opens."""
    return Items(*(await reader.execute(_list_statement("id"), {"value": project_id, **page.parameters})).one())


async def get_json(reader: Reader, project_id: str, *, entitlements: bool = False) -> str | None:
    statement = _get_statement(entitlements=entitlements)
    found: str | None = (await reader.execute(statement, {"id": project_id})).scalar_one_or_none()
    return found


async def add(session: AsyncSession, *, project_id: str, org_id: str, name: str, app_name: str) -> bool:
    """Add a project; False when the org has one of this name."""
    statement = insert(ProjectRow).values(id=project_id, org_id=org_id, name=name, app_name=app_name)
    statement = statement.on_conflict_do_nothing(index_elements=[ProjectRow.org_id, ProjectRow.name])
    return (await session.execute(statement.returning(ProjectRow.id))).first() is not None


async def is_taken(reader: Reader, org_id: str, name: str) -> bool:
    statement = select(ProjectRow.id).where(ProjectRow.org_id == org_id, ProjectRow.name == name)
    return (await reader.execute(statement)).first() is not None


async def change(session: AsyncSession, project_id: str, values: dict[str, Any]) -> bool:
    """Change the project; False when its org has another one of the new name, and then the transaction is lost."""
    statement = update(ProjectRow).where(ProjectRow.id == project_id)
    try:
        await session.execute(statement.values(update_time=func.clock_timestamp(), **values))
    except IntegrityError:
        return False
    return True


async def any_id(reader: Reader) -> str | None:
    """The id of some project of the server, if there is one."""
    found: str | None = (await reader.execute(select(ProjectRow.id).limit(1))).scalar_one_or_none()
    return found
