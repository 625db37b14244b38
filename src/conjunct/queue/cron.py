"""When a cron expression is next due, in a time zone, as Debian's cron has it at daylight-saving changes."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from conjunct.core.problems import Unprocessable
from conjunct.kit import cron


class BadSchedule(Unprocessable):
    """The cron expression or its time zone is not valid, or never comes."""

    slug = "bad-schedule"
    title = "The schedule is not valid"


def next_moment(expression: str, timezone: str, after: datetime, *, offset: timedelta = timedelta()) -> datetime:
    """The first moment later than `after` at which the expression, moved by `offset` (< 1 min), is due; in UTC.

    `expression` has the five classic fields. Raises `BadSchedule`.
    """
    minute = (after - offset).astimezone(UTC).replace(second=0, microsecond=0)
    return _next_minute(expression, timezone, minute) + offset


def spread(identity: str) -> timedelta:
    """A part of a minute (whole seconds) that is always the same for one identity and even among many."""
    return timedelta(seconds=zlib.crc32(identity.encode()) % 60)


@lru_cache(maxsize=4096)  # thousands of schedules share a few expressions, and are fired in the same minutes
def _next_minute(expression: str, timezone: str, minute: datetime) -> datetime:
    try:
        return cron.parse(expression).next_after(minute, timezone)
    except ValueError as error:
        raise BadSchedule(str(error)) from error
