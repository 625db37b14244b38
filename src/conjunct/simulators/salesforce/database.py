"""All objects of the org, and the ways between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from conjunct.simulators.options import SimulatorOptions
from conjunct.simulators.salesforce import errors, ids, moments
from conjunct.simulators.salesforce.definitions import Field, ObjectType
from conjunct.simulators.salesforce.org_setup import USER
from conjunct.simulators.salesforce.seeding import Seeder, record_id
from conjunct.simulators.salesforce.store import Records


@dataclass(slots=True)
class Transaction:
    """Whether the changes within are to be taken back."""

    failed: bool = False


class Database:
    """The records of every object, by the object's name in any case."""

    def __init__(self, kinds: Sequence[ObjectType], options: SimulatorOptions) -> None:
        counts = {kind.name: kind.count(options.records) for kind in kinds}
        by_name = {kind.name: kind for kind in kinds}
        self.user = record_id(USER, 0)
        as_of = moments.to_millis(options.as_of)
        self._clock = options.clock
        self._objects = {
            kind.name.lower(): Records(kind, Seeder(kind, options.seed, as_of, counts, by_name, self.user))
            for kind in kinds
        }
        self._by_prefix = {records.kind.prefix: records for records in self._objects.values()}

    def now(self) -> int:
        """The present moment in ms."""
        return moments.to_millis(self._clock())

    def __iter__(self) -> Iterator[Records]:
        return iter(sorted(self._objects.values(), key=lambda records: records.kind.name))

    def find(self, name: str) -> Records | None:
        """The records of an object, or None when there is no such object."""
        return self._objects.get(name.lower())

    def records(self, name: str, status: int = 404) -> Records:
        """The records of an object. Raises `SalesforceError`, of this status, when there is no such object."""
        found = self.find(name)
        if found is None:
            raise errors.unsupported(name, status)
        return found

    def holder(self, long_id: str) -> tuple[Records, int] | None:
        """The object and place of a record by its id, deleted or not."""
        records = self._by_prefix.get(long_id[:3])
        place = None if records is None else records.place(long_id)
        return None if records is None or place is None else (records, place)

    @contextmanager
    def all_or_none(self, *, wanted: bool = True) -> Iterator[Transaction]:
        """Whatever is changed within is taken back when the transaction has failed, by its own word or an exception."""
        transaction = Transaction()
        objects = list(self._objects.values()) if wanted else []
        marks = [records.begin() for records in objects]
        try:
            yield transaction
        except BaseException:
            transaction.failed = True
            raise
        finally:
            for records, mark in zip(objects, marks, strict=True):
                if transaction.failed:
                    records.roll_back(mark)
                else:
                    records.commit()

    def parents(self, records: Records) -> Mapping[str, Field]:
        """The references of an object by the name (in lower case) by which a query follows them."""
        return {item.parent.lower(): item for item in records.fields.values() if item.parent}

    def children(self, records: Records) -> list[tuple[str, Records, Field]]:
        """Who refers to an object: the name of the relationship, the object that refers, and its field."""
        found = [
            (item.children, other, item)
            for other in self
            for item in other.fields.values()
            if item.children and records.kind.name in item.refers_to
        ]
        return sorted(found, key=lambda one: one[0])


def read_id(text: object) -> str | None:
    """The id of 18 characters that a value is, or None."""
    return ids.normalise(text) if isinstance(text, str) else None
