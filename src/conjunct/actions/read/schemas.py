"""The read action's requests and answers on the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel


def _as_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _only_text(value: object) -> object:
    if value is not None and not isinstance(value, str):
        raise ValueError("must be an RFC 3339 timestamp such as 2026-01-31T09:30:00Z")
    return value or None


UtcTimestamp = Annotated[datetime, BeforeValidator(_only_text), AfterValidator(_as_utc)]
"""An RFC 3339 timestamp; UTC where it names no zone."""


MOST_PAGES = 1_000_000


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class ReadRequest(_Wire):
    """Asks for a read of one group's records, all of them or those changed in a window."""

    group_ref: str = Field(min_length=1)
    mode: Literal["async"]
    since_timestamp: UtcTimestamp | None = None
    until_timestamp: UtcTimestamp | None = None


class ReadResultAsync(_Wire):
    """The operation that does the read."""

    operation_id: str


class DeliverRequest(_Wire):
    """Asks for so many pages of one group's records to be delivered."""

    group_ref: str = Field(min_length=1)
    pages: int = Field(ge=0, le=MOST_PAGES, strict=True)


class PauseRequest(_Wire):
    """Which objects' scheduled reads to pause or unpause (all, when none is named), and why."""

    objects: list[str] | None = None
    note: str | None = Field(None, max_length=1000)
