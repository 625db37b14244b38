"""Integrations on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from conjunct import manifests


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Revision(_Wire):
    """An integration as it was deployed once."""

    id: str
    spec_version: str
    create_time: datetime
    content: manifests.Integration


class NumberedRevision(Revision):
    """A revision and its place among the others; `number` counts from 1."""

    number: int
    created_by: Annotated[str, Field(description="Who deployed it, such as `api-key:<id>`.")]
    destructive: Annotated[bool, Field(description="Whether reads of the objects that it removed were stopped.")]
    is_latest: bool


class Integration(_Wire):
    """A named entry of the manifest, with its newest revision."""

    id: str
    project_id: str
    name: str
    provider: str
    create_time: datetime
    update_time: datetime | None = None
    latest_revision: Revision


class FirstRevision(_Wire):
    """The first revision of an integration."""

    spec_version: str
    content: dict[str, Any]


class CreateIntegration(_Wire):
    """An integration to make."""

    name: str
    provider: str
    latest_revision: FirstRevision


class Source(_Wire):
    """Where the manifest comes from: exactly one of the two."""

    source_zip_url: Annotated[str, Field(max_length=2000)] | None = None
    source_yaml: Annotated[str, Field(max_length=1_000_000)] | None = None


class Rollback(_Wire):
    """The revision whose content is to be deployed again."""

    revision_id: Annotated[
        str, Field(max_length=200, description="Its id, or `previous` for the one before the latest.")
    ]
    destructive: Annotated[bool, Field(description="Whether reads of objects that it does not have are stopped.")] = (
        False
    )


class SignedUrl(_Wire):
    """Where to upload an archive, and how the deploy names it: `gs://{bucket}{path}`."""

    url: str
    bucket: str
    path: str
