"""Records out of an answer: where they stand, their ids, and the requested fields of each.

Compiled once for an object and a list of fields. A field is looked for in the places that the definition names, in any
letter case, then among the custom fields; it is delivered under its lower-cased name, as Ampersand does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from conjunct.connectors.errors import MalformedAnswer
from conjunct.connectors.formats import read_time
from conjunct.connectors.paths import JsonPath, parse_path
from conjunct.connectors.query import ALL_FIELDS, FailedRecord, Record
from conjunct.connectors.read_definition import ClientFilter, CustomFields, ReadRule
from conjunct.kit.json_path import is_nested, lookup, parse_selector

Projector = Callable[[dict[str, Any]], dict[str, Any]]

Names = Mapping[str, str] | None
"""The names of custom fields by their ids; None where records name them themselves."""

MAX_SHAPES = 512
_ABSENT = object()


class NotARecord(ValueError):
    """An entry of a page is not a record; the text says why."""


def locate(body: Any, path: JsonPath, *, optional: bool = False) -> list[Any]:
    """The list of records in an answer. An object where a list could be counts as one record; null as none.

    `optional`: the list may be absent. Raises `MalformedAnswer` when nothing of the kind is there.
    """
    found = path.find(body)
    if isinstance(found, list):
        return found
    if isinstance(found, dict):
        return [found]
    where = f"at '{'.'.join(path.steps)}'" if path.steps else "as the answer"
    if found is not None:
        raise MalformedAnswer(f"there is no list of records {where}, but {type(found).__name__} {str(found)[:80]!r}")
    parent = JsonPath(path.steps[:-1]).find(body)
    is_there = not path.steps or (isinstance(parent, dict) and path.steps[-1] in parent)
    if is_there or (optional and isinstance(body, dict)):
        return []
    had = f"; it has {', '.join(map(str, list(body)[:8]))}" if isinstance(body, dict) and body else ""
    raise MalformedAnswer(f"the answer has no list of records {where}{had}")


def exact_id(value: Any) -> str:
    """An id as text, digit for digit. Raises `NotARecord` for what cannot be an id."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, dict | list):
        raise NotARecord("its id is an object or a list")
    raise NotARecord("it has no id" if value in (None, "") else f"its id is {value!r}")


@dataclass(frozen=True, slots=True)
class RecordReader:
    """Turns the entries of a page into records."""

    item: JsonPath
    id: JsonPath | None
    project: Projector

    def read(self, entries: Sequence[Any]) -> tuple[list[Record], list[FailedRecord]]:
        """The records, and the entries that are none."""
        records: list[Record] = []
        failed: list[FailedRecord] = []
        for index, entry in enumerate(entries):
            try:
                records.append(self.read_one(entry))
            except NotARecord as reason:
                failed.append(FailedRecord(index, f"entry {index} of the page is not a record: {reason}", entry))
        return records, failed

    def read_one(self, entry: Any) -> Record:
        """One record. Raises `NotARecord`."""
        raw = self.item.find(entry) if self.item.steps else entry
        if not isinstance(raw, dict):
            raise NotARecord("it is null" if raw is None else f"it is not an object but {type(raw).__name__}")
        identifier = exact_id(self.id.find(raw)) if self.id is not None else None
        return Record(identifier, self.project(raw), raw)


def compile_reader(rule: ReadRule, fields: Sequence[str], names: Names = None) -> RecordReader:
    """A reader of the requested fields (`"*"` among them: all). `names` are those of custom fields by their ids."""
    return RecordReader(
        parse_path(rule.item), parse_path(rule.id) if rule.id else None, compile_projector(rule, fields, names)
    )


