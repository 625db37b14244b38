"""How what a builder writes becomes the provider's record: the mappings of a read object, turned round."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from conjunct.installations.content import ConfigContent
from conjunct.installations.read_objects import find_readable, unmapped_names
from conjunct.kit.json_path import Selector, assign, format_selector, parse_selector, take
from conjunct.manifests import Integration, find_read_object, predefined_mappings

MISSING: Final = object()
"""What is found of a field that is not there."""

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WriteMapping:
    """The mapping of one object for writes; without anything, records pass as they are.

    `sources` go from the builder's names to the provider's fields. `unmapped` are names that the group could have
    mapped and has not: they mean nothing to the provider. `values` translates the values of a field, by its name on
    either side, from the builder's to the provider's. With `mapped_only`, what has no mapping is left out.
    """

    sources: Mapping[str, str] = field(default_factory=dict)
    unmapped: frozenset[str] = frozenset()
    values: Mapping[str, Values] = field(default_factory=dict)
    mapped_only: bool = False

    def provider_field(self, name: str) -> str:
        """The provider's field that a name stands for, mapped or not."""
        return self.sources.get(name, name)

    def record(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The record as the provider has it; `given` stays as it is.

        A mapped name goes before a field of the provider's that is called the same. Raises ValueError where a field
        would lie within the value of another.
        """
        rest = deepcopy(dict(given))
        mapped: list[tuple[Selector, Any]] = []
        for name, source in self.sources.items():
            value = taken(rest, name)
            if value is not MISSING:
                mapped.append((selector_of(source), _translated(value, self._values_of(name, source))))
        for name in self.unmapped:
            taken(rest, name)
        if self.mapped_only:
            rest = {}
        for name, values in self.values.items():
            value = taken(rest, name)
            if value is not MISSING:
                put(rest, selector_of(name), _translated(value, values))
        for selector, value in sorted(mapped, key=lambda each: len(each[0])):
            put(rest, selector, value)
        return rest

    def _values_of(self, *names: str) -> Values:
        folded = {name.casefold(): values for name, values in self.values.items()}
        return next((folded[name.casefold()] for name in names if name.casefold() in folded), {})


def write_mapping(
    integration: Integration, content: ConfigContent, object_name: str, *, mapped_only: bool = False
) -> WriteMapping:
    """The mapping that writes to an object inherit; that of no fields where the object is not read."""
    declared = find_read_object(integration, object_name)
    read_object = find_readable(integration, content, object_name)
    if declared is None or read_object is None:
        return WriteMapping(mapped_only=mapped_only)
    # Optional fields that the manifest maps are known by both names, whether or not the group reads them.
    sources = {**predefined_mappings(declared), **read_object.mappings}
    return WriteMapping(
        sources=sources,
        unmapped=frozenset(unmapped_names(integration, content, object_name)) - sources.keys(),
        values=read_object.value_mappings,
        mapped_only=mapped_only,
    )


def selector_of(name: str) -> Selector:
    """Where a field stands in a record; a name that is no well-formed selector stands for itself."""
    with suppress(ValueError):
        return parse_selector(name)
    return (name,)


def taken(record: MutableMapping[str, Any], name: str) -> Any:
    """Take a field out of a record, nested or written as it is; `MISSING` when it is not there."""
    return record.pop(name) if name in record else take(record, selector_of(name), MISSING)


def put(record: MutableMapping[str, Any], selector: Selector, value: Any) -> None:
    """Set a field of a record. Raises ValueError where it would lie within the value of another."""
    try:
        assign(record, selector, value)
    except ValueError as error:
        raise ValueError(f"{format_selector(selector)} cannot be written: {error}") from None


def _translated(value: Any, values: Values) -> Any:
    if isinstance(value, list):
        return [_translated(item, values) if isinstance(item, str) else item for item in value]
    # An empty text stands for a value that the group has not mapped.
    return (values.get(value) or value) if isinstance(value, str) else value
