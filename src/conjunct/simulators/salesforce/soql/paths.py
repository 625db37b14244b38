"""Where a field in a query leads: to a value of the record itself, or of a parent's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conjunct.simulators.salesforce.database import Database
from conjunct.simulators.salesforce.definitions import Field, Value
from conjunct.simulators.salesforce.soql.syntax import Path
from conjunct.simulators.salesforce.soql.tokens import pointing
from conjunct.simulators.salesforce.store import Records

_ADVICE = "Please reference your WSDL or the describe call for the appropriate names."
_MAX_STEPS = 5
_TYPE = Field("Type", "string", createable=False, updateable=False)

Getter = Callable[[int], Value]
"""The value for the record at a place."""


@dataclass(frozen=True, slots=True)
class Way:
    """The references to follow, in order, and the field at their end. `records` has the first of them."""

    records: Records
    steps: tuple[Field, ...]
    field: Field

    @property
    def several(self) -> bool:
        """Whether the last reference may lead to different objects."""
        return bool(self.steps) and len(self.steps[-1].refers_to) > 1


class Paths:
    """Finds the way of each path in a query's text. Refusals point into that text."""

    def __init__(self, database: Database, text: str) -> None:
        self._database = database
        self._text = text

    def way(self, records: Records, path: Path, start: int = 0) -> Way:
        """The way from a record; names before `start` are passed over. Raises `SalesforceError`."""
        names = path.names[start:]
        if len(names) > 1 and names[0].lower() == records.kind.name.lower():
            names = names[1:]
        steps: list[Field] = []
        at, position = records, path.at
        for name in names[:-1]:
            step = self._database.parents(at).get(name.lower())
            if step is None or len(steps) == _MAX_STEPS:
                raise pointing(
                    "INVALID_FIELD", self._text, position,
                    f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom "
                    f"relationship, be sure to append the '__r' after the custom relationship name. {_ADVICE}",
                )  # fmt: skip
            steps.append(step)
            at = self._database.records(step.refers_to[0])
        item = at.field(names[-1])
        if item is None and steps and len(steps[-1].refers_to) > 1 and names[-1].lower() == "type":
            item = _TYPE
        if item is None:
            raise pointing(
                "INVALID_FIELD", self._text, position,
                f"No such column '{names[-1]}' on entity '{at.kind.name}'. If you are attempting to use a custom "
                f"field, be sure to append the '__c' after the custom field name. {_ADVICE}",
            )  # fmt: skip
        return Way(records, tuple(steps), item)

    def getter(self, way: Way, *, all_records: bool) -> Getter:
        """What reads the value; `all_records` says that it will be asked for (nearly) all of them."""
        name = (way.steps[0] if way.steps else way.field).name
        records = way.records
        first = _whole_column(records, name) if all_records else lambda place: records.values(place).get(name)
        if not way.steps:
            return first
        rest = (*way.steps[1:], way.field)
        follow = self.follow

        def get(place: int) -> Value:
            value = first(place)
            for item in rest:
                value = follow(value, item)
            return value

        return get

    def follow(self, long_id: Value, item: Field) -> Value:
        """The value of a field of the record with this id, or None when there is none."""
        holder = None if long_id is None else self._database.holder(long_id)
        if holder is None:
            return None
        records, place = holder
        return records.kind.name if item is _TYPE else records.values(place).get(item.name)


def _whole_column(records: Records, name: str) -> Getter:
    """Reads from the column, which is made for the first record that is looked at."""
    column: list[Sequence[Value]] = []

    def get(place: int) -> Value:
        if not column:
            column.append(records.column(name))
        return column[0][place]

    return get
