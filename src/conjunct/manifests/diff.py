"""What a new revision of an integration changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .models import Construct, Integration

Action = Literal["read", "write", "subscribe"]
Kind = Literal["added", "removed", "changed"]

_ACTIONS: tuple[Action, ...] = ("read", "write", "subscribe")
_FIELD_LISTS = ("requiredFields", "optionalFields")


@dataclass(frozen=True, slots=True)
class Change:
    """One key that differs; None stands for a key that is not there.

    `key` is as written in the manifest. In a list of fields each field counts for itself: `requiredFields.email`.
    """

    key: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """An object of one action that is new, gone or different. `changes` is empty unless it is different."""

    action: Action
    object_name: str
    kind: Kind
    changes: tuple[Change, ...] = ()

    def touches(self, *keys: str) -> bool:
        """Whether any of the keys differs, such as `schedule`; `requiredFields` stands for every field in it."""
        return any(change.key.split(".", 1)[0] in keys for change in self.changes)


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that differs between two revisions of an integration: its objects, and its other settings."""

    objects: tuple[ObjectChange, ...] = ()
    settings: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything differs in effect; the order of objects and fields does not count."""
        return bool(self.objects or self.settings)

    def of(self, action: Action, kind: Kind) -> tuple[ObjectChange, ...]:
        """The changed objects of one action and kind. Removed read objects are what a destructive deploy pauses."""
        return tuple(item for item in self.objects if item.action == action and item.kind == kind)


def diff(old: Integration | None, new: Integration) -> Changes:
    """What `new` changes; everything is added when there is no `old`."""
    before, after = _plain(old), _plain(new)
    objects = tuple(change for action in _ACTIONS for change in _object_changes(action, before, after))
    keys = dict.fromkeys([*before, *after])
    settings = tuple(
        change for key in keys if key not in _ACTIONS for change in _key_changes(key, before.get(key), after.get(key))
    )
    return Changes(objects, settings)


def _plain(construct: Construct | None) -> dict[str, Any]:
    return construct.model_dump(mode="json", by_alias=True, exclude_none=True) if construct is not None else {}


def _object_changes(action: Action, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[ObjectChange]:
    old, new = _objects_by_name(before, action), _objects_by_name(after, action)
    for name, item in new.items():
        if name not in old:
            yield ObjectChange(action, name, "added")
        elif changes := tuple(_mapping_changes(old[name], item)):
            yield ObjectChange(action, name, "changed", changes)
    for name in old:
        if name not in new:
            yield ObjectChange(action, name, "removed")


def _objects_by_name(integration: Mapping[str, Any], action: Action) -> dict[str, dict[str, Any]]:
    return {item["objectName"]: item for item in integration.get(action, {}).get("objects", [])}


def _mapping_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for key in dict.fromkeys([*old, *new]):
        if key in _FIELD_LISTS:
            yield from _field_changes(key, old.get(key, []), new.get(key, []))
        else:
            yield from _key_changes(key, old.get(key), new.get(key))


def _field_changes(key: str, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Iterator[Change]:
    before, after = _fields_by_name(old), _fields_by_name(new)
    for name in dict.fromkeys([*before, *after]):
        yield from _key_changes(f"{key}.{name}", before.get(name), after.get(name))


def _fields_by_name(fields: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Fields by what is unique among them: the mapped name, or else the provider's."""
    return {field.get("mapToName") or field["fieldName"]: field for field in fields}


def _key_changes(key: str, old: Any, new: Any) -> Iterator[Change]:
    if old != new:
        yield Change(key, old, new)
