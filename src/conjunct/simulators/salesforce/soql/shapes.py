"""What each record of an answer looks like: its fields, those of its parents, and its children."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from conjunct.simulators.salesforce.definitions import Record, Value
from conjunct.simulators.salesforce.soql.paths import Paths
from conjunct.simulators.salesforce.soql.syntax import AllFields, Item, Path, Query
from conjunct.simulators.salesforce.soql.tokens import malformed
from conjunct.simulators.salesforce.store import Records

_MAX_ALL_FIELDS = 200

Child = Callable[[str], Value]
"""What a relationship's name answers for the record with this id."""


@dataclass(slots=True)
class Shape:
    """The names of plain fields in order; `parents` by relationship with the field that refers, `children` by name.

    `order` holds every name as the query has them.
    """

    order: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    parents: dict[str, tuple[str, Shape]] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)
    empty: dict[str, Value] = field(default_factory=dict)

    @property
    def simple(self) -> bool:
        """Whether nothing but the record itself goes into it."""
        return not self.parents and not self.children

    def add(self, name: str, empty: Value = None) -> None:
        """One more plain field, which is `empty` where a record has no value."""
        self.order.append(name)
        self.plain.append(name)
        self.empty[name] = empty


class Shaper:
    """Makes the shape of one query. `child` turns a query within it into what answers for a record."""

    def __init__(self, paths: Paths, text: str, child: Callable[[Records, Query], tuple[str, Child]]) -> None:
        self._paths = paths
        self._text = text
        self._child = child

    def shape(self, records: Records, query: Query) -> Shape:
        """The shape of a query's records. Raises `SalesforceError`."""
        shape = Shape()
        for item in query.items:
            self._add(records, query, shape, item)
        return shape

    def _add(self, records: Records, query: Query, shape: Shape, item: Item) -> None:
        if isinstance(item, Query):
            name, answer = self._child(records, item)
            shape.order.append(name)
            shape.children[name] = answer
        elif isinstance(item, AllFields):
            self._add_all(records, query, shape, item)
        elif isinstance(item, Path):
            self._add_path(records, shape, item)
        else:
            raise malformed(self._text, item.at, "Grouped query must use aggregates or grouped fields only")

    def _add_all(self, records: Records, query: Query, shape: Shape, item: AllFields) -> None:
        if item.which != "STANDARD" and (query.limit is None or query.limit > _MAX_ALL_FIELDS):
            raise malformed(
                self._text, item.at, f"The SOQL FIELDS function must have a LIMIT of at most {_MAX_ALL_FIELDS}"
            )
        for definition in records.fields.values():
            fits = item.which == "ALL" or definition.custom == (item.which == "CUSTOM")
            if fits and definition.name not in shape.empty:
                shape.add(definition.name, _empty(definition.type))

    def _add_path(self, records: Records, shape: Shape, path: Path) -> None:
        way = self._paths.way(records, path)
        for step in way.steps:
            name = step.parent or ""
            if name not in shape.parents:
                shape.order.append(name)
                shape.parents[name] = (step.name, Shape())
            shape = shape.parents[name][1]
        if way.field.name in shape.empty:
            raise malformed(self._text, path.at, f"duplicate field selected: {way.field.name}")
        shape.add(way.field.name, _empty(way.field.type))


def plain_record(record: Record, shape: Shape) -> Record:
    """The plain fields of a record, in order."""
    empty = shape.empty
    return {name: record.get(name, empty[name]) for name in shape.plain}


def _empty(kind: str) -> Value:
    return False if kind == "boolean" else None
