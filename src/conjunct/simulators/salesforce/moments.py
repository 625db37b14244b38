"""Moments as Salesforce writes them: UTC with three decimals, so that the order of texts is the order of time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - without a zone its text has no offset to cut off
_MILLISECOND = timedelta(milliseconds=1)


def to_millis(moment: datetime) -> int:
    """Whole milliseconds since 1970 of a moment with a time zone."""
    return (moment.astimezone(UTC).replace(tzinfo=None) - _EPOCH) // _MILLISECOND


def write(millis: int) -> str:
    """A moment as `2026-05-06T19:26:18.036+0000`."""
    return (_EPOCH + timedelta(milliseconds=millis)).isoformat(timespec="milliseconds") + "+0000"


def write_moment(moment: datetime) -> str:
    """A moment with a time zone in the same form."""
    return write(to_millis(moment))


def read(text: str) -> str:
    """The moment that an ISO 8601 text tells (UTC unless it says otherwise), in the form of `write`.

    Raises ValueError.
    """
    moment = datetime.fromisoformat(text)
    try:
        return write_moment(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except OverflowError as fault:
        raise ValueError(f"{text} is not a moment of the years 1 to 9999") from fault


def read_date(text: str) -> str:
    """The date in a text `2026-05-06`, perhaps with a time after it. Raises ValueError."""
    return date.fromisoformat(text[:10]).isoformat()


def of_date(day: date) -> str:
    """The moment at which a day starts in UTC."""
    return f"{day.isoformat()}T00:00:00.000+0000"
