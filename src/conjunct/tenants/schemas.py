"""Shapes of the tenants slice on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Group(_Shape):
    """A customer of the builder."""

    group_ref: str = Field(description="The builder's own reference for the group.")
    group_name: str
    project_id: str
    create_time: datetime
    update_time: datetime | None = None


class Consumer(_Shape):
    """A person at a customer."""

    consumer_ref: str = Field(description="The builder's own reference for the consumer.")
    consumer_name: str
    project_id: str
    create_time: datetime
    update_time: datetime | None = None
