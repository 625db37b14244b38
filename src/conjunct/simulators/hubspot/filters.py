"""Search filters: each narrows a list of places by one comparison over a property's column."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from conjunct.simulators.hubspot import errors
from conjunct.simulators.hubspot.store import Comparable, RecordStore, comparable

_ONE_VALUE = ("EQ", "LT", "LTE", "GT", "GTE", "CONTAINS_TOKEN")
_OPPOSITES = {
    "NEQ": "EQ",
    "NOT_IN": "IN",
    "NOT_CONTAINS_TOKEN": "CONTAINS_TOKEN",
    "NOT_HAS_PROPERTY": "HAS_PROPERTY",
}
_OPERATORS = frozenset((*_ONE_VALUE, "BETWEEN", "IN", "HAS_PROPERTY", *_OPPOSITES))

_WORD = re.compile(r"\w+")
_WORD_PATTERN = re.compile(r"[\w*]+")

_Test = Callable[[Comparable], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """One comparison: a property, a positive operator, its values ready to be compared, and whether to negate it."""

    name: str
    operator: str
    values: tuple[Any, ...]
    negated: bool

    @property
    def bounds_ids(self) -> bool:
        """Whether this is a bound on the record's id, which cuts a range of places."""
        bounds = self.name == "hs_object_id" and self.operator in _BOUNDS and not self.negated
        return bounds and isinstance(self.values[0], int)

    def apply(self, places: Iterable[int], store: RecordStore) -> Iterable[int]:
        """Those of `places`, in order, whose records match. A record without a value matches only a negation."""
        if self.bounds_ids and isinstance(places, range):
            return _narrow(places, *_BOUNDS[self.operator](self.values[0] - store.kind.first_id))
        test, column = _test(self.operator, self.values), store.column(self.name)
        if self.negated:
            return [place for place in places if (value := column[place]) is None or not test(value)]
        return [place for place in places if (value := column[place]) is not None and test(value)]


def parse_filter(wire: Any, store: RecordStore) -> Filter:
    """The filter that a search body writes. Raises `HubSpotError`."""
    if not isinstance(wire, dict):
        raise errors.invalid("Invalid input JSON: a filter must be an object")
    name, given = wire.get("propertyName"), wire.get("operator")
    if not isinstance(given, str) or given not in _OPERATORS:
        raise errors.invalid(f"Invalid input JSON: unknown filter operator {given!r}")
    definition = store.definitions.get(name) if isinstance(name, str) else None
    if definition is None:
        raise errors.invalid(f"There was a problem with the request. Property '{name}' does not exist")
    positive = _OPPOSITES.get(given, given)
    texts = [_text(value, given) for value in _values(wire, positive)]
    # Tokens are matched in the text of a value, whatever its type is.
    kind = "string" if positive == "CONTAINS_TOKEN" else definition.type
    try:
        values = tuple(comparable(kind, text) for text in texts)
    except ValueError as fault:
        raise errors.invalid(f"'{texts}' is not a valid value of the {kind} property '{name}'") from fault
    return Filter(definition.name, positive, values, negated=positive != given)


def _values(wire: dict[str, Any], name: str) -> list[Any]:
    if name == "HAS_PROPERTY":
        return []
    if name == "IN":
        values = wire.get("values")
        if not isinstance(values, list) or not values:
            raise errors.invalid(f"operator {wire['operator']} requires values")
        return values
    if name == "BETWEEN":
        return [wire.get("value"), wire.get("highValue")]
    return [wire.get("value")]


def _text(value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or value == "" or not isinstance(value, str | int | float):
        raise errors.invalid(f"operator {name} requires a value")
    return str(value)


def _test(name: str, values: tuple[Any, ...]) -> _Test:
    if name in _COMPARE:
        return partial(_COMPARE[name], values[0])
    if name == "IN":
        return frozenset(values).__contains__
    if name == "BETWEEN":
        low, high = values
        return lambda value: bool(low <= value <= high)
    if name == "CONTAINS_TOKEN":
        return _contains(str(values[0]))
    return lambda _value: True


# The bound comes first, so each operator stands for its mirror image.
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": operator.eq,
    "LT": operator.gt,
    "LTE": operator.ge,
    "GT": operator.lt,
    "GTE": operator.le,
}

_BOUNDS: dict[str, Callable[[int], tuple[int | None, int | None]]] = {
    "EQ": lambda bound: (bound, bound + 1),
    "LT": lambda bound: (None, bound),
    "LTE": lambda bound: (None, bound + 1),
    "GT": lambda bound: (bound + 1, None),
    "GTE": lambda bound: (bound, None),
}


def _narrow(places: range, start: int | None, stop: int | None) -> range:
    """Ids are in the order of places, so a bound on ids cuts the range without looking at the records."""
    first = places.start if start is None else max(places.start, start)
    last = places.stop if stop is None else min(places.stop, stop)
    return range(first, max(first, last))


def _contains(wanted: str) -> _Test:
    """Whether the wanted words stand next to each other in a value; `*` stands for any part of a word."""
    patterns = [re.compile(word.replace("*", r"\w*")) for word in _WORD_PATTERN.findall(wanted)]

    def test(value: Comparable) -> bool:
        words = _WORD.findall(str(value))
        starts = range(len(words) - len(patterns) + 1)
        return any(all(p.fullmatch(words[at + i]) for i, p in enumerate(patterns)) for at in starts)

    return test
