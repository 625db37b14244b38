"""What came in and what went out, for tests that assert on bytes and for the statistics of a run."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as it came. `query` is the raw query string; `headers` are looked up without regard to case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def to_wire(self) -> dict[str, Any]:
        """The request as JSON: header names in lower case, the body as text."""
        return {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": self.body.decode("utf-8", "replace"),
        }


class Journal:
    """Counts every request of the simulated API and keeps the last thousand."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._routes: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self.page_requests = 0
        self.records_served = 0

    def request(self, entry: Entry, route: str, *, page: bool) -> None:
        """Note a request of `route`, such as `GET /v1/things/{id}`."""
        self._entries.append(entry)
        self._routes[route] += 1
        self.page_requests += page

    def answer(self, status: int, records: int) -> None:
        """Note an answer that was given, with the number of records in it."""
        self._statuses[status] += 1
        self.records_served += records

    def last(self, count: int) -> list[Entry]:
        """The last `count` requests that are still kept, oldest first."""
        entries = list(self._entries)
        return entries[max(0, len(entries) - count) :]

    def stats(self) -> dict[str, Any]:
        """The counts as JSON."""
        return {
            "requests": self._routes.total(),
            "requestsByRoute": dict(sorted(self._routes.items())),
            "answersByStatus": {str(status): count for status, count in sorted(self._statuses.items())},
            "pageRequests": self.page_requests,
            "recordsServed": self.records_served,
        }
