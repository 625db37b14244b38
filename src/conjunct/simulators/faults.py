"""Faults on demand: rules that say which requests go wrong and how, the same ones in every run of a seed.

A rule is written `KIND:PROBABILITY`, `KIND@page=N` or `KIND@request=N`. The kind is an HTTP error status or one of

- `timeout`: the answer never comes;
- `reset`: the connection is cut instead of an answer;
- `html`: a web page comes with status 200;
- `truncate`: the connection is cut in the middle of the answer.

A status may name the provider's own code for the error, where the simulator has such: `400/UNABLE_TO_LOCK_ROW`.

`@page=N` hits the Nth request for a page of records once, `@request=N` the Nth request of any sort once.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast

from conjunct.simulators.errors import InvalidOption

_NAMED_KINDS = ("timeout", "reset", "html", "truncate")
_KIND = rf"(?P<kind>[45]\d\d(?:/[A-Z][A-Z_]*)?|{'|'.join(_NAMED_KINDS)})"
_RULE = re.compile(_KIND + r"(?::(?P<probability>\d*\.?\d+)|@(?P<unit>page|request)=(?P<position>[1-9]\d*))")


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One rule. Either `probability` (0 to 1) is set, or `unit` and `position` (counted from 1) are."""

    kind: str
    probability: float | None = None
    unit: Literal["page", "request"] = "request"
    position: int = 0

    @property
    def status(self) -> int | None:
        """The HTTP status to answer, or None for the kinds that have a name."""
        status = self.kind.partition("/")[0]
        return int(status) if status.isdigit() else None

    @property
    def code(self) -> str:
        """The provider's own code for the error, or nothing."""
        return self.kind.partition("/")[2]


def parse_rule(text: str) -> FaultRule:
    """The rule that `text` writes, such as `500:0.01`. Raises `InvalidOption`."""
    match = _RULE.fullmatch(text.strip())
    if match is None:
        raise InvalidOption(
            f"{text!r} is not a fault rule: write KIND:PROBABILITY, KIND@page=N or KIND@request=N, where KIND is an "
            f"error status (400 to 599, or 400/CODE for the provider's own code), {', '.join(_NAMED_KINDS)}."
        )
    if match["probability"] is None:
        unit = cast("Literal['page', 'request']", match["unit"])
        return FaultRule(match["kind"], unit=unit, position=int(match["position"]))
    probability = float(match["probability"])
    if probability > 1:
        raise InvalidOption(f"{text!r}: a probability is at most 1.")
    return FaultRule(match["kind"], probability=probability)


def parse_rules(texts: Iterable[str]) -> tuple[FaultRule, ...]:
    """The rules in order. Raises `InvalidOption` at the first that cannot be read."""
    return tuple(parse_rule(text) for text in texts)


class FaultPlan:
    """Counts requests and decides which of them go wrong."""

    def __init__(self, rules: Iterable[str], seed: int) -> None:
        self._seed = seed
        self._initial = tuple(rules)
        self.set(self._initial)

    def set(self, rules: Iterable[str]) -> None:
        """Replace the rules and count from 1 again. Raises `InvalidOption`, and then changes nothing."""
        texts = tuple(rules)
        self._rules = parse_rules(texts)
        self.texts = texts
        self.counts: Counter[str] = Counter()
        self._seen = {"request": 0, "page": 0}
        self._random = random.Random(f"faults:{self._seed}")  # noqa: S311 - repeatable on purpose

    def reset(self) -> None:
        """Return to the rules of the start."""
        self.set(self._initial)

    def next(self, *, page: bool) -> FaultRule | None:
        """The first rule that hits the request that has just come, if any."""
        self._seen["request"] += 1
        self._seen["page"] += page
        for rule in self._rules:
            if self._hits(rule, page=page):
                self.counts[rule.kind] += 1
                return rule
        return None

    def _hits(self, rule: FaultRule, *, page: bool) -> bool:
        if rule.probability is not None:
            return self._random.random() < rule.probability
        counted = page or rule.unit == "request"
        return counted and self._seen[rule.unit] == rule.position
