"""A whole platform whose builder asks to be notified."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from conjunct.core.database import Database
from tests.support.platform import Platform, running_platform
from tests.support.reading import rows, until
from tests.support.receiver import Received, Receiver, webhook_receiver
from tests.support.specification import specification

TOPICS = "/topics"
EVENT_ROUTES = "/notification-event-topic-routes"
DESTINATION_ROUTES = "/topic-destination-routes"


@dataclass
class Ears:
    """A webhook of the builder's, apart from the one that gets the records: what it was notified of, verified."""

    receiver: Receiver
    destination: dict[str, Any]

    def heard(self, event_type: str | None = None) -> list[dict[str, Any]]:
        """The data of the notifications that came, of that type or each with its type."""
        return [
            message.body["data"] if event_type else message.body
            for message in self.receiver.messages
            if event_type in (None, message.body["notificationType"])
        ]

    async def hear(self, event_type: str, times: int = 1) -> list[dict[str, Any]]:
        """The data of the notifications of a type, once so many have come."""

        def enough(found: list[Received]) -> bool:
            return [each.body["notificationType"] for each in found].count(event_type) >= times

        for message in await self.receiver.wait_for(enough):
            assert_specified(message)
        return self.heard(event_type)


@dataclass
class Notified:
    """The platform, and how its builder sets up notifications."""

    platform: Platform

    async def destination(self, receiver: Receiver, name: str) -> dict[str, Any]:
        """A webhook to the receiver, which then trusts its key."""
        body = {"name": name, "type": "webhook", "metadata": {"url": receiver.url}}
        await self.platform.send("POST", "/destinations", 201, json=body)
        shown: dict[str, Any] = await self.platform.send("GET", f"/destinations/{name}?includeSecrets=true", 200)
        receiver.trust(shown["secrets"]["webhookSigningKey"])
        return shown

    async def topic(self, name: str = "alerts") -> str:
        made: dict[str, Any] = await self.platform.send("POST", TOPICS, 201, json={"name": name})
        topic_id: str = made["id"]
        return topic_id

    async def route_event(self, event_type: str, topic_id: str) -> str:
        body = {"eventType": event_type, "topicId": topic_id}
        made: dict[str, Any] = await self.platform.send("POST", EVENT_ROUTES, 201, json=body)
        route_id: str = made["id"]
        return route_id

    async def route_topic(self, topic_id: str, destination_id: str) -> str:
        body = {"topicId": topic_id, "destinationId": destination_id}
        made: dict[str, Any] = await self.platform.send("POST", DESTINATION_ROUTES, 201, json=body)
        route_id: str = made["id"]
        return route_id

    async def listen(self, receiver: Receiver, *event_types: str, name: str = "ears") -> Ears:
        """Route these events to a new destination by a topic of its own."""
        destination = await self.destination(receiver, name)
        topic_id = await self.topic(name)
        for event_type in event_types:
            await self.route_event(event_type, topic_id)
        await self.route_topic(topic_id, destination["id"])
        return Ears(receiver, destination)

    async def spooled(self) -> list[str]:
        """The ids of the messages that wait."""
        found = await rows(self.platform, "select id from delivery_message order by id")
        return [row.id for row in found]

    async def all_delivered(self) -> None:
        """Wait until no message waits."""

        async def none_left() -> bool:
            return not await self.spooled()

        await until(none_left)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with webhook_receiver() as receiver:
        yield receiver


@pytest.fixture
async def notified(database: Database, tmp_path: Path) -> AsyncIterator[Notified]:
    """A platform with a worker."""
    async with running_platform(database, tmp_path) as platform:
        yield Notified(platform)


@pytest.fixture
async def workless(database: Database, tmp_path: Path) -> AsyncIterator[Notified]:
    """A platform without a worker, for a test that starts one when it is time."""
    async with running_platform(database, tmp_path, worker=False) as platform:
        yield Notified(platform)


def assert_specified(message: Received) -> None:
    """The notification has the shape that the specification gives its type."""
    schema = payload_schema(message.body["notificationType"])
    if schema is not None:
        faults = OAS30Validator(schema, format_checker=oas30_format_checker).iter_errors(message.body)
        assert [f"{fault.json_path}: {fault.message}" for fault in faults] == []


def payload_schema(event_type: str) -> dict[str, Any] | None:
    """The schema of the notifications of a type, with what it refers to; None without the specification."""
    document = specification("notifications")
    if document is None:
        return None
    schemas = document["components"]["schemas"]
    [found] = [
        schema
        for schema in schemas.values()
        if schema.get("properties", {}).get("notificationType", {}).get("enum") == [event_type]
    ]
    return {**found, "components": document["components"]}
