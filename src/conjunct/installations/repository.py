"""Queries of the installations slice, always within one project."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.connections import connection_json
from conjunct.core.database import rfc3339
from conjunct.core.paging import Items, Page, page_sql
from conjunct.installations.health import health_status
from conjunct.installations.models import ConfigRow, InstallationRow, TroubleRow
from conjunct.operations import last_operation_status
from conjunct.tenants import group_json

# A config's content holds no nulls (see `content`), so that stripping them takes nothing of the group's away.
_INSTALLATION_JSON = f"""json_strip_nulls(json_build_object(
    'id', i.id, 'projectId', i.project_id, 'integrationId', i.integration_id, 'group', {group_json("g")},
    'healthStatus', {health_status("i", "f", "c")}, 'lastOperationStatus', {last_operation_status("i")},
    'connection', {connection_json("c", "g", "u")},
    'createTime', {rfc3339("i.create_time")}, 'createdBy', i.created_by,
    'updateTime', {rfc3339("coalesce(i.update_time, i.create_time)")},
    'config', json_build_object(
        'id', f.id, 'revisionId', f.revision_id, 'createTime', {rfc3339("f.create_time")},
        'createdBy', f.created_by, 'content', f.content)))"""

# Joined by ids alone, which are of the installation's own project: with the project beside them, a database without
# statistics (a new one) searches by the project, once for each row.
_JOINED = """
    installation i
    JOIN config f ON f.id = i.config_id
    JOIN connection c ON c.id = i.connection_id
    JOIN customer_group g ON g.id = i.group_id
    JOIN consumer u ON u.id = c.consumer_id"""

# Joined below are constants, never anything from outside.
_OF_PROJECT = f"""FROM {_JOINED}
    WHERE i.project_id = :project_id AND (CAST(:group_ref AS text) IS NULL OR g.group_ref = :group_ref)"""

_LIST = text(page_sql(_INSTALLATION_JSON, _OF_PROJECT, "i.id"))

_LIST_OF_INTEGRATION = text(f"""
    SELECT list.* FROM integration n
    CROSS JOIN LATERAL ({page_sql(_INSTALLATION_JSON, f"{_OF_PROJECT} AND i.integration_id = n.id", "i.id")}) list
    WHERE n.project_id = :project_id AND (n.id = :integration OR n.name = :integration)
    ORDER BY n.id <> :integration LIMIT 1""")  # noqa: S608

_GET = text(f"""
    SELECT {_INSTALLATION_JSON}::text FROM {_JOINED}
    JOIN integration n ON n.id = i.integration_id
    WHERE i.project_id = :project_id AND i.id = :id AND (n.id = :integration OR n.name = :integration)""")  # noqa: S608

_STATE = f"""
    SELECT i.id, i.project_id, i.integration_id, n.name AS integration_name, n.provider, i.group_id, g.group_ref,
        g.group_name, u.consumer_ref, u.consumer_name, i.connection_id, c.provider_workspace_ref AS workspace,
        f.id AS config_id, f.revision_id, f.content, f.retained, f.created_by AS config_created_by,
        i.create_time, i.update_time
    FROM {_JOINED}
    JOIN integration n ON n.id = i.integration_id
    WHERE i.project_id = :project_id"""  # noqa: S608

_LOAD = text(f"{_STATE} AND i.id = ANY(:ids) ORDER BY i.id")
_LOAD_OF_CONNECTION = text(f"{_STATE} AND i.connection_id = :connection_id ORDER BY i.id")
_LOAD_AT = text(
    f"{_STATE} AND i.id = :id".replace("f.id = i.config_id", "f.installation_id = i.id AND f.id = :config_id")
)
_OF_GROUP = text(f"""{_STATE} AND (n.id = :integration OR n.name = :integration) AND g.group_ref = :group_ref
    ORDER BY n.id <> :integration LIMIT 1""")

_REVISIONS_IN_USE = text("""
    SELECT DISTINCT i.integration_id, f.revision_id FROM installation i JOIN config f ON f.id = i.config_id
    WHERE i.project_id = :project_id AND i.integration_id = ANY(:integration_ids)""")

_DISTINCT_CONFIGS = text("""
    SELECT i.integration_id, f.revision_id, f.content, f.retained, count(*) AS total,
        (array_agg(i.id ORDER BY i.id))[1:CAST(:named AS int)] AS ids,
        (array_agg(g.group_ref ORDER BY i.id))[1:CAST(:named AS int)] AS group_refs
    FROM installation i JOIN config f ON f.id = i.config_id JOIN customer_group g ON g.id = i.group_id
    WHERE i.project_id = :project_id AND i.integration_id = ANY(:integration_ids)
    GROUP BY i.integration_id, f.revision_id, f.content, f.retained""").columns(content=JSONB, retained=JSONB)

_IS_OF_GROUP = text("""
    SELECT EXISTS (
        SELECT FROM installation i JOIN customer_group g ON g.id = i.group_id
        WHERE i.project_id = :project_id AND i.id = :id AND g.group_ref = :group_ref)""")

# Rows are locked by statements of their own: one that joins as well would lose a row whose config was just replaced.
_LOCK = text("SELECT i.id FROM installation i WHERE i.project_id = :project_id AND i.id = :id FOR UPDATE")
_KEEP = text("SELECT i.id FROM installation i WHERE i.project_id = :project_id AND i.id = :id FOR KEY SHARE")
_LOCK_BEHIND = text("""
    SELECT i.id FROM installation i
    WHERE i.project_id = :project_id AND i.integration_id = :integration_id
        AND NOT EXISTS (SELECT FROM config f WHERE f.id = i.config_id AND f.revision_id = :revision_id)
    ORDER BY i.id LIMIT :limit FOR UPDATE""")

# The row is another slice's; only its lock is wanted: kept while an installation begins to use it, or unused by any new
# one while it is looked whether the last is gone.
_KEEP_CONNECTION = text("SELECT id FROM connection WHERE project_id = :project_id AND id = :id FOR KEY SHARE")
_LOCK_CONNECTION = text("SELECT FROM connection WHERE project_id = :project_id AND id = :id FOR UPDATE")

_CONNECTED_WITHOUT = text("""
    SELECT DISTINCT ON (c.group_id) c.group_id, c.id FROM connection c
    WHERE c.project_id = :project_id AND c.provider = :provider AND c.group_id > :after AND NOT EXISTS (
        SELECT FROM installation i WHERE i.integration_id = :integration_id AND i.group_id = c.group_id)
    ORDER BY c.group_id, c.id DESC LIMIT :limit""")

_CONFIGS_AT_ONCE = 200


class InstallationRepository:
    """Installations and their configs."""

    def __init__(self, session: AsyncSession | AsyncConnection) -> None:
        self._session = session

    async def list_page(self, project_id: str, page: Page, group_ref: str | None) -> Items:
        values = {"project_id": project_id, "group_ref": group_ref, **page.parameters}
        return Items(*(await self._session.execute(_LIST, values)).one())

    async def list_of_integration(
        self, project_id: str, page: Page, integration: str, group_ref: str | None
    ) -> Items | None:
        """None when there is no such integration."""
        values = {"project_id": project_id, "integration": integration, "group_ref": group_ref, **page.parameters}
        row = (await self._session.execute(_LIST_OF_INTEGRATION, values)).one_or_none()
        return None if row is None else Items(*row)

    async def get_json(self, project_id: str, integration: str, installation_id: str) -> str | None:
        values = {"project_id": project_id, "integration": integration, "id": installation_id}
        found: str | None = (await self._session.execute(_GET, values)).scalar_one_or_none()
        return found

    async def load(self, project_id: str, ids: Sequence[str]) -> Sequence[RowMapping]:
        rows = await self._session.execute(_LOAD, {"project_id": project_id, "ids": list(ids)})
        return rows.mappings().all()

    async def load_of_connection(self, project_id: str, connection_id: str) -> Sequence[RowMapping]:
        rows = await self._session.execute(
            _LOAD_OF_CONNECTION, {"project_id": project_id, "connection_id": connection_id}
        )
        return rows.mappings().all()

    async def load_at(self, project_id: str, installation_id: str, config_id: str) -> RowMapping | None:
        """The installation with a config that it has or had."""
        values = {"project_id": project_id, "id": installation_id, "config_id": config_id}
        return (await self._session.execute(_LOAD_AT, values)).mappings().one_or_none()

    async def lock(self, project_id: str, installation_id: str) -> None:
        """Let nobody else change the installation before the transaction ends."""
        await self._session.execute(_LOCK, {"project_id": project_id, "id": installation_id})

    async def of_group(self, project_id: str, integration: str, group_ref: str) -> RowMapping | None:
        values = {"project_id": project_id, "integration": integration, "group_ref": group_ref}
        return (await self._session.execute(_OF_GROUP, values)).mappings().one_or_none()

    async def is_of_group(self, project_id: str, installation_id: str, group_ref: str) -> bool:
        values = {"project_id": project_id, "id": installation_id, "group_ref": group_ref}
        return bool((await self._session.execute(_IS_OF_GROUP, values)).scalar_one())

    async def lock_behind(self, project_id: str, integration_id: str, revision_id: str, limit: int) -> list[str]:
        """Installations whose config is for another revision; locked."""
        values = {
            "project_id": project_id,
            "integration_id": integration_id,
            "revision_id": revision_id,
            "limit": limit,
        }
        return list((await self._session.execute(_LOCK_BEHIND, values)).scalars())

    async def add(self, **values: Any) -> bool:
        """Whether it was added; not where the group has installed the integration already."""
        statement = (
            upsert(InstallationRow)
            .values(**values)
            .on_conflict_do_nothing(index_elements=[InstallationRow.integration_id, InstallationRow.group_id])
            .returning(InstallationRow.id)
        )
        return (await self._session.execute(statement)).first() is not None

    async def add_config(self, **values: Any) -> None:
        await self._session.execute(insert(ConfigRow).values(**values))

    async def change(self, project_id: str, installation_id: str, **values: Any) -> None:
        await self._session.execute(
            update(InstallationRow)
            .where(InstallationRow.project_id == project_id, InstallationRow.id == installation_id)
            .values(**values)
        )

    async def keep(self, project_id: str, installation_id: str) -> bool:
        """Let nobody delete or change the installation before the transaction ends; False when it is gone."""
        row = await self._session.execute(_KEEP, {"project_id": project_id, "id": installation_id})
        return row.first() is not None

    async def add_trouble(self, **values: Any) -> None:
        """One that is there already keeps its place, with the new detail."""
        statement = upsert(TroubleRow).values(**values)
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=list(TroubleRow.__table__.primary_key), set_={"detail": statement.excluded.detail}
            )
        )

    async def end_troubles(
        self, project_id: str, installation_id: str, object_names: Collection[str], kinds: Collection[str]
    ) -> None:
        await self._session.execute(
            delete(TroubleRow).where(
                TroubleRow.project_id == project_id,
                TroubleRow.installation_id == installation_id,
                TroubleRow.object_name.in_(object_names),
                TroubleRow.kind.in_(kinds),
            )
        )

    async def troubled_objects(self, project_id: str, installation_id: str) -> set[str]:
        """The names of the objects that something is the matter with."""
        statement = select(TroubleRow.object_name).where(
            TroubleRow.project_id == project_id, TroubleRow.installation_id == installation_id
        )
        return set((await self._session.execute(statement)).scalars())

    async def ids(self, project_id: str, **of: str) -> list[str]:
        """The installations of an integration (`integration_id`) or a connection (`connection_id`); locked."""
        statement = select(InstallationRow.id).where(InstallationRow.project_id == project_id).filter_by(**of)
        rows = await self._session.execute(statement.order_by(InstallationRow.id).with_for_update())
        return list(rows.scalars())

    async def keep_connection(self, project_id: str, connection_id: str) -> bool:
        """Let nobody delete the connection before the transaction ends; False when somebody has."""
        row = await self._session.execute(_KEEP_CONNECTION, {"project_id": project_id, "id": connection_id})
        return row.first() is not None

    async def connected_without(
        self, project_id: str, integration_id: str, provider: str, *, after: str, limit: int
    ) -> Sequence[tuple[str, str]]:
        """Groups connected to the provider without an installation of the integration, ordered by id, from one on.

        Each with the id of its newest connection.
        """
        rows = await self._session.execute(
            _CONNECTED_WITHOUT,
            {
                "project_id": project_id,
                "integration_id": integration_id,
                "provider": provider,
                "after": after,
                "limit": limit,
            },
        )
        return [(row[0], row[1]) for row in rows]

    async def lock_connection(self, project_id: str, connection_id: str) -> None:
        await self._session.execute(_LOCK_CONNECTION, {"project_id": project_id, "id": connection_id})

    async def revisions_in_use(self, project_id: str, integration_ids: list[str]) -> Sequence[tuple[str, str]]:
        """The integrations' ids, each with the id of a revision that an installation's config is for."""
        rows = await self._session.execute(
            _REVISIONS_IN_USE, {"project_id": project_id, "integration_ids": integration_ids}
        )
        return [(row[0], row[1]) for row in rows]

    async def distinct_configs(
        self, project_id: str, integration_ids: list[str], *, named: int
    ) -> AsyncIterator[Sequence[RowMapping]]:
        """The configs in force, a batch at a time; equal ones once, with the first few that have it."""
        values = {"project_id": project_id, "integration_ids": integration_ids, "named": named}
        found = await self._session.stream(_DISTINCT_CONFIGS, values)
        async for rows in found.mappings().partitions(_CONFIGS_AT_ONCE):
            yield rows

    async def uses(self, project_id: str, connection_id: str) -> int:
        """How many installations use a connection."""
        statement = select(func.count()).where(
            InstallationRow.project_id == project_id, InstallationRow.connection_id == connection_id
        )
        return (await self._session.execute(statement)).scalar_one()

    async def delete(self, project_id: str, installation_id: str) -> bool:
        statement = delete(InstallationRow).where(
            InstallationRow.project_id == project_id, InstallationRow.id == installation_id
        )
        return (await self._session.execute(statement.returning(InstallationRow.id))).first() is not None
