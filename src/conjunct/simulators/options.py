"""The options that every simulator takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from conjunct.simulators.errors import InvalidOption
from conjunct.simulators.faults import parse_rules


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """How a simulator is to behave; the same options make the same records and the same faults.

    - `records`: how many records the main object has; other objects have a fixed share of it.
    - `seed`: what the made-up records, random picks and faults derive from.
    - `as_of`: the records look created and changed in the year before this moment.
    - `latency`: seconds to wait before every answer.
    - `fail`: fault rules such as `500:0.01` or `429@page=5`, see `faults.py`.
    - `rate_limit`: requests in ten seconds, beyond which the answer is 429; None is no limit.
    - `search_limit`: searches in a second, beyond which the answer is 429; None is no limit.
    - `token_lifetime`: seconds for which an access token from the OAuth endpoint is good.
    - `clock`: the present moment, with its time zone.

    Raises `InvalidOption`.
    """

    records: int = 1000
    seed: int = 1
    as_of: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    latency: float = 0.0
    fail: tuple[str, ...] = ()
    rate_limit: int | None = None
    search_limit: int | None = None
    token_lifetime: int = 1800
    clock: Callable[[], datetime] = _now

    def __post_init__(self) -> None:
        if self.records < 0:
            raise InvalidOption(f"records must not be negative, and {self.records} is.")
        if self.latency < 0:
            raise InvalidOption(f"latency must not be negative, and {self.latency} is.")
        if self.rate_limit is not None and self.rate_limit < 1:
            raise InvalidOption(f"rate_limit must be at least 1 request in ten seconds, not {self.rate_limit}.")
        if self.search_limit is not None and self.search_limit < 1:
            raise InvalidOption(f"search_limit must be at least 1 search in a second, not {self.search_limit}.")
        if self.token_lifetime < 1:
            raise InvalidOption(f"token_lifetime must be at least 1 second, not {self.token_lifetime}.")
        if self.as_of.tzinfo is None:
            raise InvalidOption("as_of needs a time zone.")
        parse_rules(self.fail)
