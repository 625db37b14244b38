"""Update masks: which parts of an installation a change replaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conjunct.core.problems import Issue
from conjunct.installations.problems import InvalidUpdateMask
from conjunct.manifests import Integration, find_read_object, find_subscribe_object, find_write_object

ALLOWED_MASKS = (
    "connectionId",
    "config.createdBy",
    "config.content.read.objects.<objectName>",
    "config.content.write.objects.<objectName>",
    "config.content.write.objects",
    "config.content.subscribe.objects.<objectName>",
    "config.content.subscribe.objects",
    "config.content.proxy.enabled",
)

_REMEDY = f"Allowed masks: {', '.join(ALLOWED_MASKS)}."
_ABSENT = object()
_CONTENT = "config.content."
_WHOLE_MAPS = ("write", "subscribe")
_FINDERS: dict[str, Callable[[Integration, str], Any]] = {
    "read": find_read_object,
    "write": find_write_object,
    "subscribe": find_subscribe_object,
}


@dataclass(frozen=True, slots=True)
class Change:
    """What a request changes: the new content in JSON, and the parts beside it that are not None.

    `touched` are the places in the content that were replaced, such as `config.content.read.objects.contacts`.
    """

    content: Mapping[str, Any]
    touched: tuple[str, ...] = ()
    connection_id: str | None = None
    created_by: str | None = None


class _Fault(Exception):
    """A mask that cannot be applied."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def apply_masks(
    current: Mapping[str, Any], given: Mapping[str, Any], masks: Sequence[str], integration: Integration
) -> Change:
    """The change that `masks` make to the content in force, with values from `given` (the request's `installation`).

    Names of objects stand in masks as they are, dots and all; escaped dots are understood too. Raises
    InvalidUpdateMask with one issue for each mask that is unknown or has no value.
    """
    change, issues = Change(current), []
    if not masks:
        issues.append(Issue("updateMask", "It must name at least one field"))
    for position, mask in enumerate(masks):
        try:
            change = _apply(change, given, mask, integration)
        except _Fault as fault:
            issues.append(Issue(f"updateMask.{position}", fault.detail, value=mask[:200]))
    if issues:
        raise InvalidUpdateMask(
            "The update mask cannot be applied; nothing was changed.", remedy=_REMEDY, issues=issues
        )
    return change


def _apply(change: Change, given: Mapping[str, Any], mask: str, integration: Integration) -> Change:
    if mask == "connectionId":
        return replace(change, connection_id=_text(given, "connectionId"))
    if mask == "config.createdBy":
        return replace(change, created_by=_text(given, "config", "createdBy"))
    if mask == "config.content.proxy.enabled":
        enabled = _value(given, "config", "content", "proxy", "enabled")
        proxy = {**change.content.get("proxy", {}), "enabled": enabled}
        return replace(change, content={**change.content, "proxy": proxy}, touched=(*change.touched, mask))
    action, _, rest = mask.removeprefix(_CONTENT).partition(".")
    if not mask.startswith(_CONTENT) or action not in _FINDERS:
        raise _Fault("This cannot be updated")
    touched = mask
    if rest == "objects" and action in _WHOLE_MAPS:
        objects = _value(given, "config", "content", action, "objects")
    elif rest.startswith("objects.") and rest != "objects.":
        name, objects = _with_one(change.content, given, action, rest.removeprefix("objects."), integration)
        touched = f"{_CONTENT}{action}.objects.{name}"
    else:
        raise _Fault("This cannot be updated")
    part = {**change.content.get(action, {}), "objects": objects}
    return replace(change, content={**change.content, action: part}, touched=(*change.touched, touched))


def _with_one(
    content: Mapping[str, Any], given: Mapping[str, Any], action: str, named: str, integration: Integration
) -> tuple[str, dict[str, Any]]:
    """The name of the object that a mask means, and the objects of its action with that one replaced."""
    find = _FINDERS[action]
    current = content.get(action, {}).get("objects", {})
    offered = _mapping(_find(given, "config", "content", action, "objects"))
    name = next((each for each in (named, _unescaped(named)) if offered.get(each) is not None), None)
    if name is None:
        known = [each for each in {*current, *offered} if named.startswith(f"{each}.")]
        if known and find(integration, named) is None:
            raise _Fault(f"A mask ends with the object's name; what is inside {max(known, key=len)} is replaced whole")
        raise _Fault("The installation has no value for it")
    # The same object may stand under its other name: the one that the builder mapped it to.
    replaced = find(integration, name)
    kept = {key: each for key, each in current.items() if replaced is None or find(integration, key) != replaced}
    return name, {**kept, name: offered[name]}


def _unescaped(name: str) -> str:
    return name.replace("\\.", ".").replace("\\:", ":")


def _text(given: Mapping[str, Any], *path: str) -> str:
    value = _value(given, *path)
    if not isinstance(value, str) or not value:
        raise _Fault("Its value must be a text")
    return value


def _value(given: Mapping[str, Any], *path: str) -> Any:
    value = _find(given, *path)
    if value is _ABSENT or value is None:
        raise _Fault("The installation has no value for it")
    return value


def _find(given: Mapping[str, Any], *path: str) -> Any:
    value: Any = given
    for name in path:
        value = _mapping(value).get(name, _ABSENT)
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
