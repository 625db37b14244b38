"""Rules about write and subscribe objects: what they inherit from read objects, and which events they name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conjunct.kit import json_path

from .content import objects, short
from .faults import Fault, Path, listed, nearest

_STANDARD_EVENTS = ("createEvent", "updateEvent", "deleteEvent", "associationChangeEvent")


def check_inheritance(integration: dict[str, Any]) -> Iterator[Fault]:
    """Faults of what write and subscribe objects take over from read objects."""
    names = _read_names(integration)
    for index, item in objects(integration, "write"):
        # Without any `read` there is nothing that the name could have missed; such manifests are in use.
        if item.get("inheritMapping") is True and "read" in integration:
            path: Path = ("write", "objects", index, "objectName")
            yield from _check_read_object(names, item, path, "inheritMapping")
        if "unmappedFields" in item and item.get("inheritMapping") is not True:
            detail = "`unmappedFields` needs `inheritMapping: true`: without it nothing is mapped"
            place: Path = ("write", "objects", index, "unmappedFields")
            yield Fault(place, detail, "Add `inheritMapping: true`, or remove `unmappedFields`", on_key=True)
    for index, item in objects(integration, "subscribe"):
        path = ("subscribe", "objects", index)
        if item.get("inheritFieldsAndMapping") is True:
            yield from _check_read_object(names, item, (*path, "objectName"), "inheritFieldsAndMapping")
        elif event := next((event for event in _STANDARD_EVENTS if event in item), None):
            yield Fault(
                (*path, "inheritFieldsAndMapping"),
                f"`{event}` needs `inheritFieldsAndMapping: true`",
                "Add `inheritFieldsAndMapping: true` and a read object with the same name",
                item.get("inheritFieldsAndMapping"),
            )


def _read_names(integration: dict[str, Any]) -> dict[str, str]:
    """The provider's name of every read object, by that name and by the one that it is mapped to."""
    reads = [read for _, read in objects(integration, "read") if isinstance(read.get("objectName"), str)]
    mapped = {read["mapToName"]: read["objectName"] for read in reads if isinstance(read.get("mapToName"), str)}
    return mapped | {read["objectName"]: read["objectName"] for read in reads}


def _check_read_object(names: dict[str, str], item: dict[str, Any], path: Path, key: str) -> Iterator[Fault]:
    name = item.get("objectName")
    if not isinstance(name, str) or names.get(name) == name:
        return
    match = names.get(name) or nearest(name, names.values())
    remedy = f"Did you mean `{short(match)}`?" if match else f"Add `{short(name)}` to the objects of `read`"
    yield Fault(path, f"`{key}` needs a read object named `{short(name)}`", remedy, name)


def check_events(integration: dict[str, Any]) -> Iterator[Fault]:
    """Faults of the events that subscribe objects name."""
    for index, item in objects(integration, "subscribe"):
        path: Path = ("subscribe", "objects", index)
        events = (*_STANDARD_EVENTS, "otherEvents")
        # An unknown key is probably a misspelt event, and has its own fault.
        expected = {"objectName", "destination", "inheritFieldsAndMapping"}
        if not any(event in item for event in events) and item.keys() <= expected:
            yield Fault(path, "The object subscribes to no event", f"Add at least one of {listed(events)}")
        update = item.get("updateEvent")
        if isinstance(update, dict):
            yield from _check_watched_fields(update, (*path, "updateEvent"))


def _check_watched_fields(update: dict[str, Any], path: Path) -> Iterator[Fault]:
    if "watchFieldsAuto" in update and "requiredWatchFields" in update:
        detail = "`watchFieldsAuto` and `requiredWatchFields` exclude each other"
        yield Fault((*path, "requiredWatchFields"), detail, "Keep one of the two", on_key=True)
    if update.keys() <= {"enabled"}:
        detail = "`updateEvent` does not say which fields to watch"
        yield Fault(path, detail, "Add `watchFieldsAuto: all`, or list fields in `requiredWatchFields`")
    watched = update.get("requiredWatchFields")
    for number, name in enumerate(watched if isinstance(watched, list) else []):
        if isinstance(name, str) and json_path.is_nested(name):
            place = (*path, "requiredWatchFields", number)
            yield Fault(place, "A nested field cannot be watched", "Watch the field that holds it", name)
