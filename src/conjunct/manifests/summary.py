"""Changes in words, a line each, for people to read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .content import short
from .diff import Change, Changes, ObjectChange


def summarize(changes: Changes) -> list[str]:
    """What differs, in the order of `Changes`: each object that is new or gone, and each key of those that differ."""
    return [*(line for each in changes.objects for line in _of_object(each)), *map(_of_key, changes.settings)]


def _of_object(change: ObjectChange) -> Iterator[str]:
    what = f"{change.action} {change.object_name}"
    if change.kind == "changed":
        yield from (f"{what}: {_of_key(each)}" for each in change.changes)
    else:
        yield f"{what} is {'new' if change.kind == 'added' else 'removed'}"


def _of_key(change: Change) -> str:
    if change.before is None:
        return f"{change.key} is new: {_shown(change.after)}"
    if change.after is None:
        return f"{change.key} is removed; it was {_shown(change.before)}"
    return f"{change.key}: {_shown(change.before)} → {_shown(change.after)}"


def _shown(value: Any) -> str:
    return short(json.dumps(value, ensure_ascii=False))
