"""Topics and routes on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from conjunct.notifications.events import EventType

NewName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
# The specification gives a topic's new name more freedom than its first one: it may be in words.
ChangedName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")
]
GivenId = Annotated[str, Field(min_length=1, max_length=200)]


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class CreateTopic(_Wire):
    """A new topic."""

    name: NewName = Field(description="Letters, numbers and dashes; unique within the project.")


class UpdateTopic(_Wire):
    """A topic's new name."""

    name: ChangedName = Field(description="A name for people; unique within the project.")


class Topic(_Wire):
    """What events are routed to, and what is routed to destinations."""

    id: str
    name: str
    project_id: str
    create_time: datetime
    update_time: datetime | None = None


class CreateEventTopicRoute(_Wire):
    """A new route from a type of event to a topic."""

    event_type: EventType
    topic_id: GivenId = Field(description="The topic's id.")


class EventTopicRoute(_Wire):
    """Events of a type reach a topic."""

    id: str
    event_type: EventType
    topic_id: str
    project_id: str
    create_time: datetime
    update_time: datetime | None = None


class CreateTopicDestinationRoute(_Wire):
    """A new route from a topic to a destination."""

    topic_id: GivenId = Field(description="The topic's id.")
    destination_id: GivenId = Field(description="The destination's id.")


class TopicDestinationRoute(_Wire):
    """What reaches a topic goes to a destination."""

    id: str
    topic_id: str
    destination_id: str
    project_id: str
    create_time: datetime
