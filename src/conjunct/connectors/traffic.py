"""What a connector has asked of its provider so far, and when the provider says that it was."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


@dataclass(slots=True)
class Traffic:
    """Requests; the seconds that they took, those at the same time added up; the seconds that they waited for limits.

    `asked` tells when the provider was first asked, by its own clock: between these two moments. None as long as it
    has told no time.
    """

    requests: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    asked: tuple[datetime, datetime] | None = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time of the block as waiting."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.waited += time.monotonic() - began

    @contextmanager
    def requesting(self) -> Iterator[Clocked]:
        """Count the block as a request; what the provider's clock says is to be handed to what this gives."""
        clocked = Clocked(self, time.monotonic())
        self.requests += 1
        try:
            yield clocked
        finally:
            self.seconds += time.monotonic() - clocked.began


@dataclass(frozen=True, slots=True)
class Clocked:
    """A request that began at that second."""

    traffic: Traffic
    began: float

    def answered(self, headers: Mapping[str, str]) -> None:
        """Note what the provider's clock says (RFC 9110, 6.6.1): whole seconds, of a moment since it was asked.

        An answer from a cache (RFC 9111, 5.1) tells when it was put there, which says nothing.
        """
        if self.traffic.asked is not None or headers.get("Age", "0") != "0":
            return
        if (moment := _moment(headers.get("Date"))) is not None:
            elapsed = timedelta(seconds=time.monotonic() - self.began)
            self.traffic.asked = moment - elapsed, moment + timedelta(seconds=1)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
