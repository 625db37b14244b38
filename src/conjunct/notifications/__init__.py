"""Events that builders are notified of, and the topics and routes that lead them to destinations.

See `events` for what there is, `service` for how an event is published.
"""

from conjunct.notifications.endpoints import router
from conjunct.notifications.events import (
    EVENTS,
    ConnectionCreated,
    ConnectionDeleted,
    ConnectionEvent,
    ConnectionFailed,
    ConnectionRefreshed,
    ConnectionUpdated,
    DestinationWebhookDisabled,
    Event,
    EventType,
    InstallationCreated,
    InstallationDeleted,
    InstallationEvent,
    InstallationUpdated,
    ReadBackfillDone,
    ReadSchedulePaused,
    ReadTriggeredDone,
    ReadTriggeredError,
    SubscribeCreateError,
    WriteAsyncDone,
)
from conjunct.notifications.service import NotificationService
from conjunct.notifications.topics import TopicService

__all__ = [
    "NotificationService",
    "TopicService",
    "Event",
    "EventType",
    "EVENTS",
    "ConnectionEvent",
    "ConnectionCreated",
    "ConnectionFailed",
    "ConnectionRefreshed",
    "ConnectionUpdated",
    "ConnectionDeleted",
    "InstallationEvent",
    "InstallationCreated",
    "InstallationUpdated",
    "InstallationDeleted",
    "ReadSchedulePaused",
    "ReadBackfillDone",
    "ReadTriggeredDone",
    "ReadTriggeredError",
    "WriteAsyncDone",
    "SubscribeCreateError",
    "DestinationWebhookDisabled",
    "router",
]
