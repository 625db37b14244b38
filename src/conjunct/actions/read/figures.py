"""What a run has cost so far, over all its attempts: for the words that explain it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from conjunct.connectors import Traffic


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers of a run. Seconds of requests that went on at the same time are added up, so they may exceed the run's.

    `told` are the records read when the log last told of progress.
    """

    requests: int = 0
    provider_seconds: float = 0.0
    limit_seconds: float = 0.0
    mapping_seconds: float = 0.0
    delivery_seconds: float = 0.0
    delivered: int = 0
    kept: int = 0
    held: int = 0
    retries: int = 0
    waits: int = 0
    told: int = 0

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """The figures of a row; what it does not tell is nothing."""
        return cls(**stored)

    def to_json(self) -> dict[str, Any]:
        """As a row keeps them: without what is nothing."""
        return {name: round(value, 3) for name, value in asdict(self).items() if value}

    def with_requests(self, before: Figures, traffic: Traffic) -> Self:
        """These figures, with the requests of this attempt besides those of `before`, when it began."""
        return replace(
            self,
            requests=before.requests + traffic.requests,
            provider_seconds=before.provider_seconds + traffic.seconds,
            limit_seconds=before.limit_seconds + traffic.waited,
        )

    def with_page(self, *, mapping: float, delivery: float, delivered: int, kept: int, held: int) -> Self:
        """These figures and those of one more page: seconds, and messages."""
        return replace(
            self,
            mapping_seconds=self.mapping_seconds + mapping,
            delivery_seconds=self.delivery_seconds + delivery,
            delivered=self.delivered + delivered,
            kept=self.kept + kept,
            held=self.held + held,
        )
