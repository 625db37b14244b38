"""Topics and routes: which events reach which destinations."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.paging import Items, Page
from conjunct.core.problems import Issue
from conjunct.delivery import DeliveryService, DestinationNotFound
from conjunct.notifications.problems import RouteNotFound, TopicNotFound, UnusableRoute
from conjunct.notifications.repository import TopicRepository
from conjunct.notifications.schemas import CreateEventTopicRoute, CreateTopicDestinationRoute


class TopicService:
    """What the API asks of topics and routes, on the caller's transaction. Answers are JSON of the specification."""

    def __init__(self, delivery: DeliveryService) -> None:
        self._delivery = delivery

    async def list_page(self, connection: AsyncConnection, project_id: str, page: Page) -> Items:
        """A page of the project's topics, oldest first."""
        return await TopicRepository(connection).list_topics(project_id, page)

    async def create(self, session: AsyncSession, project_id: str, name: str) -> str | None:
        """Make a topic; raises `TopicNameTaken`."""
        return await TopicRepository(session).add_topic(project_id, name)

    async def rename(self, session: AsyncSession, project_id: str, topic_id: str, name: str) -> str:
        """Give a topic another name; raises `TopicNotFound`, `TopicNameTaken`."""
        renamed = await TopicRepository(session).rename_topic(project_id, topic_id, name)
        if renamed is None:
            raise TopicNotFound(topic_id)
        return renamed

    async def delete(self, session: AsyncSession, project_id: str, topic_id: str) -> None:
        """Delete a topic with all its routes; raises `TopicNotFound`."""
        if not await TopicRepository(session).delete("topic", project_id, topic_id):
            raise TopicNotFound(topic_id)

    async def list_event_routes(
        self, connection: AsyncConnection, project_id: str, page: Page, *, topic_id: str | None, event_type: str | None
    ) -> Items:
        """A page of the routes from events to topics, oldest first."""
        return await TopicRepository(connection).list_event_routes(project_id, page, topic_id, event_type)

    async def route_event(self, session: AsyncSession, project_id: str, route: CreateEventTopicRoute) -> str:
        """Route a type of event to a topic; raises `UnusableRoute`."""
        topics = TopicRepository(session)
        if not await topics.keep_topic(project_id, route.topic_id):
            raise UnusableRoute(
                TopicNotFound(route.topic_id).detail,
                remedy="Give the id of one of the project's topics; listTopics shows them.",
                issues=[Issue("topicId", "is no topic of this project", value=route.topic_id)],
            )
        made = await topics.add_event_route(project_id, route.event_type, route.topic_id)
        if made is None:
            raise UnusableRoute(
                f"Events of the type {route.event_type} are routed to this topic already.",
                remedy="Use the route that is there; listEventTopicRoutes shows it.",
                issues=[Issue("eventType", "is routed to the topic already", value=route.event_type)],
            )
        return made

    async def delete_event_route(self, session: AsyncSession, project_id: str, route_id: str) -> None:
        """Delete a route from an event to a topic; raises `RouteNotFound`."""
        if not await TopicRepository(session).delete("event_topic_route", project_id, route_id):
            raise RouteNotFound(route_id)

    async def list_destination_routes(
        self,
        connection: AsyncConnection,
        project_id: str,
        page: Page,
        *,
        topic_id: str | None,
        destination_id: str | None,
    ) -> Items:
        """A page of the routes from topics to destinations, oldest first."""
        return await TopicRepository(connection).list_destination_routes(project_id, page, topic_id, destination_id)

    async def route_to_destination(
        self, session: AsyncSession, project_id: str, route: CreateTopicDestinationRoute
    ) -> str:
        """Route a topic to a destination; raises `TopicNotFound`, `DestinationNotFound`, `UnusableRoute`."""
        topics = TopicRepository(session)
        if not await topics.keep_topic(project_id, route.topic_id):
            raise TopicNotFound(route.topic_id)
        if not await self._delivery.keep_destination(session, project_id, route.destination_id):
            raise DestinationNotFound(route.destination_id)
        made = await topics.add_destination_route(project_id, route.topic_id, route.destination_id)
        if made is None:
            raise UnusableRoute(
                "This topic is routed to this destination already.",
                remedy="Use the route that is there; listTopicDestinationRoutes shows it.",
                issues=[Issue("destinationId", "is reached by the topic already", value=route.destination_id)],
            )
        return made

    async def delete_destination_route(self, session: AsyncSession, project_id: str, route_id: str) -> None:
        """Delete a route from a topic to a destination; raises `RouteNotFound`."""
        if not await TopicRepository(session).delete("topic_destination_route", project_id, route_id):
            raise RouteNotFound(route_id)
