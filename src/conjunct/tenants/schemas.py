"""Shapes of the tenants slice on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Shape(BaseModel):
    """What the slice's bodies have in common: names in camel case."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Group(Shape):
    """A customer of the builder."""

    group_ref: str = Field(description="The builder's own reference for the group.")
    group_name: str
    project_id: str
    create_time: datetime
    update_time: datetime | None = None


class Consumer(Shape):
    """A person at a customer."""

    consumer_ref: str = Field(description="The builder's own reference for the consumer.")
    consumer_name: str
    project_id: str
    create_time: datetime
    update_time: datetime | None = None


class Org(Shape):
    """An organisation: its builders share its projects."""

    id: str
    label: str
    default_team_id: str = Field(description="The team of everybody in the org.")
    create_time: datetime
    update_time: datetime | None = None


class Builder(Shape):
    """A person who builds integrations."""

    id: str
    idp_provider: str = Field(description="Who vouches for the person; `conjunct` is this server itself.")
    idp_ref: str
    first_name: str | None = None
    last_name: str | None = None
    full_name: str | None = None
    primary_email: str | None = None
    create_time: datetime


class Switch(Shape):
    """A feature that is on or off."""

    value: bool


class Entitlements(Shape):
    """What the project may use. On one's own server that is everything."""

    branding_removal: Switch


class Project(Shape):
    """An environment, which holds everything else."""

    id: str
    name: str = Field(description="Unique within the org.")
    app_name: str = Field(description="What customers see when they connect.")
    org_id: str
    create_time: datetime
    update_time: datetime | None = None
    entitlements: Entitlements | None = None
