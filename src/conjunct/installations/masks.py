"""Update masks: which parts of an installation a change replaces.

A mask is a dotted path. Every place in `config.content` may be named: a whole part, one object of it, or what is inside
an object. Names stand in masks as they are, dots and all, so that at each step the longest known name counts; escaped
dots are understood too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conjunct.core.problems import Issue
from conjunct.installations.problems import InvalidUpdateMask
from conjunct.installations.schemas import MAX_STEPS
from conjunct.manifests import (
    Integration,
    find_read_object,
    find_subscribe_object,
    find_write_object,
    read_objects,
    subscribe_objects,
    write_objects,
)

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

CONTENT = "config.content"

_REMEDY = f"Allowed masks: {', '.join(ALLOWED_MASKS)}; and other places in {CONTENT}, by their paths."
_ABSENT = object()
_SEGMENT = re.compile(r"((?:\\.|[^.\\])+)(?:\.(.+))?", re.DOTALL)

# Clients name these maps to say that nothing is to be written, or subscribed to, and then send no map at all.
_CLEARED_WHEN_ABSENT = (("write", "objects"), ("subscribe", "objects"))

Finder = Callable[[Integration, str], Any]
FINDERS: dict[str, Finder] = {
    "read": find_read_object,
    "write": find_write_object,
    "subscribe": find_subscribe_object,
}
"""By action: the declared object that a name, the provider's or the builder's, stands for."""

_OBJECTS: dict[str, Callable[[Integration], Iterable[Any]]] = {
    "read": read_objects,
    "write": write_objects,
    "subscribe": subscribe_objects,
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

    A value that is null takes its place out of the content. Raises InvalidUpdateMask with one issue for each mask that
    is unknown or has no value.
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


def key_in_force(objects: Iterable[str], name: str, find: Finder, integration: Integration) -> str | None:
    """Under which of the names `objects` the object that `name` stands for is kept, if it is."""
    names = list(objects)
    if name in names:
        return name
    declared = find(integration, name)
    return next((each for each in names if declared is not None and find(integration, each) == declared), None)


def _apply(change: Change, given: Mapping[str, Any], mask: str, integration: Integration) -> Change:
    config = _mapping(given.get("config"))
    if mask == "connectionId":
        return replace(change, connection_id=_text(given, "connectionId"))
    if mask == "config.createdBy":
        return replace(change, created_by=_text(config, "createdBy"))
    if mask == "config.revisionId":
        return change  # no longer a choice: every change is made on the latest revision
    if mask == CONTENT:
        return replace(change, content=_object(config, "content"), touched=(*change.touched, mask))
    if not mask.startswith(f"{CONTENT}."):
        raise _Fault("This cannot be updated")
    place = _Place(change.content, _object(config, "content"), integration)
    place.follow(mask.removeprefix(f"{CONTENT}."))
    content = place.replaced()
    return replace(change, content=content, touched=(*change.touched, ".".join((CONTENT, *place.path))))


class _Place:
    """A place in the content that is found step by step, in the content in force and in the one that is offered.

    The two may have the same object under different names: the provider's, and the one that the builder gave it.
    """

    def __init__(self, current: Mapping[str, Any], offered: Mapping[str, Any], integration: Integration) -> None:
        self.path: tuple[str, ...] = ()
        self._content = current
        self._current: Any = current
        self._offered: Any = offered
        self._integration = integration

    def follow(self, mask: str) -> None:
        """Go where the mask leads."""
        rest: str | None = mask
        while rest is not None:
            if len(self.path) == MAX_STEPS:
                raise _Fault(f"It has more than {MAX_STEPS} steps")
            current, offered = _mapping(self._current), _mapping(self._offered)
            name, rest = _split(rest, {*current, *offered, *self._declared()})
            kept, sent = self._key(current, name), self._key(offered, name)
            if rest is None and sent in offered:
                kept = self._renamed(kept, sent)
            self._current = _mapping(self._current).get(kept)
            self._offered = offered.get(sent, _ABSENT)
            self.path = (*self.path, kept)

    def replaced(self) -> Mapping[str, Any]:
        """The content with what is offered at the place; without the place when that is null."""
        value = self._offered
        if value is _ABSENT:
            if self.path not in _CLEARED_WHEN_ABSENT:
                raise _Fault("The installation has no value for it")
            value = {}
        content: Mapping[str, Any] = _replaced(self._content, self.path, value)
        return content

    def _action(self) -> str | None:
        """The action whose objects are the next step."""
        return self.path[0] if len(self.path) == 2 and self.path[1] == "objects" and self.path[0] in FINDERS else None

    def _declared(self) -> set[str]:
        """The names that objects at the next step may have."""
        action, integration = self._action(), self._integration
        if action is None:
            return set()
        mapped = {each.map_to_name for each in read_objects(integration) if each.map_to_name}
        return {*mapped, *(each.object_name for each in _OBJECTS[action](integration))}

    def _key(self, objects: Mapping[str, Any], name: str) -> str:
        action = self._action()
        found = key_in_force(objects, name, FINDERS[action], self._integration) if action else None
        return found or name

    def _renamed(self, kept: str, sent: str) -> str:
        """An object that is replaced whole is kept under the name that it comes with."""
        if kept != sent:
            self._content = _replaced(self._content, (*self.path, kept), None)
        return sent


def _split(rest: str, known: set[str]) -> tuple[str, str | None]:
    """The first name of a path, the longest known one, and what follows it."""
    fitting = [
        (name, written)
        for name in known
        for written in {name, name.replace(".", "\\.").replace(":", "\\:")}
        if written and (rest == written or rest.startswith(f"{written}."))
    ]
    if fitting:
        name, written = max(fitting, key=lambda each: len(each[1]))
        follows = None if rest == written else rest[len(written) + 1 :]
    else:
        match = _SEGMENT.fullmatch(rest)
        if match is None:
            raise _Fault("This cannot be updated")
        name, follows = match[1].replace("\\.", ".").replace("\\:", ":"), match[2]
    if follows == "":
        raise _Fault("This cannot be updated")
    return name, follows


def _replaced(current: Any, path: Sequence[str], value: Any) -> Any:
    if not path:
        return value
    if current is not None and not isinstance(current, Mapping):
        raise _Fault("It leads into what is not an object; name the whole of that")
    head, *tail = path
    objects = current or {}
    if value is None and (not tail or head not in objects):
        return {key: each for key, each in objects.items() if key != head}
    return {**objects, head: _replaced(objects.get(head), tail, value)}


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if value is None:
        raise _Fault("The installation has no value for it")
    if not isinstance(value, str) or not value:
        raise _Fault("Its value must be a text")
    return value


def _object(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = given.get(name)
    if value is None:
        raise _Fault("The installation has no value for it")
    if not isinstance(value, Mapping):
        raise _Fault("Its value must be an object")
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
