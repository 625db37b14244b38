"""Queries of the hosted links. The present moment is always given: it decides which have expired."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import TextClause, delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.connections.connect_links.models import ConnectLinkRow
from conjunct.connections.connect_links.state import ConnectLink
from conjunct.core.database import rfc3339
from conjunct.core.paging import Items, Page, page_sql

_JSON = f"""json_strip_nulls(json_build_object(
    'id', l.id, 'projectId', l.project_id, 'providers', l.providers, 'providerAppId', l.provider_app_id,
    'groupRef', l.group_ref, 'groupName', l.group_name,
    'consumerRef', l.consumer_ref, 'consumerName', l.consumer_name, 'returnUrl', l.return_url,
    'status', CASE WHEN l.connect_time IS NOT NULL THEN 'connected' WHEN l.expire_time <= :now THEN 'expired'
        ELSE 'open' END,
    'connectionId', l.connection_id, 'error', l.error, 'createTime', {rfc3339("l.create_time")},
    'connectTime', {rfc3339("l.connect_time")}, 'expireTime', {rfc3339("l.expire_time")}))"""
_OF_PROJECT = "FROM connect_link l WHERE l.project_id = :project_id"
_GET = text(f"SELECT {_JSON}::text {_OF_PROJECT} AND l.id = :id")
_STATE = """l.id, l.project_id, p.app_name, l.providers, l.provider_app_id, l.group_ref, l.group_name, l.consumer_ref,
    l.consumer_name, l.return_url, l.connection_id, l.connect_time, l.error, l.expire_time"""
_BY_TOKEN = text(
    f"SELECT {_STATE} FROM connect_link l JOIN project p ON p.id = l.project_id WHERE l.token_digest = :digest"  # noqa: S608
).columns(providers=JSONB)


def _list_statement(of_group: bool) -> TextClause:
    return text(page_sql(_JSON, _OF_PROJECT + (" AND l.group_ref = :group_ref" if of_group else ""), "l.id"))


_LISTS = {of_group: _list_statement(of_group) for of_group in (False, True)}


class ConnectLinkRepository:
    """Links, within one project; but for the one whose token is brought, which is found without it."""

    def __init__(self, session: AsyncSession | AsyncConnection) -> None:
        self._session = session

    async def list_page(self, project_id: str, page: Page, now: datetime, group_ref: str | None) -> Items:
        """Oldest first."""
        values = {"project_id": project_id, "now": now, **page.parameters}
        values |= {} if group_ref is None else {"group_ref": group_ref}
        return Items(*(await self._session.execute(_LISTS[group_ref is not None], values)).one())

    async def get_json(self, project_id: str, link_id: str, now: datetime) -> str | None:
        rows = await self._session.execute(_GET, {"project_id": project_id, "id": link_id, "now": now})
        found: str | None = rows.scalar_one_or_none()
        return found

    async def by_token(self, token_digest: bytes) -> ConnectLink | None:
        row = (await self._session.execute(_BY_TOKEN, {"digest": token_digest})).mappings().one_or_none()
        return None if row is None else ConnectLink(**{**row, "providers": tuple(row["providers"])})

    async def add(self, **values: Any) -> None:
        await self._session.execute(insert(ConnectLinkRow).values(**values))

    async def lock(self, project_id: str, link_id: str) -> bool | None:
        """Whether it is used, None where there is none; nobody else changes it until the transaction ends."""
        statement = select(ConnectLinkRow.connect_time).where(*_one(project_id, link_id)).with_for_update()
        row = (await self._session.execute(statement)).one_or_none()
        return None if row is None else row[0] is not None

    async def change(self, project_id: str, link_id: str, **values: Any) -> None:
        await self._session.execute(update(ConnectLinkRow).where(*_one(project_id, link_id)).values(**values))

    async def note_failure(self, project_id: str, link_id: str, error: str | None) -> None:
        """Keep how an attempt failed, unless another one has connected."""
        unused = ConnectLinkRow.connect_time.is_(None)
        statement = update(ConnectLinkRow).where(*_one(project_id, link_id), unused)
        await self._session.execute(statement.values(error=error))

    async def delete(self, project_id: str, link_id: str) -> bool:
        """Whether there was one."""
        statement = delete(ConnectLinkRow).where(*_one(project_id, link_id)).returning(ConnectLinkRow.id)
        return (await self._session.execute(statement)).first() is not None

    async def sweep(self, project_id: str, expired_before: datetime) -> None:
        """Forget the project's links whose time was over by then."""
        old = ConnectLinkRow.expire_time < expired_before
        await self._session.execute(delete(ConnectLinkRow).where(ConnectLinkRow.project_id == project_id, old))


def _one(project_id: str, link_id: str) -> tuple[Any, Any]:
    return ConnectLinkRow.project_id == project_id, ConnectLinkRow.id == link_id
