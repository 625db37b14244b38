"""Runs queries: which records they find, and those records as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import orjson

from conjunct.simulators.salesforce.database import Database
from conjunct.simulators.salesforce.definitions import Record, Value
from conjunct.simulators.salesforce.soql.aggregates import aggregate, is_aggregate
from conjunct.simulators.salesforce.soql.filters import Filters
from conjunct.simulators.salesforce.soql.parser import parse
from conjunct.simulators.salesforce.soql.paths import Paths, Way
from conjunct.simulators.salesforce.soql.shapes import Child, Shape, Shaper, plain_record
from conjunct.simulators.salesforce.soql.syntax import Order, Path, Query
from conjunct.simulators.salesforce.soql.tokens import malformed, pointing
from conjunct.simulators.salesforce.store import Records, fold, iterate

_KEPT = 250_000


@dataclass(frozen=True, slots=True)
class Finding:
    """What a query found: the places of records, to be shown in a shape, or results that are ready (of groups)."""

    query: Query
    records: Records
    places: Sequence[int]
    shape: Shape
    ready: Sequence[Record] | None = None

    @property
    def total(self) -> int:
        """How many results there are."""
        return len(self.places) if self.ready is None else len(self.ready)


class Queries:
    """Answers queries over the org. `base` is the path before `/sobjects` in the URLs of records."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._encoded: dict[tuple[str, tuple[str, ...]], tuple[int, dict[int, bytes]]] = {}
        self._kept = 0

    def find(self, text: str, *, deleted: bool = False, base: str = "") -> Finding:
        """What the query finds; `deleted` looks into the recycle bin as well. Raises `SalesforceError`."""
        query = parse(text)
        records = self._database.find(query.source)
        if records is None:
            raise pointing(
                "INVALID_TYPE", text, query.source_at,
                f"sObject type '{query.source}' is not supported. If you are attempting to use a custom object, be "
                "sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for "
                "the appropriate names.",
            )  # fmt: skip
        return _Run(self._database, text, deleted=deleted, base=base).find(records, query)

    def page(self, finding: Finding, start: int, size: int, base: str) -> tuple[bytes, int]:
        """Up to `size` results from `start` on, as the inside of a JSON array, and how many they are."""
        if finding.ready is not None:
            ready = finding.ready[start : start + size]
            return b",".join(orjson.dumps(result) for result in ready), len(ready)
        places = finding.places[start : start + size]
        if finding.shape.simple:
            return b",".join(self._simple(finding, places, base)), len(places)
        run = _Run(self._database, finding.query.text, deleted=False, base=base)
        parts = (orjson.dumps(run.render(finding.records, place, finding.shape)) for place in places)
        return b",".join(parts), len(places)

    def columns(self, finding: Finding) -> list[tuple[str, Way]]:
        """The columns of the results as a table: their names, and where their values are."""
        paths = Paths(self._database, finding.query.text)
        items = finding.query.items
        listed = [item for item in items if isinstance(item, Path)]
        if len(listed) < len(items):
            listed = [Path((name,), 0) for name in finding.shape.plain]
        columns = []
        for path in listed:
            way = paths.way(finding.records, path)
            columns.append((".".join([*(step.parent or "" for step in way.steps), way.field.name]), way))
        return columns

    def rows(self, finding: Finding, start: int, size: int) -> Iterator[list[Value]]:
        """Up to `size` results from `start` on, as rows of the table."""
        paths = Paths(self._database, finding.query.text)
        ways = [way for _name, way in self.columns(finding)]
        for place in finding.places[start : start + size]:
            values = finding.records.values(place)
            row = []
            for way in ways:
                value = values.get((way.steps[0] if way.steps else way.field).name)
                for item in (*way.steps[1:], way.field) if way.steps else ():
                    value = paths.follow(value, item)
                row.append(False if value is None and way.field.type == "boolean" and not way.steps else value)
            yield row

    def _simple(self, finding: Finding, places: Iterable[int], base: str) -> list[bytes]:
        """Records that stand for themselves: each is encoded once, until anything of their object changes."""
        records, shape = finding.records, finding.shape
        key = (f"{base}/{records.kind.name}", tuple(shape.plain))
        version, kept = self._encoded.get(key, (-1, {}))
        if version != records.version or self._kept > _KEPT:
            if self._kept > _KEPT:
                self._encoded.clear()
                self._kept = 0
            kept = {}
            self._encoded[key] = (records.version, kept)
        url = f"{base}/sobjects/{records.kind.name}/"
        parts = []
        for place in places:
            part = kept.get(place)
            if part is None:
                values = records.values(place)
                record = {
                    "attributes": {"type": records.kind.name, "url": url + values["Id"]},
                    **plain_record(values, shape),
                }
                # A copy, because what the encoder returns holds on to the whole buffer that it wrote into.
                part = kept[place] = bytes(memoryview(orjson.dumps(record)))
                self._kept += 1
            parts.append(part)
        return parts


