"""Topics and routes over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from conjunct.core.http import DatabaseDep, Transaction, api_router, json_bytes
from conjunct.core.paging import PagerDep
from conjunct.notifications import schemas
from conjunct.notifications.events import EventType
from conjunct.notifications.topics import TopicService
from conjunct.tenants import ProjectId

router = api_router(tags=["Notification"])

_TOPICS = "/projects/{projectIdOrName}/topics"
_EVENT_ROUTES = "/projects/{projectIdOrName}/notification-event-topic-routes"
_DESTINATION_ROUTES = "/projects/{projectIdOrName}/topic-destination-routes"


async def _topics(request: Request) -> TopicService:
    service: TopicService = request.app.state.topics
    return service


Topics = Annotated[TopicService, Depends(_topics)]
TopicId = Annotated[str, Path(alias="topicId", description="The topic's id.")]
RouteId = Annotated[str, Path(alias="routeId", description="The route's id.")]
TopicFilter = Annotated[str | None, Query(alias="topicId", description="Only those of this topic.")]
DestinationFilter = Annotated[str | None, Query(alias="destinationId", description="Only those to this destination.")]
EventFilter = Annotated[EventType | None, Query(alias="eventType", description="Only those of this type of event.")]


@router.post(_TOPICS, operation_id="createTopic", status_code=201, response_model=schemas.Topic)
async def create_topic(
    project_id: ProjectId, body: schemas.CreateTopic, topics: Topics, session: Transaction
) -> Response:
    """Create a topic."""
    return json_bytes(await topics.create(session, project_id, body.name), 201)


@router.get(_TOPICS, operation_id="listTopics", response_model=list[schemas.Topic])
async def list_topics(project_id: ProjectId, topics: Topics, database: DatabaseDep, pager: PagerDep) -> Response:
    """The project's topics, oldest first."""
    async with database.reading() as connection:
        return pager.answer(await topics.list_page(connection, project_id, pager.page))


@router.patch(_TOPICS + "/{topicId}", operation_id="updateTopic", response_model=schemas.Topic)
async def update_topic(
    project_id: ProjectId, topic_id: TopicId, body: schemas.UpdateTopic, topics: Topics, session: Transaction
) -> Response:
    """Give a topic another name."""
    return json_bytes(await topics.rename(session, project_id, topic_id, body.name))


@router.delete(_TOPICS + "/{topicId}", operation_id="deleteTopic", status_code=204)
async def delete_topic(project_id: ProjectId, topic_id: TopicId, topics: Topics, session: Transaction) -> None:
    """Delete a topic with all its routes."""
    await topics.delete(session, project_id, topic_id)


@router.post(
    _EVENT_ROUTES, operation_id="createEventTopicRoute", status_code=201, response_model=schemas.EventTopicRoute
)
async def create_event_topic_route(
    project_id: ProjectId, body: schemas.CreateEventTopicRoute, topics: Topics, session: Transaction
) -> Response:
    """Route events of a type to a topic."""
    return json_bytes(await topics.route_event(session, project_id, body), 201)


@router.get(_EVENT_ROUTES, operation_id="listEventTopicRoutes", response_model=list[schemas.EventTopicRoute])
async def list_event_topic_routes(
    project_id: ProjectId,
    topics: Topics,
    database: DatabaseDep,
    pager: PagerDep,
    topic_id: TopicFilter = None,
    event_type: EventFilter = None,
) -> Response:
    """The routes from events to topics, oldest first."""
    async with database.reading() as connection:
        found = await topics.list_event_routes(
            connection, project_id, pager.page, topic_id=topic_id, event_type=event_type
        )
    return pager.answer(found)


@router.delete(_EVENT_ROUTES + "/{routeId}", operation_id="deleteEventTopicRoute", status_code=204)
async def delete_event_topic_route(
    project_id: ProjectId, route_id: RouteId, topics: Topics, session: Transaction
) -> None:
    """Delete a route from an event to a topic."""
    await topics.delete_event_route(session, project_id, route_id)


@router.post(
    _DESTINATION_ROUTES,
    operation_id="createTopicDestinationRoute",
    status_code=201,
    response_model=schemas.TopicDestinationRoute,
)
async def create_topic_destination_route(
    project_id: ProjectId, body: schemas.CreateTopicDestinationRoute, topics: Topics, session: Transaction
) -> Response:
    """Route a topic to a destination."""
    return json_bytes(await topics.route_to_destination(session, project_id, body), 201)


@router.get(
    _DESTINATION_ROUTES,
    operation_id="listTopicDestinationRoutes",
    response_model=list[schemas.TopicDestinationRoute],
)
async def list_topic_destination_routes(
    project_id: ProjectId,
    topics: Topics,
    database: DatabaseDep,
    pager: PagerDep,
    topic_id: TopicFilter = None,
    destination_id: DestinationFilter = None,
) -> Response:
    """The routes from topics to destinations, oldest first."""
    async with database.reading() as connection:
        found = await topics.list_destination_routes(
            connection, project_id, pager.page, topic_id=topic_id, destination_id=destination_id
        )
    return pager.answer(found)


@router.delete(_DESTINATION_ROUTES + "/{routeId}", operation_id="deleteTopicDestinationRoute", status_code=204)
async def delete_topic_destination_route(
    project_id: ProjectId, route_id: RouteId, topics: Topics, session: Transaction
) -> None:
    """Delete a route from a topic to a destination."""
    await topics.delete_destination_route(session, project_id, route_id)
