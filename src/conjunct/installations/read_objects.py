"""What is read for an installation: the manifest and the config, worked out into one plan for each object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from conjunct.installations.content import BackfillConfig, ConfigContent, ReadConfigObject, ReadFilter
from conjunct.manifests import (
    Integration,
    IntegrationFieldExistent,
    IntegrationObject,
    find_read_object,
    optional_mappings,
    predefined_mappings,
    read_objects,
    required_mappings,
)

Filters = tuple[tuple[str, Any], ...]
"""Conditions (field, value) that all must be met; equality."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """What is read once: nothing, the last `days`, or everything; and the conditions that hold for it alone."""

    kind: Literal["none", "days", "full"] = "none"
    days: int = 0
    filters: Filters = ()


NO_BACKFILL = Backfill()


@dataclass(frozen=True, slots=True)
class ReadObject:
    """How one object is read and delivered.

    `schedule` is None for an object that is read only when a read is triggered. `fields` are delivered under their own
    names; `mappings` go from the delivered name to the provider's field. With `all_fields`, every field that the
    provider gives is delivered besides. `value_mappings` are by field name, from the delivered value to the
    provider's. `page_size` limits the records of a message, for the delivery mode `onRequest`.
    `associations` are other objects whose records that belong to each record are delivered with it, each with the name
    that it is delivered under; with `deleted_records`, later reads bring those that were deleted as well.
    """

    object_name: str
    mapped_name: str | None
    destination: str
    schedule: str | None
    fields: tuple[str, ...] = ()
    mappings: Mapping[str, str] = field(default_factory=dict)
    all_fields: bool = False
    value_mappings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    filters: Filters = ()
    backfill: Backfill = NO_BACKFILL
    disabled: bool = False
    delivery_mode: Literal["auto", "onRequest"] = "auto"
    page_size: int | None = None
    associations: Mapping[str, str] = field(default_factory=dict)
    deleted_records: bool = False

    @property
    def delivered_name(self) -> str:
        """The name of the object in messages."""
        return self.mapped_name or self.object_name

    @property
    def source_fields(self) -> tuple[str, ...]:
        """Every field that the provider is asked for by name, each once."""
        return _once((*self.fields, *self.mappings.values()))

    @property
    def is_scheduled(self) -> bool:
        """Whether it is read without being asked for."""
        return self.schedule is not None and not self.disabled


def resolve_read_objects(integration: Integration, content: ConfigContent) -> dict[str, ReadObject]:
    """The objects to read, by the provider's name.

    These are the ones that the config names and the manifest has, and those that the manifest reads `always`. Required
    fields are always read, optional ones when they are selected, and so is any other field that is selected. What the
    config says of schedule, destination and backfill goes before what the manifest says.
    """
    chosen = _chosen(integration, content)
    return {
        each.object_name: _resolve(integration, each, chosen.get(each.object_name, ReadConfigObject()))
        for each in read_objects(integration)
        if each.object_name in chosen or each.enabled == "always"
    }


def find_readable(integration: Integration, content: ConfigContent, name: str) -> ReadObject | None:
    """The read object of that name, the provider's or the mapped one, also where the config does not name it.

    An object that the config leaves out is not read by itself, but it can be searched.
    """
    declared = find_read_object(integration, name)
    if declared is None:
        return None
    return _resolve(integration, declared, _chosen(integration, content).get(declared.object_name, ReadConfigObject()))


def unmapped_names(integration: Integration, content: ConfigContent, name: str) -> tuple[str, ...]:
    """Names of the builder's that the group is asked to map for a read object, and has not mapped."""
    declared = find_read_object(integration, name)
    if declared is None:
        return ()
    config = _chosen(integration, content).get(declared.object_name, ReadConfigObject())
    asked = [each.map_to_name for each in (*required_mappings(declared), *optional_mappings(declared))]
    asked += [each.map_to_name for each in config.dynamic_mappings_input if each.map_to_name]
    mapped = _mappings(declared, config)
    return tuple(each for each in asked if each not in mapped)


