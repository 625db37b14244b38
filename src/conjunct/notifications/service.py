"""Publishing: an event becomes one message for each destination that its routes lead to, on its own transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.delivery import DeliveryService, DisabledDestination, Message
from conjunct.kit.ids import new_id
from conjunct.notifications import messages
from conjunct.notifications.events import DestinationWebhookDisabled, Event, EventType
from conjunct.notifications.repository import TopicRepository


class NotificationService:
    """What the other slices ask of notifications.

    Publish in the transaction that records what happened. The notification then commits with its cause or not at all:
    it is not lost, and a job that is repeated after a crash does not send a second one.
    """

    def __init__(self, delivery: DeliveryService) -> None:
        self._delivery = delivery

    async def is_wanted(self, session: AsyncSession, project_id: str, event_type: EventType) -> bool:
        """Whether a route leads events of the type anywhere; for events that it costs something to make."""
        return bool(await TopicRepository(session).destinations_of(project_id, event_type))

    async def publish(self, session: AsyncSession, project_id: str, event: Event) -> None:
        """Have every destination of the event notified of it, soon after the transaction commits.

        One query where no route leads anywhere.
        """
        destinations = await TopicRepository(session).destinations_of(project_id, event.type)
        if not destinations:
            return
        event_id, data = new_id(), event.data()
        by_link = messages.too_large(event, data)
        body = messages.body(event, data)
        made = []
        for destination_id in destinations:
            message = Message(
                id=messages.message_id(event_id, destination_id),
                project_id=project_id,
                destination_id=destination_id,
                operation_id=None,
                body=body,
                records=0,
            )
            made.append(await self._with_links(session, message, event, data, by_link) if by_link else message)
        await self._delivery.enqueue(session, made)

    async def on_destination_disabled(self, session: AsyncSession, disabled: DisabledDestination) -> None:
        """Publish that delivery has switched a webhook off; a `DisabledListener`."""
        if disabled.type != "webhook":
            return
        event = DestinationWebhookDisabled(
            project_id=disabled.project_id,
            destination_id=disabled.destination_id,
            destination_name=disabled.name,
            url=disabled.address,
        )
        await self.publish(session, disabled.project_id, event)

    async def _with_links(
        self, session: AsyncSession, message: Message, event: Event, data: dict[str, Any], by_link: list[str]
    ) -> Message:
        """The message with links in place of what is too large for it."""
        data, payloads = dict(data), []
        for part, key in enumerate(by_link):
            content = orjson.dumps(data.pop(key))
            payload = await self._delivery.keep_payload(session, message.project_id, message.id, content, part)
            data[event.links[key]] = payload.placeholder
            payloads.append(payload)
        return replace(message, body=messages.body(event, data), payloads=tuple(payloads))
