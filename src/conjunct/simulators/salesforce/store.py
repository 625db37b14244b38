"""The records of one object: made-up ones on demand, and every change since."""

from __future__ import annotations

import random
from bisect import insort
from collections.abc import Iterator, Sequence

from conjunct.simulators.salesforce import moments
from conjunct.simulators.salesforce.definitions import Field, ObjectType, Record, Value
from conjunct.simulators.salesforce.seeding import Seeder, place_of, record_id

STAMPS = ("LastModifiedDate", "SystemModstamp")


class Records:
    """Records by place, counted from 0 in the order of their ids.

    `version` grows with every change. `deleted` are the places in the recycle bin, with the moment (ms) of deletion.
    A column holds a field's values by place, and an index the places by value: both are made when they are first asked
    for, and kept in step.
    """

    def __init__(self, kind: ObjectType, seeder: Seeder) -> None:
        self.kind = kind
        self.fields: dict[str, Field] = {item.name.lower(): item for item in kind.fields}
        self.count = seeder.count
        self.deleted: dict[int, int] = {}
        self.version = 0
        self._seeder = seeder
        self._changed: dict[int, Record] = {}
        self._withdrawn: set[str] = set()
        self._columns: dict[str, list[Value]] = {}
        self._indexes: dict[str, dict[Value, list[int]]] = {}
        self._undo: list[tuple[int, Record | None, int | None]] = []
        self._depth = 0
        self._random = random.Random(f"touch:{kind.name}:{seeder.seed}")  # noqa: S311 - repeatable on purpose

    def field(self, name: str) -> Field | None:
        """The field of this name, whatever its case."""
        return self.fields.get(name.lower())

    def record_id(self, place: int) -> str:
        """The id of the record at `place`."""
        return record_id(self.kind, place)

    def place(self, long_id: str) -> int | None:
        """The place of a record by its id of 18 characters, deleted or not; None when there is none."""
        place = place_of(self.kind, long_id)
        return place if place is not None and place < self.count else None

    def values(self, place: int) -> Record:
        """All fields of the record that have a value; not to be changed."""
        changed = self._changed.get(place)
        if changed is not None:
            return changed
        record = self._seeder.record(place)
        for name in self._withdrawn:
            record.pop(name, None)
        return record

    def live(self) -> Sequence[int]:
        """The places of all records that are not deleted, in order."""
        places = range(self.count)
        return [place for place in places if place not in self.deleted] if self.deleted else places

    def insert(self, values: Record, now: int) -> int:
        """Add a record whose values have been checked, and return its place."""
        place = self.count
        moment, user = moments.write(now), self._seeder.user
        record: Record = {"Id": self.record_id(place), "IsDeleted": False, "CreatedDate": moment, "CreatedById": user}
        if "ownerid" in self.fields:
            record["OwnerId"] = user
        self.count += 1
        for column in self._columns.values():
            column.append(None)
        self._keep(place, self._stamped({**record, **values}, now), {})
        return place

    def change(self, place: int, values: Record, now: int) -> None:
        """Change a record whose new values have been checked; None clears a field."""
        before = self.values(place)
        self._keep(place, self._stamped({**before, **values}, now), before)

    def delete(self, place: int, now: int) -> None:
        """Put a record into the recycle bin."""
        before = self.values(place)
        self._keep(place, self._stamped({**before, "IsDeleted": True}, now), before)
        self.deleted[place] = now

    def begin(self) -> int:
        """Note every change from now on; what is returned marks the present for `roll_back`."""
        self._depth += 1
        return len(self._undo)

    def commit(self) -> None:
        """Keep what was changed since the last `begin`."""
        self._depth -= 1
        if not self._depth:
            self._undo.clear()

    def roll_back(self, mark: int) -> None:
        """Take back what was changed since the `begin` that returned `mark`, the last one."""
        undo = self._undo[mark:]
        for place, record, deleted_at in reversed(undo):
            self.deleted.pop(place, None)
            if deleted_at is not None:
                self.deleted[place] = deleted_at
            if record is not None:
                self._changed[place] = record
            else:
                del self._changed[place]
                if place >= self._seeder.count:
                    self.count = place
        if undo:
            del self._undo[mark:]
            self._columns.clear()
            self._indexes.clear()
            self.version += 1
        self.commit()

    def touch(self, count: int, now: int) -> list[int]:
        """Change `count` records picked at random (all, when there are fewer) and return their places in order."""
        name, values = self.kind.touched
        live = self.live()
        places = sorted(self._random.sample(live, min(count, len(live)))) if name else []
        for place in places:
            current = self.values(place).get(name)
            self.change(place, {name: self._random.choice([value for value in values if value != current])}, now)
        return places

    def define(self, definition: Field) -> None:
        """Add a field, or replace the one of the same name."""
        self.fields[definition.name.lower()] = definition
        self.version += 1

    def undefine(self, name: str) -> None:
        """Take a field away, with its values."""
        del self.fields[name.lower()]
        self._withdrawn.add(name)
        self._columns.pop(name, None)
        self._indexes.pop(name, None)
        for record in self._changed.values():
            record.pop(name, None)
        self.version += 1

    def column(self, name: str) -> Sequence[Value]:
        """The field's values by place, of deleted records too."""
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = self._make_column(name)
        return column

    def holders(self, name: str, value: Value) -> Sequence[int]:
        """The places, in order, of the records whose field has this value, whatever its case; also deleted ones."""
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = {}
            for place, held in enumerate(self.column(name)):
                if held is not None:
                    index.setdefault(fold(held), []).append(place)
        return index.get(fold(value), ())

    def _make_column(self, name: str) -> list[Value]:
        seeded = self._seeder.count
        if seeded and self._seeder.stamp(0, name) is not None:
            # Times come first in most queries and are cheap to tell without making the rest of the record.
            column: list[Value] = [self._seeder.stamp(place, name) for place in range(seeded)]
            column.extend([None] * (self.count - seeded))
            for place, record in self._changed.items():
                column[place] = record.get(name)
            return column
        return [self.values(place).get(name) for place in range(self.count)]

    def _stamped(self, record: Record, now: int) -> Record:
        moment = moments.write(now)
        if "lastmodifieddate" in self.fields:
            record |= {"LastModifiedDate": moment, "LastModifiedById": self._seeder.user}
        if "systemmodstamp" in self.fields:
            record["SystemModstamp"] = moment
        self.kind.derive(record)
        return {name: value for name, value in record.items() if value is not None and value != ""}

    def _keep(self, place: int, record: Record, before: Record) -> None:
        if self._depth:
            self._undo.append((place, self._changed.get(place), self.deleted.get(place)))
        self._changed[place] = record
        for name, column in self._columns.items():
            column[place] = record.get(name)
        for name, index in self._indexes.items():
            old, new = before.get(name), record.get(name)
            if old == new:
                continue
            if old is not None:
                index[fold(old)].remove(place)
            if new is not None:
                insort(index.setdefault(fold(new), []), place)
        self.version += 1


def fold(value: Value) -> Value:
    """A value as it compares for equality: texts without regard to case."""
    return value.casefold() if isinstance(value, str) else value


def iterate(records: Records, *, deleted: bool) -> Iterator[int] | Sequence[int]:
    """The places to look at: all, or those that are not deleted."""
    return range(records.count) if deleted else records.live()
