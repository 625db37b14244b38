"""How a record becomes an entry of a message or an answer: selected fields, mapped fields, the record as it came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from conjunct.connectors import ALL_FIELDS, Connector, Record
from conjunct.installations.associated import associations_of
from conjunct.installations.read_objects import Filters, ReadObject
from conjunct.kit.json_path import Selector, assign, is_nested, parse_selector


@dataclass(frozen=True, slots=True)
class MappingPlan:
    """The mapping of one object, made once a run or a search.

    `requested` is what the provider is asked for. `mapped` are the builder's names, each with its lower-cased provider
    field; `only_mapped` are those lower-cased provider fields that are delivered under the builder's names alone;
    `values` translates a field's values, by its name on either side and the provider's value; `nested` are the
    builder's names that lead into objects, such as `$['info']['status']`; `associations` are associated objects, each
    with the name that it is delivered under.
    """

    requested: tuple[str, ...]
    mapped: tuple[tuple[str, str], ...]
    only_mapped: tuple[str, ...]
    values: Mapping[str, Mapping[str, str]]
    nested: Mapping[str, Selector] = field(default_factory=dict)
    associations: Mapping[str, str] = field(default_factory=dict)

    def entry(self, record: Record) -> dict[str, Any]:
        """The record as the specification's `ResultEntry`."""
        found = fields = record.fields
        if self.only_mapped:
            fields = found.copy()
            for name in self.only_mapped:
                fields.pop(name, None)
        mapped = {name: found[source] for name, source in self.mapped if source in found}
        if self.values:
            fields, mapped = self._translated(fields), self._translated(mapped)
        if self.nested:
            mapped = self._with_nesting(mapped)
        entry = {"fields": fields, "mappedFields": mapped, "raw": record.raw}
        if record.associations:
            entry["associations"] = associations_of(record, self.associations)
        return entry

    def deleted_entry(self, record: Record) -> dict[str, Any]:
        """The entry of a record that the provider no longer has."""
        return {**self.entry(record), "deleted": True}

    def _with_nesting(self, mapped: dict[str, Any]) -> dict[str, Any]:
        """The mapped fields with those of nested names in the objects that these lead into."""
        whole = {name: value for name, value in mapped.items() if name not in self.nested}
        for name, selector in self.nested.items():
            if name in mapped:
                assign(whole, selector, mapped[name])
        return whole

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
    mapped = tuple((name, source.lower()) for name, source in read_object.mappings.items())
    selected = {name.lower() for name in read_object.fields}
    return MappingPlan(
        requested=(*requested, ALL_FIELDS) if read_object.all_fields else requested,
        mapped=mapped,
        only_mapped=() if read_object.all_fields else tuple({source for _, source in mapped} - selected),
        values=_by_provider_value(read_object),
        nested=_nested(read_object.mappings),
        associations=read_object.associations,
    )


def _nested(names: Iterable[str]) -> dict[str, Selector]:
    """The selectors among the names. One that would lie in another's value stays as it is written.

    The manifest refuses such names; those that a group is asked for besides are not all known to it.
    """
    selectors: dict[str, Selector] = {}
    for name in names:
        with suppress(ValueError):
            selectors[name] = parse_selector(name)
    values = set(selectors.values())

    def is_free(selector: Selector) -> bool:
        return not any(selector[:depth] in values for depth in range(1, len(selector)))

    return {name: selector for name, selector in selectors.items() if is_nested(name) and is_free(selector)}


def as_provider(read_object: ReadObject, filters: Filters) -> Filters:
    """Conditions on delivered fields and values as conditions on the provider's: mappings, turned round."""
    return tuple(_as_provider(read_object, name, value) for name, value in filters)


def _as_provider(read_object: ReadObject, name: str, value: Any) -> tuple[str, Any]:
    source = read_object.mappings.get(name, name)
    values = read_object.value_mappings.get(name) or read_object.value_mappings.get(source) or {}
    # An empty text stands for a value that the group has not mapped.
    return source, (values.get(value) or value) if isinstance(value, str) else value


async def named_fields(connector: Connector, object_name: str, requested: tuple[str, ...]) -> tuple[str, ...]:
    """The fields to ask for, each by its name: some providers do not give "all". Raises as `Connector.describe`."""
    if ALL_FIELDS not in requested:
        return requested
    return tuple(dict.fromkeys((*requested, *await connector.field_names(object_name))))


def _by_provider_value(read_object: ReadObject) -> dict[str, dict[str, str]]:
    """Value mappings turned round, under every name that a translated field is delivered by."""
    turned: dict[str, dict[str, str]] = {}
    for name, values in read_object.value_mappings.items():
        # An empty text stands for a value that the group has not mapped.
        back = {theirs: ours for ours, theirs in values.items() if theirs}
        turned[name.lower()] = turned[name] = back
        for delivered, source in read_object.mappings.items():
            if source.lower() == name.lower():
                turned[delivered] = back
    return turned
