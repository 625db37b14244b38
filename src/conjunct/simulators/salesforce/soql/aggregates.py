"""Queries that answer counts, sums and extremes of groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from conjunct.simulators.salesforce.definitions import Record, Value
from conjunct.simulators.salesforce.soql.paths import Getter, Paths
from conjunct.simulators.salesforce.soql.syntax import Aggregate, Path, Query
from conjunct.simulators.salesforce.soql.tokens import malformed
from conjunct.simulators.salesforce.store import Records


def is_aggregate(query: Query) -> bool:
    """Whether a query answers groups rather than records."""
    return bool(query.group_by) or any(isinstance(item, Aggregate) for item in query.items)


def aggregate(records: Records, query: Query, places: Sequence[int], paths: Paths, text: str) -> list[Record]:
    """One result for each group of the records at `places`. Raises `SalesforceError`."""
    many = len(places) > records.count // 8
    keys = [paths.getter(paths.way(records, path), all_records=many) for path in query.group_by]
    columns = _columns(records, query, paths, text, many=many)
    groups: dict[tuple[Value, ...], list[int]] = {} if keys else {(): []}
    for place in places:
        groups.setdefault(tuple(key(place) for key in keys), []).append(place)
    results = [
        {"attributes": {"type": "AggregateResult"}, **{name: _value(how, get, group) for name, how, get in columns}}
        for group in groups.values()
    ]
    return results[query.offset :][: query.limit]


def _columns(records: Records, query: Query, paths: Paths, text: str, *, many: bool) -> list[tuple[str, str, Getter]]:
    grouped = {path.names for path in query.group_by}
    columns: list[tuple[str, str, Getter]] = []
    unnamed = 0
    for item in query.items:
        if isinstance(item, Aggregate) and item.path is not None:
            name = item.alias or f"expr{unnamed}"
            unnamed += item.alias is None
            columns.append((name, item.function, paths.getter(paths.way(records, item.path), all_records=many)))
        elif isinstance(item, Path) and item.names in grouped:
            way = paths.way(records, item)
            columns.append((way.field.name, "FIRST", paths.getter(way, all_records=many)))
        else:
            at = getattr(item, "at", 0)
            raise malformed(text, at, "Field must be grouped or aggregated")
    return columns


def _value(how: str, get: Getter, group: Iterable[int]) -> Value:
    values: list[Any] = [value for place in group if (value := get(place)) is not None]
    if how == "COUNT":
        return len(values)
    if how == "COUNT_DISTINCT":
        return len(set(values))
    if not values:
        return None
    if how in ("MIN", "MAX"):
        return min(values) if how == "MIN" else max(values)
    if how == "FIRST":
        return values[0]
    numbers = [value for value in values if isinstance(value, int | float)]
    total = float(sum(numbers))
    return total if how == "SUM" else total / max(1, len(numbers))
