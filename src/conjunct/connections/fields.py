"""Types of what callers send: bounded texts, secrets, and moments in time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field, PlainValidator, SecretStr, WithJsonSchema


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # the library's words would repeat the value, and it stands among secrets
    raise ValueError("a time is a text in RFC 3339 with its zone, such as 2026-01-31T09:30:00Z")


Ref = Annotated[str, Field(min_length=1, max_length=512)]
"""A reference of the builder's own; short enough to be indexed."""

ShortText = Annotated[str, Field(max_length=2000)]
"""A name or a value that is shown and kept as it is."""

Secret = Annotated[SecretStr, Field(max_length=32768)]
"""A part of a credential: masked in `repr`, never in a problem."""

Moment = Annotated[
    datetime, PlainValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation")
]
"""A moment in UTC, from RFC 3339 text with any zone."""
