"""Shapes of connections in bulk on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from conjunct.connections.fields import Ref
from conjunct.connections.transfer.formats import Format

LARGEST_IMPORT = 1000


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class ExportRequest(_Shape):
    """Which connections to take out, and how they are to be written."""

    format: Format = Field(
        description="ampersand: `Connection` objects, with all that `connections:generate` takes. nango: as its API.",
    )
    provider: Ref | None = Field(None, description="Only those of this provider.")
    group_ref: Ref | None = Field(None, description="Only those of this group.")


class ImportRequest(_Shape):
    """Connections to bring in."""

    format: Format = "ampersand"
    connections: Annotated[list[dict[str, Any]], Field(max_length=LARGEST_IMPORT)] = Field(repr=False)
    providers: Annotated[dict[Ref, Ref], Field(max_length=500)] = Field(
        default_factory=dict, description="Our providers by the names that the entries use, where they differ."
    )
    provider_apps: Annotated[dict[Ref, Ref], Field(max_length=500)] = Field(
        default_factory=dict,
        description="Ids of the provider apps that the tokens were made with, by provider; else the one with the "
        "entry's client id, else your oldest. Without one, an access token cannot be refreshed.",
    )
    on_existing: Literal["skip", "replace"] = Field(
        "skip",
        description="What happens where the consumer has a connection to the provider already. Tokens that were "
        "refreshed since they were exported would be lost by replacing them.",
    )
    dry_run: bool = Field(False, description="Say what would happen, and change nothing.")


class Fault(_Shape):
    """Why an entry was not brought in."""

    name: str
    detail: str


class ImportedConnection(_Shape):
    """What became of one entry. `index` is its place in the request, from 0."""

    index: int
    status: Literal["created", "replaced", "skipped", "failed"]
    connection_id: str | None = None
    provider: str | None = None
    group_ref: str | None = None
    detail: str | None = Field(None, description="Why it failed or was skipped, or what will not work with it.")
    issues: list[Fault] = Field(default_factory=list)


class ImportResult(_Shape):
    """What became of each entry, in the request's order."""

    dry_run: bool
    created: int
    replaced: int
    skipped: int
    failed: int
    results: list[ImportedConnection]
