"""What of a record is written elsewhere than among its values: what stands apart, and what stands within another key.

Customer-made fields are read as if they were fields of the record; many providers want them within a key of their own
when they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conjunct.connectors.custom_names import CustomField
from conjunct.connectors.definition import ObjectDefinition
from conjunct.connectors.formats import UnusableValue
from conjunct.connectors.write_definition import Nest, WriteRule
from conjunct.connectors.write_query import WriteEntry

Identifier = str | int
Identifiers = Mapping[str, tuple[Identifier, ...]]
"""The ids of customer-made fields by their names; several may have one name."""


@dataclass(frozen=True, slots=True)
class NestPlan:
    """A compiled `Nest`. `own` are names, in lower case, of fields that are not the customer's."""

    into: str
    rule: Nest
    pattern: re.Pattern[str] | None
    own: frozenset[str]

    def may_take(self, key: str) -> bool:
        """Whether the key goes there, as far as its name tells; with `defined` it must be a customer's field, too."""
        if self.pattern is not None and self.pattern.fullmatch(key) is None:
            return False
        return key.lower() not in self.own

    def filled(self, record: Mapping[str, Any], values: Mapping[Identifier, Any]) -> dict[str, Any] | list[Any]:
        """What then stands there: the values, and beside them what the record has there. Raises `UnusableValue`."""
        there = record.get(self.into)
        if self.rule.name is None:
            if there is not None and not isinstance(there, Mapping):
                raise UnusableValue(f"'{self.into}' is no mapping: nothing can be written into it.")
            return {**(there or {}), **{str(key): value for key, value in values.items()}}
        if there is not None and not isinstance(there, list):
            raise UnusableValue(f"'{self.into}' is no list: nothing can be written into it.")
        named = {str(key) for key in values}
        kept = [each for each in there or () if not (isinstance(each, dict) and str(each.get(self.rule.name)) in named)]
        return [*kept, *({self.rule.name: key, self.rule.value: value} for key, value in values.items())]


@dataclass(frozen=True, slots=True)
class RecordShape:
    """How the record of an entry becomes variables. `ids` are needed where `needs_ids` says so."""

    apart: tuple[str, ...] = ()
    nests: tuple[NestPlan, ...] = ()
    ids: Identifiers | None = None

    def needs_ids(self, entries: Iterable[WriteEntry]) -> bool:
        """Whether a key of these may be a field that only the provider's list of customer-made fields knows."""
        defined = [nest for nest in self.nests if nest.rule.defined]
        return any(nest.may_take(key) for nest in defined for entry in entries for key in self._free(entry.record))

    def knowing(self, customs: Mapping[str, CustomField]) -> RecordShape:
        """The shape with the customer-made fields, by their ids."""
        ids: dict[str, tuple[Identifier, ...]] = {}
        for identifier, field in customs.items():
            ids[field.name] = (*ids.get(field.name, ()), identifier if field.own_id is None else field.own_id)
        return replace(self, ids=ids)

    def variables(self, entry: WriteEntry) -> dict[str, Any]:
        """What an entry gives to templates. Raises `UnusableValue`."""
        return {
            **{name: entry.record.get(name) for name in self.apart},
            "id": entry.id,
            "record": self._nested({name: value for name, value in entry.record.items() if name not in self.apart}),
            "associations": list(entry.associations) if entry.associations else None,
            "external_id": entry.external_id,
        }

    def _free(self, record: Mapping[str, Any]) -> list[str]:
        """The keys that may be moved."""
        fixed = {*self.apart, *(nest.into for nest in self.nests)}
        return [key for key in record if key not in fixed]

    def _nested(self, record: dict[str, Any]) -> dict[str, Any]:
        for nest in self.nests:
            taken = {key: place for key in self._free(record) if (place := self._place(nest, key)) is not None}
            if taken:
                values = {place: record[key] for key, place in taken.items()}
                rest = {key: value for key, value in record.items() if key not in taken}
                record = {**rest, nest.into: nest.filled(record, values)}
        return record

    def _place(self, nest: NestPlan, key: str) -> Identifier | None:
        """Under what name or id the key stands in the nest; None if it does not. Raises `UnusableValue`."""
        if not nest.may_take(key):
            return None
        if not nest.rule.defined:
            return key
        found = (self.ids or {}).get(key, ())
        if len(found) > 1:
            raise UnusableValue(
                f"Several fields of the customer's are named {key!r}: it is not clear which is meant.",
                remedy=f"Write it by its id, within '{nest.into}'.",
            )
        return found[0] if found else None


def compile_shape(known: ObjectDefinition, rule: WriteRule) -> RecordShape:
    """Compile what a `write` section says of its records."""
    fields = known.schema_.fields if known.schema_ is not None else {}
    own = {name.lower() for name in fields}
    nests = []
    for into, nest in rule.nest.items():
        except_ = {name.lower() for name in nest.except_}
        pattern = re.compile(nest.match) if nest.match is not None else None
        nests.append(
            NestPlan(into, nest, pattern, frozenset(except_ | own if nest.unknown or nest.defined else except_))
        )
    return RecordShape(tuple(rule.apart), tuple(nests))
