"""Destinations on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,200}$")]


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class CreateDestination(_Wire):
    """A new destination."""

    name: Name = Field(description="Letters, numbers and dashes; unique within the project.")
    type: str
    metadata: dict[str, Any]
    secrets: dict[str, Any] | None = None


class DestinationChanges(_Wire):
    """New values, of which the mask names those that count."""

    name: Name | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    secrets: dict[str, Any] = Field(default_factory=dict)


class UpdateDestination(_Wire):
    """A change of the fields that the mask names: `name`, `metadata.<field>`, `secrets.<field>`."""

    update_mask: list[str]
    destination: DestinationChanges


class Destination(_Wire):
    """A destination."""

    id: str
    name: str
    type: str
    metadata: dict[str, Any]
    create_time: datetime
    update_time: datetime | None = None


class DestinationSecrets(_Wire):
    """What verifies or opens a destination."""

    webhook_signing_key: str | None = None


class DestinationWithSecrets(Destination):
    """A destination, with its secrets when they are asked for."""

    secrets: DestinationSecrets | None = None
