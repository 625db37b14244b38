"""Hosted links on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from conjunct.connections.fields import Ref, ShortText

SHORTEST, USUAL, LONGEST = 60, 24 * 3600, 30 * 24 * 3600
"""Seconds that a link may be good for."""


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class CreateConnectLink(_Shape):
    """Who is to connect what. One of `provider` and `providers` is needed."""

    provider: Ref | None = Field(None, description="The provider to connect.")
    providers: Annotated[list[Ref], Field(min_length=1, max_length=100)] | None = Field(
        None, description="Or several, of which the customer chooses one."
    )
    group_ref: Ref = Field(description="Your reference for the customer.")
    group_name: ShortText | None = Field(None, description="The customer's name; the page shows it.")
    consumer_ref: Ref = Field(description="Your reference for the person.")
    consumer_name: ShortText | None = None
    provider_app_id: Ref | None = Field(
        None, description="The OAuth client, for a link to one provider; without it, your oldest one for the provider."
    )
    return_url: ShortText | None = Field(
        None,
        description="Where the customer goes at the end, with `connectionId` or `error` in its query: https, or http "
        "on this machine. Scope: full.",
    )
    expires_in_seconds: Annotated[int, Field(ge=SHORTEST, le=LONGEST)] = Field(
        USUAL, description="How long the link is good for: a day, unless you say otherwise; at most 30 days."
    )


class ConnectLink(_Shape):
    """A link, and what has become of it."""

    id: str
    project_id: str
    providers: list[str]
    provider_app_id: str | None = None
    group_ref: str
    group_name: str | None = None
    consumer_ref: str
    consumer_name: str | None = None
    return_url: str | None = None
    status: Literal["open", "connected", "expired"]
    connection_id: str | None = Field(None, description="What the customer has connected, unless it was deleted since.")
    error: str | None = Field(None, description="How the last attempt failed, while there is no connection.")
    create_time: datetime
    connect_time: datetime | None = None
    expire_time: datetime


class NewConnectLink(ConnectLink):
    """A link that was just made."""

    url: str = Field(description="What to send to the customer. It is shown this once, and opens the page to anybody.")
