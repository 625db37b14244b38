"""Topics and their routes over HTTP; every answer is checked against the specification."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from conjunct.kit.ids import new_id
from tests.notifications.conftest import DESTINATION_ROUTES, EVENT_ROUTES, TOPICS, Notified
from tests.support.reading import rows
from tests.support.specification import require_specification

UNKNOWN = "01a1fc1f-2015-76ce-8725-1ce13ba17028"


@pytest.fixture
async def notified(workless: Notified) -> Notified:
    """Nothing here is sent, so there is no worker."""
    return workless


async def foreign(notified: Notified) -> dict[str, str]:
    """A topic, its routes and a destination of another project, by their ids."""
    services = notified.platform.services
    async with services.database.transaction() as session:
        other = await services.tenants.create_org_and_project(session, org="o", project="other", app_name="Other")
    key = notified.platform.client.headers["X-Api-Key"]
    client = notified.platform.client
    client.headers["X-Api-Key"] = other.api_key
    home = "/v1/projects/other"
    hook = {"name": "theirs", "type": "webhook", "metadata": {"url": notified.platform.receiver.url}}
    destination = (await client.post(f"{home}/destinations", json=hook)).json()["id"]
    topic = (await client.post(home + TOPICS, json={"name": "alerts"})).json()["id"]
    body: dict[str, Any] = {"eventType": "installation.created", "topicId": topic}
    event_route = (await client.post(home + EVENT_ROUTES, json=body)).json()["id"]
    body = {"topicId": topic, "destinationId": destination}
    destination_route = (await client.post(home + DESTINATION_ROUTES, json=body)).json()["id"]
    client.headers["X-Api-Key"] = key
    return {
        "destination": destination,
        "topic": topic,
        "event_route": event_route,
        "destination_route": destination_route,
    }


class TestTopics:
    async def test_a_topic_is_made_listed_renamed_and_deleted(self, notified: Notified) -> None:
        require_specification()
        send = notified.platform.send
        assert await send("GET", TOPICS, 200) == []
        made = await send("POST", TOPICS, 201, json={"name": "system-alerts"})
        assert made["name"] == "system-alerts"
        assert made["projectId"] == notified.platform.project_id
        assert made["createTime"].endswith("Z")
        assert "updateTime" not in made
        assert await send("GET", TOPICS, 200) == [made]
        # The specification's own example of an update is in words.
        renamed = await send("PATCH", f"{TOPICS}/{made['id']}", 200, json={"name": "Updated System Alerts"})
        assert renamed == {**made, "name": "Updated System Alerts", "updateTime": renamed["updateTime"]}
        assert await send("GET", TOPICS, 200) == [renamed]
        await send("DELETE", f"{TOPICS}/{made['id']}", 204)
        assert await send("GET", TOPICS, 200) == []
        await send("DELETE", f"{TOPICS}/{made['id']}", 404)

    async def test_a_name_is_unique_within_its_project(self, notified: Notified) -> None:
        await foreign(notified)  # has a topic `alerts`
        await notified.topic("alerts")
        problem = await notified.platform.send("POST", TOPICS, 409, json={"name": "alerts"})
        assert problem["type"].endswith("/topic-name-taken")
        other = await notified.topic("others")
        await notified.platform.send("PATCH", f"{TOPICS}/{other}", 409, json={"name": "alerts"})
        await notified.platform.send("PATCH", f"{TOPICS}/{other}", 200, json={"name": "others"})
        assert [each["name"] for each in await notified.platform.send("GET", TOPICS, 200)] == ["alerts", "others"]

    @pytest.mark.parametrize("name", ["", "two words", "ümlaut", "x" * 65, "a/b", None, 7, ["a"]])
    async def test_a_bad_name_is_refused(self, notified: Notified, name: Any) -> None:
        problem = await notified.platform.send("POST", TOPICS, 400, json={"name": name})
        assert [issue["name"] for issue in problem["issues"]] == ["name"]
        assert await notified.platform.send("GET", TOPICS, 200) == []

    @pytest.mark.parametrize("name", ["", "   ", "x" * 65, "a\nb", None, 7])
    async def test_a_bad_new_name_is_refused(self, notified: Notified, name: Any) -> None:
        topic = await notified.topic()
        problem = await notified.platform.send("PATCH", f"{TOPICS}/{topic}", 400, json={"name": name})
        assert [issue["name"] for issue in problem["issues"]] == ["name"]
        assert [each["name"] for each in await notified.platform.send("GET", TOPICS, 200)] == ["alerts"]


class TestRoutes:
    async def test_events_are_routed_to_topics_and_topics_to_destinations(self, notified: Notified) -> None:
        require_specification()
        send = notified.platform.send
        topic = await notified.topic()
        hook = await notified.destination(notified.platform.receiver, "hook")
        event_route = await send(
            "POST", EVENT_ROUTES, 201, json={"eventType": "installation.created", "topicId": topic}
        )
        assert event_route["eventType"] == "installation.created"
        assert event_route["topicId"] == topic
        assert event_route["projectId"] == notified.platform.project_id
        body = {"topicId": topic, "destinationId": hook["id"]}
        destination_route = await send("POST", DESTINATION_ROUTES, 201, json=body)
        assert {**destination_route, **body} == destination_route
        assert await send("GET", EVENT_ROUTES, 200) == [event_route]
        assert await send("GET", DESTINATION_ROUTES, 200) == [destination_route]
        for path, route in ((EVENT_ROUTES, event_route), (DESTINATION_ROUTES, destination_route)):
            await send("DELETE", f"{path}/{route['id']}", 204)
            await send("DELETE", f"{path}/{route['id']}", 404)
            assert await send("GET", path, 200) == []

    async def test_lists_are_filtered(self, notified: Notified) -> None:
        send = notified.platform.send
        topics = [await notified.topic(name) for name in ("one", "two")]
        hooks = [(await notified.destination(notified.platform.receiver, name))["id"] for name in ("h1", "h2")]
        events = ("installation.created", "installation.deleted")
        event_routes = {(e, t): await notified.route_event(e, t) for e in events for t in topics}
        routes = {(t, d): await notified.route_topic(t, d) for t in topics for d in hooks}

        async def ids(path: str, **query: str) -> set[str]:
            return {each["id"] for each in await send("GET", path, 200, params=query)}

        assert await ids(EVENT_ROUTES) == set(event_routes.values())
        assert await ids(EVENT_ROUTES, topicId=topics[0]) == {event_routes[e, topics[0]] for e in events}
        assert await ids(EVENT_ROUTES, eventType=events[1]) == {event_routes[events[1], t] for t in topics}
        both = {"eventType": events[1], "topicId": topics[1]}
        assert await ids(EVENT_ROUTES, **both) == {event_routes[events[1], topics[1]]}
        assert await ids(EVENT_ROUTES, topicId=UNKNOWN) == set()
        assert await ids(DESTINATION_ROUTES) == set(routes.values())
        assert await ids(DESTINATION_ROUTES, topicId=topics[0]) == {routes[topics[0], d] for d in hooks}
        assert await ids(DESTINATION_ROUTES, destinationId=hooks[1]) == {routes[t, hooks[1]] for t in topics}
        both = {"topicId": topics[1], "destinationId": hooks[0]}
        assert await ids(DESTINATION_ROUTES, **both) == {routes[topics[1], hooks[0]]}
        await send("GET", f"{EVENT_ROUTES}?eventType=installation.exploded", 400)

    async def test_a_route_from_or_to_nothing_is_refused(self, notified: Notified) -> None:
        send = notified.platform.send
        topic = await notified.topic()
        hook = await notified.destination(notified.platform.receiver, "hook")
        theirs = await foreign(notified)
        details = set()
        for unknown in (UNKNOWN, theirs["topic"]):
            body = {"eventType": "installation.created", "topicId": unknown}
            problem = await send("POST", EVENT_ROUTES, 422, json=body)
            assert [issue["name"] for issue in problem["issues"]] == ["topicId"]
            details.add(problem["detail"].replace(unknown, "…"))
            await send("POST", DESTINATION_ROUTES, 404, json={"topicId": unknown, "destinationId": hook["id"]})
        for unknown in (UNKNOWN, theirs["destination"]):
            await send("POST", DESTINATION_ROUTES, 404, json={"topicId": topic, "destinationId": unknown})
        assert len(details) == 1
        assert await send("GET", EVENT_ROUTES, 200) == await send("GET", DESTINATION_ROUTES, 200) == []
        await send("POST", EVENT_ROUTES, 400, json={"eventType": "installation.exploded", "topicId": topic})
        await send("POST", EVENT_ROUTES, 400, json={"topicId": topic})
        await send("POST", DESTINATION_ROUTES, 400, json={"topicId": topic})

    async def test_a_route_that_is_there_is_not_made_again(self, notified: Notified) -> None:
        topic = await notified.topic()
        hook = await notified.destination(notified.platform.receiver, "hook")
        await notified.route_event("installation.created", topic)
        await notified.route_topic(topic, hook["id"])
        send = notified.platform.send
        await send("POST", EVENT_ROUTES, 422, json={"eventType": "installation.created", "topicId": topic})
        await send("POST", DESTINATION_ROUTES, 422, json={"topicId": topic, "destinationId": hook["id"]})
        assert len(await send("GET", EVENT_ROUTES, 200)) == len(await send("GET", DESTINATION_ROUTES, 200)) == 1

    async def test_deleting_a_topic_or_a_destination_deletes_its_routes(self, notified: Notified) -> None:
        send = notified.platform.send
        topics = [await notified.topic(name) for name in ("one", "two")]
        hook = await notified.destination(notified.platform.receiver, "hook")
        for topic in topics:
            await notified.route_event("installation.created", topic)
            await notified.route_topic(topic, hook["id"])
        await send("DELETE", f"{TOPICS}/{topics[0]}", 204)
        assert [each["topicId"] for each in await send("GET", EVENT_ROUTES, 200)] == [topics[1]]
        assert [each["topicId"] for each in await send("GET", DESTINATION_ROUTES, 200)] == [topics[1]]
        await send("DELETE", "/destinations/hook", 204)
        assert await send("GET", DESTINATION_ROUTES, 200) == []
        assert [each["topicId"] for each in await send("GET", EVENT_ROUTES, 200)] == [topics[1]]

    async def test_what_is_another_projects_is_not_found_and_not_listed(self, notified: Notified) -> None:
        send = notified.platform.send
        theirs = await foreign(notified)
        for path, name in ((TOPICS, "topic"), (EVENT_ROUTES, "event_route"), (DESTINATION_ROUTES, "destination_route")):
            assert await send("GET", path, 200) == []
            unknown, foreigner = [await send("DELETE", f"{path}/{id_}", 404) for id_ in (UNKNOWN, theirs[name])]
            assert unknown["detail"].replace(UNKNOWN, "…") == foreigner["detail"].replace(theirs[name], "…")
        await send("PATCH", f"{TOPICS}/{theirs['topic']}", 404, json={"name": "mine-now"})
        [topic] = await rows(notified.platform, "select name from topic where id = :id", id=theirs["topic"])
        assert topic.name == "alerts"
        assert len(await rows(notified.platform, "select id from event_topic_route")) == 1


class TestLists:
    @pytest.mark.parametrize("path", [TOPICS, EVENT_ROUTES, DESTINATION_ROUTES])
    async def test_a_list_of_any_length_takes_the_same_queries(self, notified: Notified, path: str) -> None:
        counts = []
        hook = await notified.destination(notified.platform.receiver, "hook")
        for number in (1, 20):
            for _ in range(number):
                topic = await notified.topic(f"t-{new_id()}")
                await notified.route_event("read.backfill.done", topic)
                await notified.route_topic(topic, hook["id"])
            await notified.platform.send("GET", path, 200)
            counts.append(await _queries(notified, path))
        assert counts[0] == counts[1] == 1

    @pytest.mark.parametrize("path", [TOPICS, EVENT_ROUTES, DESTINATION_ROUTES])
    async def test_a_list_comes_in_pages_where_they_are_asked_for(self, notified: Notified, path: str) -> None:
        hook = await notified.destination(notified.platform.receiver, "hook")
        for number in range(5):
            topic = await notified.topic(f"t-{number}")
            await notified.route_event("read.backfill.done", topic)
            await notified.route_topic(topic, hook["id"])
        whole = await notified.platform.send("GET", path, 200)
        url, token, paged = notified.platform.project + path, None, []
        for _ in range(3):
            query = {"pageSize": "2"} | ({"pageToken": token} if token else {})
            response = await notified.platform.client.get(url, params=query)
            paged += response.json()
            token = response.headers.get("X-Next-Page-Token")
        assert (paged, token) == (whole, None)


async def _queries(notified: Notified, path: str) -> int:
    told: list[str] = []
    engine = notified.platform.services.database.engine.sync_engine

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        told.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        await notified.platform.send("GET", path, 200)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(told)
