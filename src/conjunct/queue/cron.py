"""When a cron expression is next due, in a time zone, as Debian's cron has it at daylight-saving changes."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from conjunct.core.problems import Unprocessable


class BadSchedule(Unprocessable):
    """The cron expression or its time zone is not valid, or never comes."""

    slug = "bad-schedule"
    title = "The schedule is not valid"


def next_moment(cron: str, timezone: str, after: datetime, *, offset: timedelta = timedelta()) -> datetime:
    """The first moment later than `after` at which the expression, moved by `offset` (< 1 min), is due; in UTC.

    `cron` has the five classic fields. Raises `BadSchedule`.
    """
    minute = (after - offset).astimezone(UTC).replace(second=0, microsecond=0)
    return _next_minute(cron, timezone, minute) + offset


def spread(identity: str) -> timedelta:
    """A part of a minute (whole seconds) that is always the same for one identity and even among many."""
    return timedelta(seconds=zlib.crc32(identity.encode()) % 60)


@lru_cache(maxsize=4096)  # thousands of schedules share a few expressions, and are fired in the same minutes
def _next_minute(cron: str, timezone: str, minute: datetime) -> datetime:
    if len(cron.split()) != 5:
        raise BadSchedule(f"{cron!r} must have five fields: minute, hour, day of month, month, day of week")
    zone = _zone(timezone)
    try:
        moments = CronSim(cron, minute.astimezone(zone))
        # Where the clock is put back, a local time comes twice, and cronsim may name the first one again.
        return next(moment for moment in moments if moment > minute).astimezone(UTC)
    except CronSimError as error:
        raise BadSchedule(f"{cron!r} is not a cron expression: {error}") from error
    except StopIteration as error:
        raise BadSchedule(f"{cron!r} never comes") from error


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise BadSchedule(f"{name!r} is not a time zone, such as UTC or Europe/Berlin") from error