def _chosen(integration: Integration, content: ConfigContent) -> dict[str, ReadConfigObject]:
    """What the config says of each object, by the provider's name."""
    chosen: dict[str, ReadConfigObject] = {}
    for key, config in (content.read.objects if content.read else {}).items():
        known = find_read_object(integration, config.object_name or key)
        if known is not None:
            chosen[known.object_name] = config
    return chosen


def _resolve(integration: Integration, declared: IntegrationObject, config: ReadConfigObject) -> ReadObject:
    filters = _filters(config.field_filters)
    return ReadObject(
        object_name=declared.object_name,
        mapped_name=declared.map_to_name,
        destination=config.destination or declared.destination,
        schedule=config.schedule or declared.schedule or None,
        fields=_once(_fields(declared, config)),
        mappings=_mappings(declared, config),
        all_fields=config.selected_fields_auto == "all",
        value_mappings={name: dict(values) for name, values in config.selected_value_mappings.items()},
        filters=filters,
        backfill=_backfill(declared, config.backfill, filters),
        disabled=config.disabled,
        delivery_mode=declared.delivery.mode if declared.delivery else "auto",
        page_size=declared.delivery.page_size if declared.delivery else None,
        associations={other: _delivered_name(integration, other) for other in declared.associations or ()},
        deleted_records=declared.deleted_records == "include",
    )


def _delivered_name(integration: Integration, other: str) -> str:
    """The name under which an associated object is delivered. Some providers tell of `accounts` that belong to a
    contact, and read `Account`: what differs in case is the same, what differs in more is not known to be."""
    folded = other.casefold()
    known = find_read_object(integration, other) or next(
        (each for each in read_objects(integration) if each.object_name.casefold() == folded), None
    )
    return known.delivered_name if known is not None else other


def _fields(declared: IntegrationObject, config: ReadConfigObject) -> Iterator[str]:
    """Fields that are delivered under their own names, with repetitions."""
    for each in declared.required_fields:
        if isinstance(each, IntegrationFieldExistent) and each.map_to_name is None:
            yield each.field_name
    predefined = predefined_mappings(declared)
    mapped = {*predefined, *predefined.values()}
    for name, selected in config.selected_fields.items():
        if selected and name not in mapped:
            yield name


def _mappings(declared: IntegrationObject, config: ReadConfigObject) -> dict[str, str]:
    """From the delivered name to the provider's field: the manifest's own mappings go before the group's."""
    mappings = {
        each.map_to_name: each.field_name
        for each in declared.required_fields
        if isinstance(each, IntegrationFieldExistent) and each.map_to_name
    }
    for each in declared.optional_fields:
        if isinstance(each, IntegrationFieldExistent) and each.map_to_name and _is_selected(each, config):
            mappings.setdefault(each.map_to_name, each.field_name)
    for asked in (*required_mappings(declared), *optional_mappings(declared)):
        source = config.selected_field_mappings.get(asked.map_to_name) or asked.default
        if source:
            mappings.setdefault(asked.map_to_name, source)
    for dynamic in config.dynamic_mappings_input:
        if dynamic.map_to_name:
            source = config.selected_field_mappings.get(dynamic.map_to_name) or dynamic.field_name
            if source:
                mappings.setdefault(dynamic.map_to_name, source)
    return mappings


def _is_selected(optional: IntegrationFieldExistent, config: ReadConfigObject) -> bool:
    names = (optional.field_name, optional.map_to_name)
    return any(name is not None and config.selected_fields.get(name, False) for name in names)


def _backfill(declared: IntegrationObject, chosen: BackfillConfig | None, filters: Filters) -> Backfill:
    period = chosen.default_period if chosen else declared.backfill.default_period if declared.backfill else None
    own_filters = _filters(chosen.field_filters) if chosen else ()
    if period is None or not (period.full_history or period.days):
        return NO_BACKFILL
    if period.full_history:
        return Backfill("full", filters=own_filters or filters)
    return Backfill("days", period.days or 0, own_filters or filters)


def _filters(filters: Iterable[ReadFilter]) -> Filters:
    return tuple((each.field_name, each.value) for each in filters)


def _once(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, whatever its case: providers that ignore case refuse a field that is asked for twice."""
    seen: dict[str, str] = {}
    for name in names:
        seen.setdefault(name.casefold(), name)
    return tuple(seen.values())
