"""Queries on invites. The present moment is always given: it decides which invites have expired."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.database import rfc3339
from conjunct.core.paging import Items, Page, page_sql
from conjunct.tenants.invites.models import InviteRow

Reader = AsyncSession | AsyncConnection

_JSON = f"""json_build_object(
    'id', i.id, 'invitedEmail', i.email, 'parentType', 'org', 'parentId', i.org_id,
    'status', CASE WHEN i.status = 'pending' AND i.expire_time <= :now THEN 'expired' ELSE i.status END,
    'createTime', {rfc3339("i.create_time")},
    'updateTime', {rfc3339("coalesce(i.update_time, i.create_time)")})"""
_LIST = text(page_sql(_JSON, "FROM invite i WHERE i.org_id = :org_id", "i.id"))
_GET = text(f"SELECT {_JSON}::text FROM invite i WHERE i.org_id = :org_id AND i.id = :id")  # noqa: S608


async def list_page(reader: Reader, org_id: str, page: Page, now: datetime) -> Items:
    """Oldest first."""
    return Items(*(await reader.execute(_LIST, {"org_id": org_id, "now": now, **page.parameters})).one())


async def get_json(reader: Reader, org_id: str, invite_id: str, now: datetime) -> str | None:
    rows = await reader.execute(_GET, {"org_id": org_id, "id": invite_id, "now": now})
    found: str | None = rows.scalar_one_or_none()
    return found


async def add(
    session: AsyncSession, invite_id: str, org_id: str, email: str, *, now: datetime, until: datetime
) -> bool:
    """Add an invite, in place of one that has expired; False when there is one that is still good."""
    expired = and_(InviteRow.org_id == org_id, InviteRow.email == email, _pending(), InviteRow.expire_time <= now)
    await session.execute(update(InviteRow).where(expired).values(status="expired"))
    statement = insert(InviteRow).values(
        id=invite_id, org_id=org_id, email=email, status="pending", create_time=now, expire_time=until
    )
    statement = statement.on_conflict_do_nothing(
        index_elements=[InviteRow.org_id, InviteRow.email], index_where=text("status = 'pending'")
    )
    return (await session.execute(statement.returning(InviteRow.id))).first() is not None


async def revoke(session: AsyncSession, org_id: str, invite_id: str, now: datetime) -> str | None:
    """The invite's status, after making it `revoked` where it was pending; None when there is no such invite."""
    found: str | None = await session.scalar(
        select(InviteRow.status).where(InviteRow.org_id == org_id, InviteRow.id == invite_id).with_for_update()
    )
    if found == "pending":
        statement = update(InviteRow).where(InviteRow.org_id == org_id, InviteRow.id == invite_id)
        await session.execute(statement.values(status="revoked", update_time=now))
        return "revoked"
    return found


async def accept_newest(session: AsyncSession, email: str, now: datetime) -> str | None:
    """Accept the newest good invite to this address; gives its org, or None when there is none."""
    good = and_(InviteRow.email == email, _pending(), InviteRow.expire_time > now)
    newest = select(InviteRow.id).where(good).order_by(InviteRow.id.desc()).limit(1).with_for_update()
    return await _accept(session, InviteRow.id == newest.scalar_subquery(), now)


async def settle(session: AsyncSession, org_id: str, email: str, now: datetime) -> None:
    """Take the invites of somebody who has joined the org in another way as accepted."""
    await _accept(session, and_(InviteRow.org_id == org_id, InviteRow.email == email, _pending()), now)


async def _accept(session: AsyncSession, which: ColumnElement[bool], now: datetime) -> str | None:
    statement = update(InviteRow).where(which).values(status="accepted", update_time=now)
    found: Any = (await session.execute(statement.returning(InviteRow.org_id))).scalar_one_or_none()
    return None if found is None else str(found)


def _pending() -> ColumnElement[bool]:
    return InviteRow.status == "pending"
