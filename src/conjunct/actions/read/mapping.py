"""How a provider's record becomes an entry of a message: selected fields, mapped fields, and the record as it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conjunct.connectors import ALL_FIELDS, Record
from conjunct.installations import ReadObject


@dataclass(frozen=True, slots=True)
class MappingPlan:
    """The mapping of one object, made once a run.

    `selected` are lower-cased provider fields that are delivered under their own names (None: all that the provider
    gives); `mapped` gives the lower-cased provider field of every name of the builder's; `values` replaces values of
    a mapped field, by that field and the provider's value.
    """

    requested: tuple[str, ...]
    selected: frozenset[str] | None
    mapped: tuple[tuple[str, str], ...]
    values: Mapping[str, Mapping[str, str]]

    def entry(self, record: Record) -> dict[str, Any]:
        """The record as the specification's `ResultEntry`."""
        found = record.fields
        selected = self.selected
        if selected is None or len(selected) == len(found):
            fields = found
        else:
            fields = {name: value for name, value in found.items() if name in selected}
        mapped = {name: found[source] for name, source in self.mapped if source in found}
        for name, translations in self.values.items():
            value = mapped.get(name)
            if isinstance(value, str) and value in translations:
                mapped[name] = translations[value]
        return {"fields": fields, "mappedFields": mapped, "raw": record.raw}


def plan_mapping(read_object: ReadObject) -> MappingPlan:
    """Compile the mapping of an installation's object."""
    sources = tuple(read_object.mappings.values())
    requested = tuple(dict.fromkeys((*read_object.fields, *sources)))
    if read_object.all_fields:
        requested = (*requested, ALL_FIELDS)
    selected = None if read_object.all_fields else frozenset(name.lower() for name in read_object.fields)
    return MappingPlan(
        requested=requested,
        selected=selected,
        mapped=tuple((name, source.lower()) for name, source in read_object.mappings.items()),
        values=read_object.value_mappings,
    )
