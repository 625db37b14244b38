"""How a record becomes an entry of a message or an answer: selected fields, mapped fields, the record as it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conjunct.connectors import ALL_FIELDS, Connector, Record
from conjunct.installations.read_objects import Filters, ReadObject


@dataclass(frozen=True, slots=True)
class MappingPlan:
    """The mapping of one object, made once a run or a search.

    `requested` is what the provider is asked for. `selected` are lower-cased provider fields that are delivered under
    their own names (None: all that it gives); `mapped` are the builder's names, each with its lower-cased provider
    field; `values` translates a field's values, by its name on either side and the provider's value.
    """

    requested: tuple[str, ...]
    selected: frozenset[str] | None
    mapped: tuple[tuple[str, str], ...]
    values: Mapping[str, Mapping[str, str]]

    def entry(self, record: Record) -> dict[str, Any]:
        """The record as the specification's `ResultEntry`."""
        found = record.fields
        selected = self.selected
        if selected is None or not self.mapped:  # all that was asked for is selected
            fields = found
        else:
            fields = {name: value for name, value in found.items() if name in selected}
        mapped = {name: found[source] for name, source in self.mapped if source in found}
        if self.values:
            fields, mapped = self._translated(fields), self._translated(mapped)
        return {"fields": fields, "mappedFields": mapped, "raw": record.raw}

    def _translated(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {name: self._translate(name, value) for name, value in fields.items()}

    def _translate(self, name: str, value: Any) -> Any:
        translations = self.values.get(name)
        if translations is None:
            return value
        if isinstance(value, list):
            return [translations.get(item, item) if isinstance(item, str) else item for item in value]
        return translations.get(value, value) if isinstance(value, str) else value


def plan_mapping(read_object: ReadObject) -> MappingPlan:
    """Compile the mapping of an installation's object."""
    requested = read_object.source_fields
    return MappingPlan(
        requested=(*requested, ALL_FIELDS) if read_object.all_fields else requested,
        selected=None if read_object.all_fields else frozenset(name.lower() for name in read_object.fields),
        mapped=tuple((name, source.lower()) for name, source in read_object.mappings.items()),
        values=_by_provider_value(read_object),
    )


def as_provider(read_object: ReadObject, filters: Filters) -> Filters:
    """Conditions on delivered fields and values as conditions on the provider's: mappings, turned round."""
    return tuple(_as_provider(read_object, name, value) for name, value in filters)


def _as_provider(read_object: ReadObject, name: str, value: Any) -> tuple[str, Any]:
    source = read_object.mappings.get(name, name)
    values = read_object.value_mappings.get(name) or read_object.value_mappings.get(source) or {}
    return source, values.get(value, value) if isinstance(value, str) else value


async def named_fields(connector: Connector, object_name: str, requested: tuple[str, ...]) -> tuple[str, ...]:
    """The fields to ask for, each by its name: some providers do not give "all". Raises as `Connector.describe`."""
    if ALL_FIELDS not in requested:
        return requested
    return tuple(dict.fromkeys((*requested, *await connector.field_names(object_name))))


def _by_provider_value(read_object: ReadObject) -> dict[str, dict[str, str]]:
    """Value mappings turned round, under every name that a translated field is delivered by."""
    turned: dict[str, dict[str, str]] = {}
    for name, values in read_object.value_mappings.items():
        back = {theirs: ours for ours, theirs in values.items()}
        turned[name.lower()] = turned[name] = back
        for delivered, source in read_object.mappings.items():
            if source == name:
                turned[delivered] = back
    return turned
