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


class Pause(_Wire):
    """Why scheduled reads rest: a builder paused them, or they kept failing for what trying again cannot mend."""

    by: Literal["builder", "failures"]
    note: str | None = None
    since: datetime | None = None


class HeldPages(_Wire):
    """Pages that wait to be asked for, and how many were asked for beyond what there was."""

    held: int
    owed: int


class LastOperation(_Wire):
    """The newest run."""

    id: str
    status: str
    create_time: datetime


class ReadStatus(_Wire):
    """How the reads of an object stand; what there is not is left out.

    `readUntil` is the moment up to which everything has been read, there once the backfill is done.
    """

    object_name: str
    raw_object_name: str
    destination: str
    schedule: str | None = None
    next_read_time: datetime | None = None
    read_until: datetime | None = None
    disabled: bool
    pause: Pause | None = None
    held_pages: HeldPages | None = None
    backfill_operation_id: str | None = None
    last_operation: LastOperation | None = None


class PauseRequest(_Wire):
    """Which objects' scheduled reads to pause or unpause (all, when none is named), and why."""

    objects: list[str] | None = None
    note: str | None = Field(None, max_length=1000)
