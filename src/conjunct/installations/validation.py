"""Whether what a group chose fits what the builder declared. Every fault is told at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from conjunct.core.problems import Issue
from conjunct.installations.content import ConfigContent, ReadConfigObject, ReadFilter
from conjunct.kit import cron
from conjunct.kit.json_path import parse_selector
from conjunct.manifests import (
    Integration,
    IntegrationObject,
    find_read_object,
    find_subscribe_object,
    find_write_object,
    optional_mappings,
    predefined_mappings,
    read_objects,
    required_mappings,
    subscribe_objects,
    write_objects,
)

PREFIX = "config.content"
_SHOWN_NAMES = 20


def check_content(content: ConfigContent, integration: Integration, finest: timedelta) -> Iterator[Issue]:
    """Every fault of a config; `finest` is the shortest time between two scheduled reads."""
    if content.provider is not None and content.provider != integration.provider:
        yield Issue(
            f"{PREFIX}.provider",
            f"The integration is for {integration.provider}",
            value=content.provider,
            remedy=f"Use {integration.provider}, or leave it out.",
        )
    if content.read:
        names = [each.object_name for each in read_objects(integration)]
        yield from _check_names("read", content.read.objects, names, _finder(find_read_object, integration))
        for key, config in content.read.objects.items():
            declared = find_read_object(integration, config.object_name or key)
            if declared is not None:
                yield from _check_read_object(f"{PREFIX}.read.objects.{key}", config, declared, finest)
    if content.write:
        names = [each.object_name for each in write_objects(integration)]
        yield from _check_names("write", content.write.objects, names, _finder(find_write_object, integration))
    if content.subscribe:
        names = [each.object_name for each in subscribe_objects(integration)]
        yield from _check_names(
            "subscribe", content.subscribe.objects, names, _finder(find_subscribe_object, integration)
        )


def _finder(find: Callable[[Integration, str], Any], integration: Integration) -> Callable[[str], str | None]:
    def find_name(name: str) -> str | None:
        found = find(integration, name)
        return None if found is None else str(found.object_name)

    return find_name


def _check_names(
    action: str, objects: Mapping[str, Any], declared: list[str], find: Callable[[str], str | None]
) -> Iterator[Issue]:
    """The name of each entry must be declared, agree with its key, and stand for another object than all others."""
    shown = ", ".join(declared[:_SHOWN_NAMES]) or "none"
    seen: dict[str, str] = {}
    for key, config in objects.items():
        place = f"{PREFIX}.{action}.objects.{key}"
        name = config.object_name or key
        found = find(name)
        if found is None:
            yield Issue(
                place,
                f"The integration does not {action} {_to(action)}{name}",
                value=name,
                remedy=f"Its objects are: {shown}.",
            )
        elif config.object_name is not None and find(key) != found:
            yield Issue(f"{place}.objectName", f"It is not the object that the key {key} stands for", value=name)
        elif found in seen:
            yield Issue(place, f"It stands for the same object as {seen[found]}", value=name)
        else:
            seen[found] = key


def _to(action: str) -> str:
    return "to " if action == "subscribe" else ""


def _check_read_object(
    place: str, config: ReadConfigObject, declared: IntegrationObject, finest: timedelta
) -> Iterator[Issue]:
    if config.schedule:
        yield from _check_schedule(f"{place}.schedule", config.schedule, finest)
    for name in config.selected_fields:
        yield from _check_selector(f"{place}.selectedFields.{name}", name)
    yield from _check_mappings(f"{place}.selectedFieldMappings", config, declared)
    for name, values in config.selected_value_mappings.items():
        yield from _check_values(f"{place}.selectedValueMappings.{name}", values)
    yield from _check_filters(f"{place}.fieldFilters", config.field_filters)
    if config.backfill:
        yield from _check_filters(f"{place}.backfill.fieldFilters", config.backfill.field_filters)


def _check_schedule(place: str, schedule: str, finest: timedelta) -> Iterator[Issue]:
    try:
        interval = cron.parse_zoned(schedule).cron.minimum_interval()
    except ValueError as error:
        yield Issue(place, str(error), value=schedule[:200], remedy='Write a cron expression, such as "*/30 * * * *".')
        return
    if interval < finest:
        seconds = int(finest.total_seconds())
        yield Issue(
            place,
            f"It fires every {int(interval.total_seconds())} seconds at times, and {seconds} is the least here",
            value=schedule,
            remedy='Choose a coarser schedule, such as "*/30 * * * *".',
        )


def _check_mappings(place: str, config: ReadConfigObject, declared: IntegrationObject) -> Iterator[Issue]:
    asked = [each.map_to_name for each in (*required_mappings(declared), *optional_mappings(declared))]
    dynamic = [each.map_to_name for each in config.dynamic_mappings_input if each.map_to_name]
    known = {*asked, *dynamic, *predefined_mappings(declared)}
    for name, source in config.selected_field_mappings.items():
        if name not in known:
            yield Issue(
                f"{place}.{name}",
                "Neither the manifest nor dynamicMappingsInput has such a mapping",
                value=source[:200],
                remedy=f"The mappings are: {', '.join(sorted(known)[:_SHOWN_NAMES]) or 'none'}.",
            )
        elif source:
            yield from _check_selector(f"{place}.{name}", source)
    for required in required_mappings(declared):
        if not config.selected_field_mappings.get(required.map_to_name) and not required.default:
            yield Issue(
                f"{place}.{required.map_to_name}",
                "This mapping is required, and the manifest has no default for it",
                remedy="Give the provider's field that it maps to.",
            )


def _check_values(place: str, values: Mapping[str, str]) -> Iterator[Issue]:
    """A value of the provider's stands for one of the builder's, or reads could not tell for which."""
    counts = Counter(theirs for theirs in values.values() if theirs)
    for theirs, count in counts.items():
        if count > 1:
            yield Issue(
                place,
                f"{count} values are mapped to {theirs[:200]}",
                value=theirs[:200],
                remedy="Map each value to another one, or leave some out.",
            )


def _check_selector(place: str, name: str) -> Iterator[Issue]:
    try:
        parse_selector(name)
    except ValueError as error:
        yield Issue(place, str(error), value=name[:200])


def _check_filters(place: str, filters: Iterable[ReadFilter]) -> Iterator[Issue]:
    counts = Counter(each.field_name for each in filters)
    for name, count in counts.items():
        if count > 1:
            yield Issue(place, f"{name} has {count} conditions, and one is allowed", value=name)
