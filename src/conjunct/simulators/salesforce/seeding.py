"""Made-up records: each is a pure function of the seed and its place, so a million of them cost nothing until read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from conjunct.simulators.salesforce import ids, moments
from conjunct.simulators.salesforce.definitions import ObjectType, Record

_T = TypeVar("_T")

_DAY = 86_400_000
_YEAR = 365 * _DAY
_MASK = (1 << 64) - 1
_FIRST_NUMBER = 100_000
_EPOCH = date(1970, 1, 1)


def mix(seed: int, place: int) -> int:
    """64 well-mixed bits for a place: a seeded hash, many times faster than seeding a generator for each record."""
    value = (seed * 0xD1342543DE82EF95 + place * 0x9E3779B97F4A7C15 + 0x2545F4914F6CDD1D) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def pick(values: Sequence[_T], bits: int) -> _T:
    """One of the values."""
    return values[bits % len(values)]


def record_id(kind: ObjectType, place: int) -> str:
    """The id of the record at `place`."""
    return ids.make(kind.prefix, _FIRST_NUMBER + place)


def place_of(kind: ObjectType, long_id: str) -> int | None:
    """The place that an id of 18 characters names, which may hold no record; None for another object's id."""
    number = ids.number(long_id, kind.prefix)
    return None if number is None or number < _FIRST_NUMBER else number - _FIRST_NUMBER


@dataclass(frozen=True, slots=True)
class Seeder:
    """Makes the records of one object: `count` of them, created and changed in the year before `as_of` (ms).

    `kinds` and `counts` are all objects and how many records they have, for references. `user` is who made everything.
    """

    kind: ObjectType
    seed: int
    as_of: int
    counts: dict[str, int]
    kinds: dict[str, ObjectType]
    user: str

    @property
    def count(self) -> int:
        """How many records there are."""
        return self.counts[self.kind.name]

    def created(self, place: int) -> int:
        """When the record was created, in ms: evenly over the year, so that ids are in the order of creation."""
        return self.as_of - _YEAR + place * _YEAR // max(self.count, 1)

    def modified(self, place: int) -> int:
        """When the record was last changed, in ms: some time between its creation and `as_of`."""
        created = self.created(place)
        return created + mix(self.seed ^ 0x5EED, place) % (self.as_of - created)

    def created_day(self, place: int, plus_days: int = 0) -> str:
        """The date of creation, or one some days after."""
        return (_EPOCH + timedelta(days=self.created(place) // _DAY + plus_days)).isoformat()

    def refer(self, object_name: str, place: int) -> str | None:
        """The id of a record of another object, or None when it has none at all."""
        count = self.counts[object_name]
        return record_id(self.kinds[object_name], place % count) if count else None

    def stamp(self, place: int, name: str) -> str | None:
        """One of the moments of a record, without the rest of it; None when that is no moment that all have."""
        if name == "CreatedDate":
            return moments.write(self.created(place))
        if name in ("SystemModstamp", "LastModifiedDate") and self.kind.stamps:
            return moments.write(self.modified(place))
        return None

    def record(self, place: int) -> Record:
        """All fields that have a value."""
        kind = self.kind
        created = moments.write(self.created(place))
        record: Record = {
            "Id": record_id(kind, place),
            "IsDeleted": False,
            "OwnerId": self.user,
            "CreatedDate": created,
            "CreatedById": self.user,
        }
        if kind.stamps:
            modified = moments.write(self.modified(place))
            record |= {"LastModifiedDate": modified, "LastModifiedById": self.user, "SystemModstamp": modified}
        record.update(kind.make(place, mix(self.seed, place), self))
        kind.derive(record)
        return record
