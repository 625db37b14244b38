"""Queries of the connections slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import TextClause, TextualSelect, case, delete, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.connections.models import ConnectionRow
from conjunct.connections.provider_apps.repository import provider_app_json
from conjunct.connections.state import ConnectionState
from conjunct.core.database import rfc3339
from conjunct.core.paging import Items, Page, page_sql
from conjunct.tenants import consumer_json, group_json

# Joined by their ids alone: these are of the connection's own project, and with the project beside them a database
# without statistics (a new one) searches by the project, once for each row.
_FROM = """
    FROM connection c
    JOIN customer_group g ON g.id = c.group_id
    JOIN consumer u ON u.id = c.consumer_id
    WHERE c.project_id = :project_id"""

_APP = "FROM provider_app app WHERE app.id"

_FILTERS = {
    "id": "c.id = :id",
    "provider": "c.provider = :provider",
    "group_ref": "c.group_id = (SELECT id FROM customer_group WHERE project_id = :project_id"
    " AND group_ref = :group_ref)",
    "consumer_ref": "c.consumer_id = (SELECT id FROM consumer WHERE project_id = :project_id"
    " AND consumer_ref = :consumer_ref)",
}

_JOINED = {"group_ref": "g.group_ref", "consumer_ref": "u.consumer_ref", "consumer_name": "u.consumer_name"}
_STATE = ", ".join(_JOINED.get(field.name, f"c.{field.name}") for field in fields(ConnectionState))


def connection_json(connection: str, group: str, consumer: str) -> str:
    """SQL for a connection as the specification's `Connection`, without credentials.

    The arguments are the aliases of `connection`, and of the `customer_group` and the `consumer` that are joined to it
    by their ids (and the project's) in the same statement.
    """
    c = connection
    # Stripping nulls is safe: metadata is checked on its way in and holds texts only.
    return f"""json_strip_nulls(json_build_object(
        'id', {c}.id, 'projectId', {c}.project_id, 'provider', {c}.provider,
        'providerApp', CASE WHEN {c}.provider_app_id IS NOT NULL THEN (
            SELECT {provider_app_json("app")} {_APP} = {c}.provider_app_id) END,
        'group', {group_json(group)}, 'consumer', {consumer_json(consumer)},
        'providerWorkspaceRef', {c}.provider_workspace_ref, 'providerConsumerRef', {c}.provider_consumer_ref,
        'createTime', {rfc3339(f"{c}.create_time")}, 'updateTime', {rfc3339(f"{c}.update_time")},
        'authScheme', {c}.auth_scheme, 'status', {c}.status, 'providerMetadata', {c}.provider_metadata))"""


@cache
def _list_statement(filters: frozenset[str]) -> TextClause:
    return text(page_sql(connection_json("c", "g", "u"), _narrowed(filters), "c.id"))


@cache
def _state_statement(filters: frozenset[str], ending: str) -> TextualSelect:
    statement = text(f"SELECT {_STATE} {_narrowed(filters)} {ending}")
    return statement.columns(provider_metadata=JSONB)


def _narrowed(filters: frozenset[str]) -> str:
    return " AND ".join([_FROM, *(_FILTERS[name] for name in sorted(filters))])


_GET = text(f"SELECT {connection_json('c', 'g', 'u')}::text {_FROM} AND c.id = :id")


class ConnectionRepository:
    """Connections, always within one project."""

    def __init__(self, session: AsyncSession | AsyncConnection) -> None:
        self._session = session

    async def list_page(self, project_id: str, page: Page, **filters: str | None) -> Items:
        """The connections, oldest first. Filters that are None are off."""
        given = {name: value for name, value in filters.items() if value is not None}
        values = {"project_id": project_id, **page.parameters, **given}
        return Items(*(await self._session.execute(_list_statement(frozenset(given)), values)).one())

    async def get_json(self, project_id: str, connection_id: str) -> str | None:
        rows = await self._session.execute(_GET, {"project_id": project_id, "id": connection_id})
        found: str | None = rows.scalar_one_or_none()
        return found

    async def find(self, project_id: str, connection_id: str, *, lock: bool = False) -> ConnectionState | None:
        """The connection; with `lock`, nobody else changes or deletes it until the transaction ends."""
        statement = _state_statement(frozenset({"id"}), "FOR UPDATE OF c" if lock else "")
        row = (await self._session.execute(statement, {"project_id": project_id, "id": connection_id})).one_or_none()
        return None if row is None else ConnectionState(*row)

    async def is_of_group(self, project_id: str, connection_id: str, group_ref: str) -> bool:
        statement = text(f"SELECT EXISTS (SELECT {_narrowed(frozenset({'id', 'group_ref'}))})")
        values = {"project_id": project_id, "id": connection_id, "group_ref": group_ref}
        return bool((await self._session.execute(statement, values)).scalar_one())

    async def newest(self, project_id: str, *, group_ref: str, provider: str) -> ConnectionState | None:
        statement = _state_statement(frozenset({"group_ref", "provider"}), "ORDER BY c.id DESC LIMIT 1")
        values = {"project_id": project_id, "group_ref": group_ref, "provider": provider}
        row = (await self._session.execute(statement, values)).one_or_none()
        return None if row is None else ConnectionState(*row)

    async def alike(
        self, project_id: str, *, group_ref: str, consumer_ref: str, provider: str
    ) -> ConnectionState | None:
        """The newest one of the same consumer; nobody else changes or deletes it until the transaction ends."""
        statement = _state_statement(
            frozenset({"group_ref", "consumer_ref", "provider"}), "ORDER BY c.id DESC LIMIT 1 FOR UPDATE OF c"
        )
        values = {
            "project_id": project_id,
            "group_ref": group_ref,
            "consumer_ref": consumer_ref,
            "provider": provider,
        }
        row = (await self._session.execute(statement, values)).one_or_none()
        return None if row is None else ConnectionState(*row)

    async def sealed_credentials(self, project_id: str, connection_id: str) -> bytes:
        statement = select(ConnectionRow.sealed_credentials).where(*_one(project_id, connection_id))
        found: bytes = (await self._session.execute(statement)).scalar_one()
        return found

    async def all_sealed_credentials(self, project_id: str, connection_ids: Sequence[str]) -> list[tuple[str, bytes]]:
        """The credentials of those of the connections that are there, each after its id."""
        statement = select(ConnectionRow.id, ConnectionRow.sealed_credentials).where(
            ConnectionRow.project_id == project_id, ConnectionRow.id.in_(connection_ids)
        )
        return [(row.id, row.sealed_credentials) for row in await self._session.execute(statement)]

    async def add(self, **values: Any) -> None:
        await self._session.execute(insert(ConnectionRow).values(**values))

    async def change(self, project_id: str, connection_id: str, **values: Any) -> None:
        statement = update(ConnectionRow).where(*_one(project_id, connection_id))
        await self._session.execute(statement.values(update_time=func.clock_timestamp(), **values))

    async def renew(self, project_id: str, connection_id: str, version: int, values: Mapping[str, Any]) -> bool:
        """Put renewed credentials in the place of those of that version; whether they still were there.

        What was refused is given another chance; what worked still does.
        """
        statement = update(ConnectionRow).where(*_one(project_id, connection_id), ConnectionRow.version == version)
        status = case((ConnectionRow.status == "bad_credentials", "created"), else_=ConnectionRow.status)
        changed = {"version": version + 1, "status": status, "update_time": func.clock_timestamp(), **values}
        return (await self._session.execute(statement.values(changed).returning(ConnectionRow.id))).first() is not None

    async def note_use(self, project_id: str, connection_id: str, version: int) -> None:
        """Note that the credentials of that version are in use, so that they are renewed ahead of their end.

        Writes once in an access token's life, and nothing for credentials that have no end.
        """
        statement = update(ConnectionRow).where(*_one(project_id, connection_id), ConnectionRow.version == version)
        statement = statement.where(ConnectionRow.refresh_at.is_not(None), ConnectionRow.used.is_(False))
        await self._session.execute(statement.values(used=True))

    async def set_status(self, project_id: str, connection_id: str, status: str, version: int | None) -> bool:
        """Whether it was another one before. With `version`, only where the credentials are still those."""
        statement = update(ConnectionRow).where(*_one(project_id, connection_id), ConnectionRow.status != status)
        if version is not None:
            statement = statement.where(ConnectionRow.version == version)
        changed = await self._session.execute(
            statement.values(status=status, update_time=func.clock_timestamp()).returning(ConnectionRow.id)
        )
        return changed.first() is not None

    async def throttle(self, project_id: str, connection_id: str, until: datetime) -> None:
        """Set the end of the pause, unless a later one is set."""
        later = or_(ConnectionRow.throttled_until.is_(None), ConnectionRow.throttled_until < until)
        statement = update(ConnectionRow).where(*_one(project_id, connection_id), later)
        await self._session.execute(statement.values(throttled_until=until))

    async def delete(self, project_id: str, connection_id: str) -> None:
        await self._session.execute(delete(ConnectionRow).where(*_one(project_id, connection_id)))


def _one(project_id: str, connection_id: str) -> tuple[Any, Any]:
    return ConnectionRow.project_id == project_id, ConnectionRow.id == connection_id
