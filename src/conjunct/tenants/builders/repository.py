"""Queries on builders and their tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import ColumnElement, delete, insert, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.paging import Items, Page, page_sql
from conjunct.tenants.caller import Role
from conjunct.tenants.models import BuilderRow, BuilderTokenRow
from conjunct.tenants.wire import builder_json, org_json, project_json

Reader = AsyncSession | AsyncConnection


@dataclass(frozen=True, slots=True)
class BuilderState:
    """A builder and what they are in their org, if they have one."""

    id: str
    email: str
    org_id: str | None
    role: Role | None


_STATE = (BuilderRow.id, BuilderRow.email, BuilderRow.org_id, BuilderRow.role)

# The default team of an org holds everybody in it, and is what the projects' roles are given to.
_INFO = text(f"""
    SELECT json_strip_nulls(json_build_object(
        'builder', {builder_json("b")},
        'projectRoles', (
            SELECT coalesce(json_object_agg(p.id, json_build_object(
                'role', 'admin', 'principalType', 'team', 'principalId', o.default_team_id,
                'project', {project_json("p")}) ORDER BY p.id), json_build_object())
            FROM project p WHERE p.org_id = b.org_id),
        'orgRole', CASE WHEN o.id IS NOT NULL THEN json_build_object(
            'role', b.role, 'principalType', 'builder', 'principalId', b.id, 'org', {org_json("o")}) END))::text
    FROM builder b LEFT JOIN org o ON o.id = b.org_id
    WHERE b.id = :id""")  # noqa: S608 - the parts are constants of ours

_IN_ORG = text(page_sql(builder_json("b"), "FROM builder b WHERE b.org_id = :org_id", "b.id"))


async def find(reader: Reader, builder_id: str, *, lock: bool = False) -> BuilderState | None:
    """The builder; with `lock`, nobody else changes their membership until the transaction ends."""
    return await _one(reader, BuilderRow.id == builder_id, lock=lock)


async def find_by_email(reader: Reader, email: str, *, lock: bool = False) -> BuilderState | None:
    """The builder with this address in lower case; `lock` as for `find`."""
    return await _one(reader, BuilderRow.email == email, lock=lock)


async def add(session: AsyncSession, **values: str | None) -> bool:
    """Add a builder without an org; False when the email is taken."""
    statement = postgresql.insert(BuilderRow).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=[BuilderRow.email])
    return (await session.execute(statement.returning(BuilderRow.id))).first() is not None


async def set_membership(session: AsyncSession, builder_id: str, org_id: str, role: Role) -> None:
    await session.execute(update(BuilderRow).where(BuilderRow.id == builder_id).values(org_id=org_id, role=role))


async def add_token(session: AsyncSession, builder_id: str, digest: bytes, prefix: str) -> None:
    await session.execute(insert(BuilderTokenRow).values(builder_id=builder_id, digest=digest, prefix=prefix))


async def remove_tokens(session: AsyncSession, builder_id: str) -> int:
    """How many tokens there were."""
    removed = delete(BuilderTokenRow).where(BuilderTokenRow.builder_id == builder_id).returning(BuilderTokenRow.id)
    return len((await session.execute(removed)).all())


async def info_json(reader: Reader, builder_id: str) -> str | None:
    """The builder with their org and projects, as the specification's `BuilderInfo`."""
    found: str | None = (await reader.execute(_INFO, {"id": builder_id})).scalar_one_or_none()
    return found


async def in_org_json(reader: Reader, org_id: str, page: Page) -> Items:
    """A page of the org's builders, those first who came first."""
    row = (await reader.execute(_IN_ORG, {"org_id": org_id, **page.parameters})).one()
    return Items(*row)


async def _one(reader: Reader, where: ColumnElement[bool], *, lock: bool) -> BuilderState | None:
    statement = select(*_STATE).where(where)
    row = (await reader.execute(statement.with_for_update() if lock else statement)).one_or_none()
    if row is None:
        return None
    builder_id, email, org_id, role = row
    return BuilderState(builder_id, email, org_id, cast("Role | None", role))