def compile_projector(rule: ReadRule, fields: Sequence[str], names: Names = None) -> Projector:
    """A function from a raw record to the requested fields under their lower-cased names."""
    sources = tuple(parse_path(path) for path in rule.fields_from)
    custom = _custom_reader(rule.custom_fields, names) if rule.custom_fields else None
    nested = tuple((field.lower(), parse_selector(field)) for field in dict.fromkeys(fields) if is_nested(field))
    if ALL_FIELDS in fields:
        flat: Projector = _AllFields(sources, custom)
    else:
        flat = _NamedFields(sources, tuple(dict.fromkeys(f.lower() for f in fields if not is_nested(f))), custom)
    if not nested:
        return flat

    def project(raw: dict[str, Any]) -> dict[str, Any]:
        values = flat(raw)
        places = [place for source in sources if isinstance(place := source.find(raw), dict)]
        if not any(place is raw for place in places):
            places.append(raw)
        for name, selector in nested:
            value = _nested_value(places, selector)
            if value is not _ABSENT:
                values[name] = value
        return values

    return project


def _nested_value(places: Sequence[dict[str, Any]], selector: tuple[str, ...]) -> Any:
    for place in places:
        value = lookup(place, selector, _ABSENT, ignore_case=True)
        if value is not _ABSENT:
            return value
    return _ABSENT


class _NamedFields:
    """Picks named fields. What keys to take is worked out once for each shape of record, not for each record."""

    def __init__(
        self, sources: tuple[JsonPath, ...], names: tuple[str, ...], custom: Callable[[Any], dict[str, Any]] | None
    ) -> None:
        self._sources = sources
        self._names = names
        self._custom = custom
        self._first = sources[0]
        self._first_shapes: dict[tuple[str, ...], tuple[tuple[str, str], ...] | None] = {}
        self._shapes: dict[tuple[Any, ...], tuple[tuple[str, int, str], ...]] = {}

    def __call__(self, raw: dict[str, Any]) -> dict[str, Any]:
        # Most have all fields in the first place, and it is here that a long read spends its time.
        place = self._first.find(raw)
        if type(place) is dict:
            shape = tuple(place)
            picks = self._first_shapes.get(shape) or self._learn_first(shape)
            if picks is not None:
                return {name: place[key] for name, key in picks}
        return self._from_all_places(raw)

    def _from_all_places(self, raw: dict[str, Any]) -> dict[str, Any]:
        places = [found for source in self._sources if isinstance(found := source.find(raw), dict)]
        shape = tuple(map(tuple, places))
        picks = self._shapes.get(shape)
        if picks is None:
            picks = self._learn(shape)
        values = {name: places[place][key] for name, place, key in picks}
        if self._custom is not None and len(values) < len(self._names):
            custom = self._custom(raw)
            values |= {name: custom[name] for name in self._names if name not in values and name in custom}
        return values

    def _learn_first(self, shape: tuple[str, ...]) -> tuple[tuple[str, str], ...] | None:
        """Which keys of the first place to take; None when it has not all fields."""
        if shape in self._first_shapes:
            return None
        if len(self._first_shapes) >= MAX_SHAPES:
            self._first_shapes.clear()
        known = {key.lower(): key for key in reversed(shape)}  # of several that differ in case only, the first
        picks = tuple((name, known[name]) for name in self._names if name in known)
        found = picks if len(picks) == len(self._names) else None
        self._first_shapes[shape] = found
        return found

    def _learn(self, shape: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, int, str], ...]:
        if len(self._shapes) >= MAX_SHAPES:
            self._shapes.clear()
        # Reversed twice over: the first place wins, and in it the first key of several that differ in case only.
        known = {key.lower(): (place, key) for place in reversed(range(len(shape))) for key in reversed(shape[place])}
        picks = tuple((name, *known[name]) for name in self._names if name in known)
        self._shapes[shape] = picks
        return picks


class _AllFields:
    """Takes every field."""

    def __init__(self, sources: tuple[JsonPath, ...], custom: Callable[[Any], dict[str, Any]] | None) -> None:
        self._sources = sources
        self._custom = custom

    def __call__(self, raw: dict[str, Any]) -> dict[str, Any]:
        values = self._custom(raw) if self._custom is not None else {}
        for source in reversed(self._sources):
            place = source.find(raw)
            if isinstance(place, dict):
                values |= {key.lower(): place[key] for key in reversed(place)}
        return values