class _Run:
    """One query's run, with those that are within it."""

    def __init__(self, database: Database, text: str, *, deleted: bool, base: str) -> None:
        self._database = database
        self._text = text
        self._deleted = deleted
        self._base = base
        self._paths = Paths(database, text)
        self._filters = Filters(database, self._paths, text, self._values)
        self._shaper = Shaper(self._paths, text, self._child)

    def find(self, records: Records, query: Query) -> Finding:
        places = self._places(records, query, list_or_range(iterate(records, deleted=self._deleted)))
        if query.counts:
            limited = places[query.offset :][: query.limit]
            return Finding(query, records, limited, Shape())
        if is_aggregate(query):
            ready = aggregate(records, query, places, self._paths, self._text)
            return Finding(query, records, (), Shape(), ready)
        shape = self._shaper.shape(records, query)
        return Finding(query, records, self._cut(records, query, places), shape)

    def render(self, records: Records, place: int, shape: Shape) -> Record:
        values = records.values(place)
        record: Record = {"attributes": self._attributes(records, values["Id"])}
        for name in shape.order:
            if name in shape.parents:
                reference, inner = shape.parents[name]
                record[name] = self._parent(values.get(reference), inner)
            elif name in shape.children:
                record[name] = shape.children[name](values["Id"])
            else:
                value = values.get(name, shape.empty[name])
                record[name] = records.kind.name if value is None and name == "Type" and name not in values and (
                    "type" not in records.fields) else value  # fmt: skip
        return record

    def _parent(self, long_id: Value, shape: Shape) -> Record | None:
        holder = None if long_id is None else self._database.holder(long_id)
        return None if holder is None else self.render(*holder, shape)

    def _attributes(self, records: Records, long_id: str) -> dict[str, str]:
        name = records.kind.name
        return {"type": name, "url": f"{self._base}/sobjects/{name}/{long_id}"}

    def _places(self, records: Records, query: Query, places: Sequence[int]) -> Sequence[int]:
        return self._filters.apply(records, query.where, places)

    def _cut(self, records: Records, query: Query, places: Sequence[int]) -> Sequence[int]:
        ordered = self._sorted(records, query.order_by, places)
        end = None if query.limit is None else query.offset + query.limit
        return ordered[query.offset : end]

    def _sorted(self, records: Records, orders: Sequence[Order], places: Sequence[int]) -> Sequence[int]:
        """Nulls come first unless the query says otherwise; ties stay in the order of ids."""
        for order in reversed(orders):
            way = self._paths.way(records, order.path)
            if not way.field.filterable:
                message = f"field '{way.field.name}' can not be sorted in a query call"
                raise pointing("INVALID_FIELD", self._text, order.path.at, message)
            get = self._paths.getter(way, all_records=len(places) > records.count // 8)
            keyed = [(fold(get(place)), place) for place in places]
            valued = sorted(
                (one for one in keyed if one[0] is not None), key=lambda one: one[0], reverse=order.descending
            )
            empty = [place for value, place in keyed if value is None]
            found = [place for _value, place in valued]
            places = found + empty if order.nulls_last else empty + found
        return places

    def _child(self, records: Records, query: Query) -> tuple[str, Child]:
        """What answers a query over the records that refer to one."""
        relations = {name.lower(): (name, other, item) for name, other, item in self._database.children(records)}
        relation = relations.get(query.source.lower())
        if relation is None:
            raise pointing(
                "INVALID_TYPE", self._text, query.source_at,
                f"Didn't understand relationship '{query.source}' in FROM part of query call. If you are attempting to "
                "use a custom relationship, be sure to append the '__r' after the custom relationship name. Please "
                "reference your WSDL or the describe call for the appropriate names.",
            )  # fmt: skip
        name, other, item = relation
        if any(isinstance(inner, Query) for inner in query.items):
            raise malformed(self._text, query.source_at, "SOQL relationships may be nested one level only")
        shape = self._shaper.shape(other, query)
        # The conditions are read once before any record is, so that a fault in them is told at once.
        self._filters.apply(other, query.where, ())

        def answer(long_id: str) -> Value:
            held = [place for place in other.holders(item.name, long_id) if self._deleted or place not in other.deleted]
            places = self._cut(other, query, self._places(other, query, held))
            if not places:
                return None
            children = [self.render(other, place, shape) for place in places]
            return {"totalSize": len(children), "done": True, "records": children}

        return name, answer

    def _values(self, query: Query) -> set[Value]:
        """What a query within a condition selects: one field, of an id."""
        records = self._database.find(query.source)
        path = query.items[0]
        if records is None or len(query.items) != 1 or not isinstance(path, Path):
            raise malformed(self._text, query.source_at, "The inner query must select one field of a known object")
        places = self._places(records, query, list_or_range(iterate(records, deleted=self._deleted)))
        get = self._paths.getter(self._paths.way(records, path), all_records=False)
        return {get(place) for place in places}


def list_or_range(places: Iterable[int]) -> Sequence[int]:
    """The places as a sequence."""
    return places if isinstance(places, Sequence) else list(places)
