"""The records of one object: made-up ones on demand, and every change since."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence

from conjunct.simulators.hubspot import errors, moments
from conjunct.simulators.hubspot.definitions import ObjectType, Property
from conjunct.simulators.hubspot.seeding import Properties, Seeder, touched_values

_MAX_DIGITS = 18

Comparable = int | float | str
Column = Sequence[Comparable | None]


class RecordStore:
    """Records by place, counted from 0 in the order of their ids.

    `version` grows with every change. A column holds a property's values of all records by place, ready to be
    compared: times in ms, numbers as numbers, text in lower case, None where there is no value.
    """

    def __init__(self, kind: ObjectType, seeder: Seeder) -> None:
        self.kind = kind
        self.definitions: dict[str, Property] = {item.name: item for item in kind.properties}
        self.archived: dict[int, int] = {}
        self.erased: set[int] = set()
        self.count = seeder.count
        self.version = 0
        self._seeder = seeder
        self._changed: dict[int, Properties] = {}
        self._withdrawn: set[str] = set()
        self._columns: dict[str, list[Comparable | None]] = {}
        self._unique: dict[tuple[str, str], int] = {}
        self._random = random.Random(f"touch:{kind.name}:{seeder.seed}")  # noqa: S311 - repeatable on purpose

    def place(self, record_id: str) -> int | None:
        """The place of the record, archived or not, or None when there is none of this id."""
        if not record_id.isdecimal() or len(record_id) > _MAX_DIGITS:
            return None
        place = int(record_id) - self.kind.first_id
        return place if 0 <= place < self.count and place not in self.erased else None

    def is_unique(self, name: str) -> bool:
        """Whether a property tells records apart."""
        return name in self.definitions and self.definitions[name].unique

    def place_by_unique(self, name: str, value: str) -> int | None:
        """The place of the record, not archived, whose unique property `name` has this value, whatever its case."""
        wanted = value.casefold()
        # Only the object's first unique property has made-up values.
        seeded = self._seeder.place_of(value) if name == self.kind.unique else None
        for place in (self._unique.get((name, wanted)), seeded):
            if place is not None and place not in self.archived:
                current = self.properties(place).get(name)
                if current is not None and current.casefold() == wanted:
                    return place
        return None

    def record_id(self, place: int) -> str:
        """The id of the record at `place`."""
        return str(self.kind.first_id + place)

    def properties(self, place: int) -> Properties:
        """All properties of the record that have a value; not to be changed."""
        changed = self._changed.get(place)
        if changed is not None:
            return changed
        seeded = self._seeder.properties(place)
        for name in self._withdrawn:
            seeded.pop(name, None)
        return seeded

    def live(self, start: int = 0, stop: int | None = None) -> Iterator[int] | range:
        """The places from `start` to before `stop` whose records are not archived."""
        places = range(start, self.count if stop is None else min(stop, self.count))
        if not self.archived:
            return places
        return (place for place in places if place not in self.archived)

    def create(self, values: Mapping[str, str | None], now: int) -> int:
        """Add a record and return its place. Raises `HubSpotError` when a value may not be set."""
        self.check_values([values])
        self.check_conflict(values)
        place = self.count
        moment = moments.write(now)
        record: Properties = {name: value for name, value in values.items() if value not in (None, "")}
        record |= {self.kind.created: moment, self.kind.stamp: moment, "hs_object_id": self.record_id(place)}
        self.count += 1
        for column in self._columns.values():
            column.append(None)
        self._keep(place, record)
        return place

    def update(self, place: int, values: Mapping[str, str | None], now: int) -> None:
        """Change a record; an empty value clears its property. Raises `HubSpotError` when a value may not be set."""
        self.check_values([values])
        self.check_conflict(values, place)
        record = {**self.properties(place), **values, self.kind.stamp: moments.write(now)}
        self._keep(place, {name: value for name, value in record.items() if value not in (None, "")})

    def check_values(self, items: Iterable[Mapping[str, str | None]]) -> None:
        """Raises `HubSpotError` with every property of `items` that cannot be set so."""
        faults = [fault for values in items for name, value in values.items() if (fault := self._fault(name, value))]
        if faults:
            raise errors.invalid_values(faults)

    def check_conflict(self, values: Mapping[str, str | None], place: int | None = None) -> None:
        """Raises `HubSpotError` when a record other than the one at `place` has the value of a unique property."""
        for name, value in values.items():
            holder = self.place_by_unique(name, value) if value and self.is_unique(name) else None
            if holder is not None and holder != place:
                raise errors.conflict(self.kind.label, self.record_id(holder))

    def archive(self, place: int, now: int) -> None:
        """Take a record out of lists and searches; nothing happens when it is out already."""
        if place not in self.archived:
            self.archived[place] = now
            self.version += 1

    def erase(self, place: int) -> None:
        """Take a record out of everything; its place stays empty."""
        self.erased.add(place)
        self.archived.setdefault(place, 0)
        self.version += 1

    def touch(self, count: int, now: int) -> list[int]:
        """Change `count` records picked at random (all, when there are fewer) and return their places in order."""
        live = self.live()
        candidates = live if isinstance(live, range) else list(live)
        places = sorted(self._random.sample(candidates, min(count, len(candidates))))
        for place in places:
            current = self.properties(place).get(self.kind.touched)
            others = [value for value in touched_values(self.kind) if value != current]
            self.update(place, {self.kind.touched: self._random.choice(others)}, now)
        return places

    def define(self, definition: Property) -> None:
        """Add a property, which has no values yet."""
        self.definitions[definition.name] = definition
        self.version += 1

    def undefine(self, name: str) -> None:
        """Take a property away, with its values."""
        del self.definitions[name]
        self._withdrawn.add(name)
        self._columns.pop(name, None)
        for record in self._changed.values():
            record.pop(name, None)
        self.version += 1

    def column(self, name: str) -> Column:
        """The property's values by place; the name must be one of `definitions`."""
        if name == "hs_object_id":
            return range(self.kind.first_id, self.kind.first_id + self.count)
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = self._make_column(name)
        return column

    def _make_column(self, name: str) -> list[Comparable | None]:
        # Times come first in most searches and are cheap to tell without making the rest of the record.
        cheap = {self.kind.created: self._seeder.created, self.kind.stamp: self._seeder.modified}.get(name)
        if cheap is None:
            return [self._comparable(name, self.properties(place)) for place in range(self.count)]
        column: list[Comparable | None] = [cheap(place) for place in range(self._seeder.count)]
        column.extend([None] * (self.count - len(column)))
        for place, record in self._changed.items():
            column[place] = self._comparable(name, record)
        return column

    def _comparable(self, name: str, record: Properties) -> Comparable | None:
        value = record.get(name)
        return None if value is None else comparable(self.definitions[name].type, value)

    def _keep(self, place: int, record: Properties) -> None:
        self._changed[place] = record
        for name, definition in self.definitions.items():
            value = record.get(name) if definition.unique else None
            if value is not None:
                self._unique[name, value.casefold()] = place
        for name, column in self._columns.items():
            column[place] = self._comparable(name, record)
        self.version += 1

    def _fault(self, name: str, value: str | None) -> tuple[str, str, str] | None:
        definition = self.definitions.get(name)
        if definition is None:
            return name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'
        if definition.read_only:
            return name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.'
        if not value:
            return None
        try:
            comparable(definition.type, value)
        except ValueError:
            return name, f"INVALID_{definition.type.upper()}", f'"{value}" was not a valid {definition.type}.'
        allowed = {option for option, _label in definition.options}
        chosen = value.split(";") if definition.field_type == "checkbox" else [value]
        if allowed and not allowed.issuperset(chosen):
            return name, "INVALID_OPTION", f'"{value}" was not one of the allowed options: {sorted(allowed)}'
        return None


def comparable(kind: str, value: str) -> Comparable:
    """A property's value as it compares, by the type of the property. Raises ValueError."""
    if kind in ("datetime", "date"):
        return moments.read(value)
    if kind == "number":
        number = int(value) if value.lstrip("-").isdecimal() else float(value)
        if not math.isfinite(number):
            raise ValueError(f"{value} is not finite")
        return number
    return value.casefold()
