"""Moments as HubSpot counts and writes them: milliseconds since 1970, and RFC 3339 in UTC with three decimals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - without a zone its text has no offset to cut off
_MILLISECOND = timedelta(milliseconds=1)


def to_millis(moment: datetime) -> int:
    """Whole milliseconds since 1970 of a moment with a time zone."""
    return (moment.astimezone(UTC).replace(tzinfo=None) - _EPOCH) // _MILLISECOND


def write(millis: int) -> str:
    """A moment as `2026-05-06T19:26:18.036Z`."""
    return (_EPOCH + timedelta(milliseconds=millis)).isoformat(timespec="milliseconds") + "Z"


def read(text: str) -> int:
    """Milliseconds since 1970 of a count of them or of an ISO 8601 date or moment (UTC unless it says otherwise).

    Raises ValueError.
    """
    if text.lstrip("-").isdecimal():
        return int(text)
    moment = datetime.fromisoformat(text)
    try:
        return to_millis(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except OverflowError as fault:
        raise ValueError(f"{text} is not a moment of the years 1 to 9999") from fault
