"""The events that builders can be notified of, each with the data that its notification carries.

A notification on the wire is `{"notificationType": <type>, "data": {…}}`, as the specification `notifications.json` has
it. This is the one list of all events: what routes accept, what is sent and what the documentation says follow from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

EventType = Literal[
    "connection.created",
    "connection.error",
    "connection.refreshed",
    "connection.updated",
    "connection.deleted",
    "installation.created",
    "installation.updated",
    "installation.deleted",
    "read.schedule.paused",
    "read.backfill.done",
    "read.triggered.done",
    "read.triggered.error",
    "write.async.done",
    "subscribe.create.error",
    "destination.webhook.disabled",
]

LONGEST_ERROR = 10_000
"""Characters of an error that are sent at most: providers may answer with whole pages."""

ErrorText = Annotated[str, AfterValidator(lambda text: text[:LONGEST_ERROR])]
Config = dict[str, Any]


class Event(BaseModel):
    """Something that happened. A class is one type of event; its docstring says when it happens."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    type: ClassVar[EventType]
    links: ClassVar[Mapping[str, str]] = {}
    """Keys of the data that may be too large for a message, and the keys under which a link to them then stands."""

    project_id: str

    def data(self) -> dict[str, Any]:
        """The notification's data as JSON; what is not known is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class ConnectionEvent(Event):
    """An event of a connection."""

    connection_id: str
    provider: str
    group_ref: str
    consumer_ref: str
    consumer_name: str


class ConnectionCreated(ConnectionEvent):
    """A connection was made."""

    type = "connection.created"


class ConnectionUpdated(ConnectionEvent):
    """A connection's credentials or metadata were changed, or the customer has connected again."""

    type = "connection.updated"


class ConnectionRefreshed(ConnectionEvent):
    """A connection's access token was refreshed."""

    type = "connection.refreshed"


class ConnectionDeleted(ConnectionEvent):
    """A connection was deleted, by itself or with its last installation."""

    type = "connection.deleted"


class ConnectionFailed(ConnectionEvent):
    """The provider no longer accepts a connection's credentials. It happens once, until they are changed."""

    type = "connection.error"

    errors: tuple[ErrorText, ...]

    def data(self) -> dict[str, Any]:
        """See `Event`. The errors stand under their former name as well."""
        data = super().data()
        return {**data, "error": data["errors"]}


class InstallationEvent(Event):
    """An event of an installation."""

    provider: str
    integration_id: str
    integration_name: str
    installation_id: str
    connection_id: str
    group_ref: str
    group_name: str
    consumer_ref: str
    consumer_name: str


class InstallationCreated(InstallationEvent):
    """A customer has installed an integration."""

    type = "installation.created"
    links = {"config": "configURL"}

    config: Config


class InstallationUpdated(InstallationEvent):
    """An installation's config or connection was changed. A deploy that leaves the config as it was is no change."""

    type = "installation.updated"
    links = {"config": "configURL", "lastConfig": "lastConfigURL"}

    config: Config
    last_config: Config


class InstallationDeleted(InstallationEvent):
    """An installation was deleted, by itself or with its connection or integration."""

    type = "installation.deleted"
    links = {"config": "configURL"}

    config: Config


class ReadSchedulePaused(InstallationEvent):
    """Scheduled reads of an installation were paused: by request, after failures that trying again cannot mend, or
    because the provider no longer accepts its connection's credentials.
    """

    type = "read.schedule.paused"
    links = {"config": "configURL"}

    config: Config
    error: ErrorText | None = None


class ReadBackfillDone(InstallationEvent):
    """The backfill of an object has succeeded."""

    type = "read.backfill.done"

    object_name: str


class _TriggeredRead(InstallationEvent):
    object_name: str
    from_timestamp: datetime | None = None
    until_timestamp: datetime | None = None


class ReadTriggeredDone(_TriggeredRead):
    """A read that was triggered has succeeded."""

    type = "read.triggered.done"


class ReadTriggeredError(_TriggeredRead):
    """A read that was triggered has failed."""

    type = "read.triggered.error"

    error: ErrorText


class WriteAsyncDone(InstallationEvent):
    """An asynchronous write has ended. Where only some records were written, `success` is false."""

    type = "write.async.done"

    object_name: str
    success: bool
    successful_record_ids: tuple[str, ...] = ()
    errors: tuple[ErrorText, ...] = ()


class SubscribeCreateError(InstallationEvent):
    """The events of a provider could not be subscribed to."""

    type = "subscribe.create.error"

    error: ErrorText


class DestinationWebhookDisabled(Event):
    """A webhook was switched off, since it answered 410 Gone or took nothing for days."""

    type = "destination.webhook.disabled"

    destination_id: str
    destination_name: str
    url: str


EVENTS: tuple[type[Event], ...] = (
    ConnectionCreated,
    ConnectionFailed,
    ConnectionRefreshed,
    ConnectionUpdated,
    ConnectionDeleted,
    InstallationCreated,
    InstallationUpdated,
    InstallationDeleted,
    ReadSchedulePaused,
    ReadBackfillDone,
    ReadTriggeredDone,
    ReadTriggeredError,
    WriteAsyncDone,
    SubscribeCreateError,
    DestinationWebhookDisabled,
)
"""Every type of event, in the order of `EventType`."""