def _custom_reader(
    rule: CustomFields, names: Names = None, spelled: Callable[[str], str] = str.lower
) -> Callable[[Any], dict[str, Any]]:
    at, value = parse_path(rule.at), _value_reader(rule.value)
    key_path = parse_path(rule.name) if rule.name is not None else None

    def entries(raw: Any) -> Iterable[tuple[Any, Any]]:
        place = at.find(raw)
        if key_path is not None:
            return [(key_path.find(entry), entry) for entry in place] if isinstance(place, list) else ()
        return place.items() if isinstance(place, dict) else ()

    def named(key: str) -> str | None:
        if names is None:
            return key
        # In the record itself there are other things than custom fields; elsewhere an unknown one keeps its id.
        return names.get(key, key if at.steps else None)

    def read(raw: Any) -> dict[str, Any]:
        keyed = ((named(str(key)), entry) for key, entry in entries(raw) if isinstance(key, str | int))
        return {spelled(name): value(entry) for name, entry in keyed if name is not None}

    return read


def _value_reader(places: str | list[str]) -> Callable[[Any], Any]:
    if isinstance(places, str):
        return parse_path(places).find
    paths = [parse_path(place) for place in places]
    return lambda entry: next((found for path in paths if (found := path.find(entry)) is not None), None)


@dataclass(frozen=True, slots=True)
class TimeFilter:
    """Keeps the records within the bounds, for providers that cannot. A record whose time cannot be read is kept."""

    rule: ClientFilter
    since: datetime | None
    until: datetime | None

    def keep(self, records: Sequence[Record]) -> tuple[list[Record], bool]:
        """The records within the bounds, and whether, by the provider's order, no later page can have one."""
        at, style = parse_path(self.rule.at), self.rule.format
        since = self._floor(self.since)
        kept: list[Record] = []
        ended = False
        for record in records:
            moment = read_time(at.find(record.raw), style)
            if moment is None:
                kept.append(record)
            elif since is not None and moment < since:
                ended = ended or self.rule.order == "desc"
            elif self.until is not None and moment > self.until:
                ended = ended or self.rule.order == "asc"
            else:
                kept.append(record)
        return kept, ended

    def _floor(self, bound: datetime | None) -> datetime | None:
        # Times of whole seconds (or minutes, or days) are earlier than what they stand for.
        if bound is None:
            return None
        if self.rule.format == "date":
            return bound.replace(hour=0, minute=0, second=0, microsecond=0)
        whole = bound.replace(microsecond=0)
        return whole - timedelta(seconds=whole.timestamp() % self.rule.grain)


def field_names(rule: ReadRule, fields: Sequence[str]) -> list[str]:
    """The names to ask the provider for: required ones first, selectors by the field that they lead into."""
    prefixes = sorted((parse_path(path).steps for path in rule.fields_from if path), key=len, reverse=True)
    names = list(rule.required_fields)
    for field in fields:
        if field == ALL_FIELDS:
            continue
        steps = parse_selector(field)
        for prefix in prefixes:
            if len(steps) > len(prefix) and steps[: len(prefix)] == prefix:
                steps = steps[len(prefix) :]
                break
        names.append(steps[0])
    return list(dict.fromkeys(names))


def fields_of(
    rule: ReadRule, names: Names = None
) -> tuple[Callable[[Mapping[str, Any]], dict[str, Any]], Callable[[Any], dict[str, Any]]]:
    """For samples: a reader of a record's own fields in their own letter case, and one of its custom fields."""
    sources = tuple(parse_path(path) for path in rule.fields_from)

    def own(raw: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for source in reversed(sources):
            place = source.find(raw)
            if isinstance(place, dict):
                values |= place
        return values

    return own, _custom_reader(rule.custom_fields, names, str) if rule.custom_fields else lambda _raw: {}
