"""Rules that span several keys, or that a type cannot say.

They read plain data, which may have any fault of structure as well, so that all faults are found in one pass: what has
the wrong type is left to `structure` and passed over here. A rule is a function from one integration to its faults.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from conjunct.kit import cron

from .ability_rules import Abilities, check_abilities
from .content import at, mappings, objects, short
from .faults import Fault, Path, listed, nearest
from .field_rules import check_fields
from .inheritance_rules import check_events, check_inheritance

KnownProviders = Mapping[str, Collection[str]]
"""Each provider's name with the names of its modules (none for most)."""

HOURLY = timedelta(hours=1)

_ACTIONS = ("read", "write", "subscribe", "proxy", "watchSchema")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator decides: known providers (None: any name goes), the finest schedule of a read, and what the
    providers can do (None: whatever is asked goes)."""

    known_providers: KnownProviders | None = None
    finest_schedule: timedelta = timedelta(minutes=10)
    abilities: Abilities | None = None


Rule = Callable[[dict[str, Any]], Iterator[Fault]]


def check_manifest(content: Any, limits: Limits) -> Iterator[Fault]:
    """Every fault of a manifest that its structure does not show."""
    seen: dict[str, int] = {}
    for index, integration in mappings(content, "integrations"):
        for fault in check_integration(integration, limits):
            yield fault.under(("integrations", index))
        name = integration.get("name")
        if isinstance(name, str) and name in seen:
            yield Fault(
                ("integrations", index, "name"),
                f"Two integrations are named `{short(name)}`; the first is integrations.{seen[name]}",
                "Give each integration its own name",
                name,
            )
        elif isinstance(name, str):
            seen[name] = index


def check_integration(integration: Any, limits: Limits) -> Iterator[Fault]:
    """Every fault of one integration that its structure does not show; paths begin at the integration."""
    if isinstance(integration, dict):
        yield from _knows_provider(integration, limits)
        yield from _has_good_schedules(integration, limits)
        if limits.abilities is not None:
            yield from check_abilities(integration, limits.abilities)
        for rule in _RULES:
            yield from rule(integration)


def _knows_provider(integration: dict[str, Any], limits: Limits) -> Iterator[Fault]:
    provider, module = integration.get("provider"), integration.get("module")
    if limits.known_providers is None or not isinstance(provider, str) or not provider.strip():
        return
    if provider not in limits.known_providers:
        match = nearest(provider, limits.known_providers)
        remedy = f"Did you mean `{match}`?" if match else "See the list of providers, or define one of your own"
        yield Fault(("provider",), f"There is no provider `{short(provider)}`", remedy, provider)
        return
    modules = limits.known_providers[provider]
    if modules and isinstance(module, str) and module not in modules:
        remedy = f"The modules are {listed(sorted(modules))}"
        yield Fault(("module",), f"The provider `{provider}` has no module `{short(module)}`", remedy, module)


def _does_something(integration: dict[str, Any]) -> Iterator[Fault]:
    if not any(action in integration for action in _ACTIONS) and {"name", "provider"} & integration.keys():
        yield Fault((), "The integration does nothing", f"Add at least one of {listed(_ACTIONS)}")


def _has_good_schedules(integration: dict[str, Any], limits: Limits) -> Iterator[Fault]:
    for index, read_object in objects(integration, "read"):
        path = ("read", "objects", index, "schedule")
        # An empty schedule is what the API answers for an object that has none.
        if read_object.get("schedule") != "":
            yield from _check_schedule(read_object.get("schedule"), path, limits.finest_schedule)
    watch = integration.get("watchSchema")
    if isinstance(watch, dict):
        yield from _check_schedule(watch.get("schedule"), ("watchSchema", "schedule"), HOURLY)


def _check_schedule(schedule: Any, path: Path, finest: timedelta) -> Iterator[Fault]:
    if not isinstance(schedule, str):
        return
    try:
        interval = cron.parse_zoned(schedule).cron.minimum_interval_if_daily()
    except ValueError as error:
        yield Fault(path, str(error), 'A schedule looks like "*/10 * * * *"', schedule)
        return
    if interval < finest:
        detail = f"Two runs are only {_spell(interval)} apart; {_spell(finest)} is the finest"
        example = "0 * * * *" if finest == HOURLY else f"*/{_minutes(finest)} * * * *"
        yield Fault(path, detail, f'Write "{example}", or run less often', schedule)


def _has_good_backfills(integration: dict[str, Any]) -> Iterator[Fault]:
    for index, read_object in objects(integration, "read"):
        period = at(read_object, "backfill", "defaultPeriod")
        path = ("read", "objects", index, "backfill", "defaultPeriod")
        if not isinstance(period, dict):
            continue
        if "days" in period and "fullHistory" in period:
            detail = "`days` and `fullHistory` exclude each other"
            yield Fault((*path, "fullHistory"), detail, "Keep one of the two", on_key=True)
        # With another key there, that one is the fault: a misspelt `days`.
        if not period:
            yield Fault(path, "`defaultPeriod` says nothing", "Give `days` or `fullHistory`")


def _has_good_deliveries(integration: dict[str, Any]) -> Iterator[Fault]:
    for index, read_object in objects(integration, "read"):
        delivery = read_object.get("delivery")
        if isinstance(delivery, dict) and "pageSize" in delivery and delivery.get("mode", "auto") == "auto":
            yield Fault(
                ("read", "objects", index, "delivery", "pageSize"),
                "`pageSize` applies only to `mode: onRequest`",
                "Remove it, or write `mode: onRequest`",
                on_key=True,
            )


def _has_unique_associations(integration: dict[str, Any]) -> Iterator[Fault]:
    for index, read_object in objects(integration, "read"):
        asked = read_object.get("associations")
        names = [each for each in asked if isinstance(each, str)] if isinstance(asked, list) else []
        for number, name in enumerate(names):
            if name in names[:number]:
                path = ("read", "objects", index, "associations", number)
                yield Fault(path, f"`{short(name)}` is given twice", "Remove one of the two", name)


def _has_unique_objects(integration: dict[str, Any]) -> Iterator[Fault]:
    for action in ("read", "write", "subscribe"):
        seen: dict[str, int] = {}
        for index, item in objects(integration, action):
            name = item.get("objectName")
            if isinstance(name, str) and name in seen:
                yield Fault(
                    (action, "objects", index, "objectName"),
                    f"`{short(name)}` is given twice; first as {action}.objects.{seen[name]}",
                    "Merge the two objects",
                    name,
                )
            elif isinstance(name, str):
                seen[name] = index


def _has_unique_mapped_objects(integration: dict[str, Any]) -> Iterator[Fault]:
    read_objects = list(objects(integration, "read"))
    owners = {item["objectName"]: index for index, item in read_objects if isinstance(item.get("objectName"), str)}
    for index, item in read_objects:
        name = item.get("mapToName")
        if not isinstance(name, str):
            continue
        owner = owners.setdefault(name, index)
        if owner != index:
            yield Fault(
                ("read", "objects", index, "mapToName"),
                f"`{short(name)}` is already the name of read.objects.{owner}",
                "Give each object its own name",
                name,
            )


def _reads_always_enabled_objects(integration: dict[str, Any]) -> Iterator[Fault]:
    """An object that nobody selects needs its schedule and its fields from the manifest alone."""
    for index, item in objects(integration, "read"):
        if item.get("enabled") != "always":
            continue
        path: Path = ("read", "objects", index)
        if item.get("schedule", "") == "":
            yield Fault((*path, "schedule"), "An object with `enabled: always` needs a `schedule`", "Add `schedule`")
        if item.get("requiredFields", []) == []:
            detail = "An object with `enabled: always` needs `requiredFields`: no consumer chooses its fields"
            yield Fault((*path, "requiredFields"), detail, "Add `requiredFields`", on_key=True)
        for number, field in mappings(item, "requiredFields"):
            if "mapToName" in field and "fieldName" not in field and "default" not in field:
                detail = "An object with `enabled: always` cannot ask the consumer to choose a required field"
                place = (*path, "requiredFields", number, "mapToName")
                yield Fault(place, detail, "Add `fieldName` or `default`", field["mapToName"])


def _watches_something(integration: dict[str, Any]) -> Iterator[Fault]:
    if at(integration, "watchSchema", "allObjects") == {}:
        detail = "`allObjects` names no change to watch for"
        remedy = "Add at least one of `fieldCreated`, `fieldDeleted`, `fieldChanged`"
        yield Fault(("watchSchema", "allObjects"), detail, remedy)


_RULES: tuple[Rule, ...] = (
    _does_something,
    _has_good_backfills,
    _has_good_deliveries,
    _has_unique_associations,
    _has_unique_objects,
    _has_unique_mapped_objects,
    _reads_always_enabled_objects,
    _watches_something,
    check_fields,
    check_inheritance,
    check_events,
)


def _minutes(interval: timedelta) -> int:
    return max(1, int(interval.total_seconds() // 60))


def _spell(interval: timedelta) -> str:
    minutes = _minutes(interval)
    if minutes % 60 == 0:
        return "1 hour" if minutes == 60 else f"{minutes // 60} hours"
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
