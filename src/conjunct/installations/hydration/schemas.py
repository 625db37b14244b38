"""Hydrated revisions on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from conjunct import manifests
from conjunct.installations.schemas import FieldMetadata


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class HydratedField(_Wire):
    """A field of the provider's, with what people call it."""

    field_name: str
    display_name: str
    map_to_name: str | None = None
    map_to_display_name: str | None = None


class HydratedObject(_Wire):
    """An object to read, with all the fields that the customer's account has; `error` says why they are missing."""

    error: str | None = None
    object_name: str
    display_name: str
    map_to_name: str | None = None
    map_to_display_name: str | None = None
    destination: str
    schedule: str
    required_fields: list[HydratedField | manifests.IntegrationFieldMapping] | None = None
    optional_fields: list[HydratedField | manifests.IntegrationFieldMapping] | None = None
    optional_fields_auto: Literal["all"] | None = None
    all_fields_metadata: dict[str, FieldMetadata] | None = None
    all_fields: list[HydratedField] | None = None
    backfill: manifests.Backfill | None = None


class HydratedRead(_Wire):
    """The objects to read."""

    objects: list[HydratedObject]


class HydratedWriteObject(_Wire):
    """An object that can be written."""

    object_name: str
    display_name: str
    value_defaults: manifests.ValueDefaults | None = None


class HydratedWrite(_Wire):
    """The objects that can be written."""

    objects: list[HydratedWriteObject]


class HydratedIntegration(_Wire):
    """An integration as one customer can configure it."""

    name: str
    display_name: str | None = None
    module: str | None = None
    provider: str
    read: HydratedRead | None = None
    write: HydratedWrite | None = None
    proxy: manifests.IntegrationProxy | None = None


class HydratedRevision(_Wire):
    """A revision with what the provider tells of its objects."""

    id: str
    spec_version: str
    create_time: datetime
    content: HydratedIntegration
