"""The watermark by the provider's clock: records carry its time, so that no time of ours may be trusted beyond it."""

from __future__ import annotations

from datetime import datetime, timedelta

WORTH_TELLING = timedelta(seconds=60)
"""A clock of ours that is so far ahead is told of in the operation's log."""


def no_later_than(asked: tuple[datetime, datetime] | None, watermark: datetime) -> datetime:
    """The watermark of a read whose first page was asked for between these two moments of the provider's clock.

    What changes at the provider after that page was asked for may not be in the read. A watermark beyond it, by a clock
    of ours that is ahead, would leave those changes out for ever. So it becomes the earliest moment at which the page
    may have been asked for. Within the second that the provider's word is exact to, ours is taken.
    """
    if asked is None:
        return watermark
    earliest, latest = asked
    return watermark if watermark <= latest else earliest
