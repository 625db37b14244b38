"""Queries on topics and routes, always within one project."""

from __future__ import annotations

from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.database import rfc3339
from conjunct.core.paging import Items, Page, page_sql
from conjunct.kit.ids import new_id
from conjunct.notifications.problems import TopicNameTaken

_TOPIC = f"""json_strip_nulls(json_build_object(
    'id', t.id, 'name', t.name, 'projectId', t.project_id,
    'createTime', {rfc3339("t.create_time")}, 'updateTime', {rfc3339("t.update_time")}))"""
_EVENT_ROUTE = f"""json_build_object(
    'id', r.id, 'eventType', r.event_type, 'topicId', r.topic_id, 'projectId', r.project_id,
    'createTime', {rfc3339("r.create_time")})"""
_DESTINATION_ROUTE = f"""json_build_object(
    'id', r.id, 'topicId', r.topic_id, 'destinationId', r.destination_id, 'projectId', r.project_id,
    'createTime', {rfc3339("r.create_time")})"""

# Joined below are constants, never anything from outside.
_LIST_TOPICS = text(page_sql(_TOPIC, "FROM topic t WHERE t.project_id = :project_id", "t.id"))
_ADD_TOPIC = text(
    f"INSERT INTO topic AS t (id, project_id, name) VALUES (:id, :project_id, :name) RETURNING {_TOPIC}::text"  # noqa: S608
)
_RENAME_TOPIC = text(f"""
    UPDATE topic t SET name = :name, update_time = clock_timestamp()
    WHERE t.project_id = :project_id AND t.id = :id RETURNING {_TOPIC}::text""")  # noqa: S608
_KEEP_TOPIC = text("SELECT id FROM topic WHERE project_id = :project_id AND id = :id FOR KEY SHARE")

_LIST_EVENT_ROUTES = text(
    page_sql(
        _EVENT_ROUTE,
        """FROM event_topic_route r
        WHERE r.project_id = :project_id AND (CAST(:topic_id AS text) IS NULL OR r.topic_id = :topic_id)
            AND (CAST(:event_type AS text) IS NULL OR r.event_type = :event_type)""",
        "r.id",
    )
)
_ADD_EVENT_ROUTE = text(f"""
    INSERT INTO event_topic_route AS r (id, project_id, event_type, topic_id)
    VALUES (:id, :project_id, :event_type, :topic_id)
    ON CONFLICT (project_id, event_type, topic_id) DO NOTHING RETURNING {_EVENT_ROUTE}::text""")  # noqa: S608

_LIST_DESTINATION_ROUTES = text(
    page_sql(
        _DESTINATION_ROUTE,
        """FROM topic_destination_route r
        WHERE r.project_id = :project_id AND (CAST(:topic_id AS text) IS NULL OR r.topic_id = :topic_id)
            AND (CAST(:destination_id AS text) IS NULL OR r.destination_id = :destination_id)""",
        "r.id",
    )
)
_ADD_DESTINATION_ROUTE = text(f"""
    INSERT INTO topic_destination_route AS r (id, project_id, topic_id, destination_id)
    VALUES (:id, :project_id, :topic_id, :destination_id)
    ON CONFLICT (topic_id, destination_id) DO NOTHING RETURNING {_DESTINATION_ROUTE}::text""")  # noqa: S608

_DELETE = {
    table: text(f"DELETE FROM {table} WHERE project_id = :project_id AND id = :id RETURNING id")  # noqa: S608
    for table in ("topic", "event_topic_route", "topic_destination_route")
}

# Several topics may lead an event to one destination, which gets it once.
_DESTINATIONS_OF = text("""
    SELECT DISTINCT d.destination_id FROM event_topic_route e
    JOIN topic_destination_route d ON d.topic_id = e.topic_id
    WHERE e.project_id = :project_id AND e.event_type = :event_type
    ORDER BY d.destination_id""")


class TopicRepository:
    """Topics and their routes; JSON is of the specification, and None where there is nothing."""

    def __init__(self, session: AsyncSession | AsyncConnection) -> None:
        self._session = session

    async def list_topics(self, project_id: str, page: Page) -> Items:
        return await self._page(_LIST_TOPICS, page, project_id=project_id)

    async def add_topic(self, project_id: str, name: str) -> str | None:
        """Raises `TopicNameTaken`."""
        try:
            return await self._json(_ADD_TOPIC, id=new_id(), project_id=project_id, name=name)
        except IntegrityError:
            raise TopicNameTaken(name) from None

    async def rename_topic(self, project_id: str, topic_id: str, name: str) -> str | None:
        """Raises `TopicNameTaken`."""
        try:
            return await self._json(_RENAME_TOPIC, project_id=project_id, id=topic_id, name=name)
        except IntegrityError:
            raise TopicNameTaken(name) from None

    async def keep_topic(self, project_id: str, topic_id: str) -> bool:
        """Let nobody delete the topic before the transaction ends; False when there is none."""
        return await self._json(_KEEP_TOPIC, project_id=project_id, id=topic_id) is not None

    async def list_event_routes(
        self, project_id: str, page: Page, topic_id: str | None, event_type: str | None
    ) -> Items:
        return await self._page(
            _LIST_EVENT_ROUTES, page, project_id=project_id, topic_id=topic_id, event_type=event_type
        )

    async def add_event_route(self, project_id: str, event_type: str, topic_id: str) -> str | None:
        """None when there is one already."""
        return await self._json(
            _ADD_EVENT_ROUTE, id=new_id(), project_id=project_id, event_type=event_type, topic_id=topic_id
        )

    async def list_destination_routes(
        self, project_id: str, page: Page, topic_id: str | None, destination_id: str | None
    ) -> Items:
        return await self._page(
            _LIST_DESTINATION_ROUTES, page, project_id=project_id, topic_id=topic_id, destination_id=destination_id
        )

    async def add_destination_route(self, project_id: str, topic_id: str, destination_id: str) -> str | None:
        """None when there is one already."""
        return await self._json(
            _ADD_DESTINATION_ROUTE, id=new_id(), project_id=project_id, topic_id=topic_id, destination_id=destination_id
        )

    async def delete(self, table: str, project_id: str, id_: str) -> bool:
        """Delete from one of the three tables; False when it is not there."""
        return await self._json(_DELETE[table], project_id=project_id, id=id_) is not None

    async def destinations_of(self, project_id: str, event_type: str) -> list[str]:
        """The destinations that the routes lead events of the type to, each once."""
        values = {"project_id": project_id, "event_type": event_type}
        return list((await self._session.execute(_DESTINATIONS_OF, values)).scalars())

    async def _page(self, statement: TextClause, page: Page, **values: Any) -> Items:
        return Items(*(await self._session.execute(statement, {**values, **page.parameters})).one())

    async def _json(self, statement: TextClause, **values: Any) -> str | None:
        found: str | None = (await self._session.execute(statement, values)).scalar_one_or_none()
        return found
