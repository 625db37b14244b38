"""Which records a condition holds for."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from conjunct.simulators.salesforce import moments
from conjunct.simulators.salesforce.database import Database, read_id
from conjunct.simulators.salesforce.definitions import NUMERIC, Field, Value
from conjunct.simulators.salesforce.soql.paths import Getter, Paths
from conjunct.simulators.salesforce.soql.periods import period
from conjunct.simulators.salesforce.soql.syntax import All, AnyOf, Comparison, Condition, Constant, Not, Query
from conjunct.simulators.salesforce.soql.tokens import pointing
from conjunct.simulators.salesforce.store import Records, fold

Test = Callable[[int], bool]
Inner = Callable[[Query], set[Value]]
"""The values that a query within a condition finds."""

_ORDERED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_QUOTED = "must be of type {} and should be enclosed in quotes"
_BARE = "must be of type {} and should not be enclosed in quotes"


class Filters:
    """Turns the conditions of one query into tests of places."""

    def __init__(self, database: Database, paths: Paths, text: str, inner: Inner) -> None:
        self._database = database
        self._paths = paths
        self._text = text
        self._inner = inner

    def apply(self, records: Records, condition: Condition | None, places: Sequence[int]) -> Sequence[int]:
        """Those of `places`, in their order, whose records the condition holds for. Raises `SalesforceError`."""
        if condition is None:
            return places
        named = self._named(records, condition)
        if named is not None:
            wanted = set(places) if not isinstance(places, range) else places
            places = sorted(place for place in set(named) if place in wanted)
        test = self._test(records, condition, all_records=named is None and len(places) > records.count // 8)
        return [place for place in places if test(place)]

    def _named(self, records: Records, condition: Condition) -> Iterable[int] | None:
        """The only places that may match, where the condition names them by unique values; else None."""
        if isinstance(condition, All):
            found = (self._named(records, item) for item in condition.conditions)
            return next((places for places in found if places is not None), None)
        if not isinstance(condition, Comparison) or condition.operator not in ("=", "IN") or condition.query:
            return None
        way = self._paths.way(records, condition.path)
        if way.steps or any(literal.kind != "text" for literal in condition.values):
            return None
        if way.field.type == "id":
            ids = [read_id(literal.value) for literal in condition.values]
            places = [records.place(long_id) for long_id in ids if long_id is not None]
            return [place for place in places if place is not None] if None not in ids else None
        if way.field.unique or way.field.type == "reference":
            values = [self._value(way.field, literal) for literal in condition.values]
            if None in values:
                return None
            return [place for value in values for place in records.holders(way.field.name, value)]
        return None

    def _test(self, records: Records, condition: Condition, *, all_records: bool) -> Test:
        if isinstance(condition, Not):
            inner = self._test(records, condition.condition, all_records=all_records)
            return lambda place: not inner(place)
        if isinstance(condition, All | AnyOf):
            tests = [self._test(records, item, all_records=all_records) for item in condition.conditions]
            join = all if isinstance(condition, All) else any
            return lambda place: join(test(place) for test in tests)
        return self._compare(records, condition, all_records=all_records)

    def _compare(self, records: Records, condition: Comparison, *, all_records: bool) -> Test:
        way = self._paths.way(records, condition.path)
        item = way.field
        if not item.filterable:
            raise pointing(
                "INVALID_FIELD", self._text, condition.path.at,
                f"field '{item.name}' can not be filtered in a query call",
            )  # fmt: skip
        held = self._paths.getter(way, all_records=all_records)
        # A checkbox that nobody has touched is not checked.
        get = (lambda place: held(place) or False) if item.type == "boolean" else held
        word = condition.operator
        if condition.query is not None:
            wanted = self._inner(condition.query)
            return lambda place: (get(place) in wanted) is (word == "IN")
        first = condition.values[0]
        if word == "LIKE":
            return self._like(condition, item, get)
        if word in ("INCLUDES", "EXCLUDES"):
            return self._includes(condition, item, get)
        if word in ("IN", "NOT IN"):
            return _among([self._value(item, literal) for literal in condition.values], get, inside=word == "IN")
        if first.kind == "range":
            return self._within(item, word, first, get)
        value = self._value(item, first)
        if word == "=":
            return lambda place: fold(get(place)) == value
        if word == "!=":
            return lambda place: fold(get(place)) != value
        if first.kind in ("null", "boolean"):
            raise self._refusal(first, f"invalid operator on {first.kind} field", "INVALID_QUERY_FILTER_OPERATOR")
        return _ordered(_ORDERED[word], value, get)

    def _like(self, condition: Comparison, item: Field, get: Getter) -> Test:
        literal = condition.values[0]
        if item.type in NUMERIC or item.type in ("id", "reference", "date", "datetime", "boolean"):
            raise self._refusal(literal, f"invalid operator on {item.type} field", "INVALID_QUERY_FILTER_OPERATOR")
        pattern = _pattern(str(self._required(item, literal, "text", _QUOTED.format("string"))))
        return lambda place: (value := get(place)) is not None and pattern.fullmatch(value) is not None

    def _includes(self, condition: Comparison, item: Field, get: Getter) -> Test:
        if item.type != "multipicklist":
            message = f"invalid operator on {item.type} field"
            raise self._refusal(condition.values[0], message, "INVALID_QUERY_FILTER_OPERATOR")
        wanted = [set(str(self._value(item, literal)).split(";")) for literal in condition.values]
        includes = condition.operator == "INCLUDES"

        def test(place: int) -> bool:
            held = set((get(place) or "").casefold().split(";"))
            return any(choice <= held for choice in wanted) is includes

        return test

    def _within(self, item: Field, word: str, literal: Constant, get: Getter) -> Test:
        if item.type not in ("date", "datetime"):
            raise self._refusal(literal, f"unexpected token: '{literal.value}'", "MALFORMED_QUERY")
        today = datetime.fromtimestamp(self._database.now() / 1000, UTC).date()
        days = period(str(literal.value), literal.count, today)
        if days is None:
            raise self._refusal(literal, f"unexpected token: '{literal.value}'", "MALFORMED_QUERY")
        start, end = (day.isoformat() if item.type == "date" else moments.of_date(day) for day in days)
        tests: dict[str, Callable[[str], bool]] = {
            "=": lambda value: start <= value < end,
            "<": lambda value: value < start,
            "<=": lambda value: value < end,
            ">": lambda value: value >= end,
            ">=": lambda value: value >= start,
        }
        if word == "!=":
            return lambda place: (value := get(place)) is None or not start <= value < end
        test = tests[word]
        return lambda place: (value := get(place)) is not None and test(value)

    def _value(self, item: Field, literal: Constant) -> Value:
        """The literal as values of the field compare. Raises `SalesforceError` when it is of another type."""
        if literal.kind == "null":
            return None
        if item.type in NUMERIC:
            return self._required(item, literal, "number", _BARE.format("double"))
        if item.type == "boolean":
            return self._required(item, literal, "boolean", _BARE.format("boolean"))
        if item.type == "date":
            return self._moment(item, literal, "date", "date")
        if item.type == "datetime":
            return self._moment(item, literal, "moment", "dateTime")
        value = self._required(item, literal, "text", _QUOTED.format("string"))
        if item.type in ("id", "reference"):
            long_id = read_id(value)
            if long_id is None and value:
                raise self._refusal(literal, f"invalid ID field: {value}", "INVALID_QUERY_FILTER_OPERATOR")
            return None if long_id is None else fold(long_id)
        return fold(value) or None

    def _moment(self, item: Field, literal: Constant, kind: str, type_name: str) -> Value:
        value = str(self._required(item, literal, kind, _BARE.format(type_name)))
        try:
            text = moments.read(value.upper()) if kind == "moment" else moments.read_date(value)
        except ValueError as fault:
            raise self._refusal(literal, f"Invalid date: {value}", "MALFORMED_QUERY") from fault
        return fold(text)

    def _required(self, item: Field, literal: Constant, kind: str, message: str) -> Value:
        if literal.kind != kind:
            raise self._refusal(literal, f"value of filter criterion for field '{item.name}' {message}")
        return literal.value

    def _refusal(self, literal: Constant, message: str, code: str = "INVALID_FIELD") -> Exception:
        return pointing(code, self._text, literal.at, message)


def _among(values: Sequence[Value], get: Getter, *, inside: bool) -> Test:
    wanted = set(values)
    return lambda place: (fold(get(place)) in wanted) is inside


def _ordered(compare: Callable[[Value, Value], bool], bound: Value, get: Getter) -> Test:
    def test(place: int) -> bool:
        value = fold(get(place))
        return value is not None and bound is not None and compare(value, bound)

    return test


def _pattern(like: str) -> re.Pattern[str]:
    """A pattern with `%` for any text and `_` for any letter; a backslash takes their meaning from them."""
    parts = re.findall(r"\\[%_]|.", like, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    return re.compile("".join(wild.get(part) or re.escape(part[-1:]) for part in parts), re.IGNORECASE | re.DOTALL)
