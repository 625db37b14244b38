"""Destinations on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints
from pydantic.alias_generators import to_camel

from conjunct.delivery.terms import FEED_KEPT_HOURS, LARGEST_RATE, LONGEST_KEPT_HOURS

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,200}$")]


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class DeliveryTerms(_Wire):
    """How the destination is served; what is left out is not asked for."""

    model_config = ConfigDict(extra="forbid")

    rate_per_second: StrictInt | None = Field(
        None, ge=1, le=LARGEST_RATE, description="Messages that the destination gets in a second at most."
    )
    ordered: StrictBool | None = Field(
        None,
        description="Messages of one installation's object arrive one after another, in the order in which they were "
        "read; one that fails holds up those behind it.",
    )
    keep_hours: StrictInt | None = Field(
        None,
        ge=0,
        le=LONGEST_KEPT_HOURS,
        description="Hours for which every message can be pulled from the destination's feed; 0 keeps none. "
        f"A destination of the type `feed` has {FEED_KEPT_HOURS} unless it is told otherwise.",
    )


class CreateDestination(_Wire):
    """A new destination."""

    name: Name = Field(description="Letters, numbers and dashes; unique within the project.")
    type: str
    metadata: dict[str, Any]
    secrets: dict[str, Any] | None = None
    delivery: DeliveryTerms | None = None


class DestinationChanges(_Wire):
    """New values, of which the mask names those that count."""

    name: Name | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    secrets: dict[str, Any] = Field(default_factory=dict)
    delivery: DeliveryTerms = Field(default_factory=DeliveryTerms)


class UpdateDestination(_Wire):
    """A change of the fields that the mask names: `name`, `metadata.<field>`, `secrets.<field>`, `delivery.<field>`."""

    update_mask: list[str]
    destination: DestinationChanges


class Destination(_Wire):
    """A destination."""

    id: str
    name: str
    type: str
    metadata: dict[str, Any]
    delivery: DeliveryTerms | None = Field(None, description="Only where something of it was asked for.")
    create_time: datetime
    update_time: datetime | None = None


class DestinationSecrets(_Wire):
    """What verifies or opens a destination."""

    webhook_signing_key: str | None = None


class DestinationWithSecrets(Destination):
    """A destination, with its secrets when they are asked for."""

    secrets: DestinationSecrets | None = None


class FeedMessage(_Wire):
    """A message of a destination's feed. `payload` is the body that a webhook gets."""

    id: str = Field(description="The same as a webhook's `svix-id`.")
    create_time: datetime = Field(description="Since when it can be pulled.")
    records: int
    payload: dict[str, Any]


class FeedPage(_Wire):
    """Messages in the order of the feed, and the cursor to go on from."""

    messages: list[FeedMessage]
    cursor: str = Field(description="Where this page ends. Send it as `after` once its messages are dealt with.")
    has_more: bool
