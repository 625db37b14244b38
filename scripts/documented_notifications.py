"""The table of notifications."""

from __future__ import annotations

import inspect
from collections.abc import Container, Iterator

from conjunct.notifications import EVENTS, ConnectionEvent, Event, InstallationEvent
from scripts.markdown import code
from scripts.markdown import table as make_table


def table() -> Iterator[str]:
    """All events in the order of the code: type, when it happens, what its data holds besides what all such have."""
    rows = ((code(kind.type), _meaning(kind), _data(kind)) for kind in EVENTS)
    return make_table(("type", "sent when", "data"), rows)


def _meaning(kind: type[Event]) -> str:
    return inspect.cleandoc(kind.__doc__ or "")


def _data(kind: type[Event]) -> str:
    shared, known = _shared(kind)
    own = [_named(kind, str(field.alias)) for name, field in kind.model_fields.items() if name not in known]
    return ", ".join([*shared, *own])


def _shared(kind: type[Event]) -> tuple[list[str], Container[str]]:
    """What stands for the data that all events of the kind have, and the fields that it stands for."""
    if issubclass(kind, InstallationEvent):
        return ["the installation"], InstallationEvent.model_fields
    if issubclass(kind, ConnectionEvent):
        return ["the connection"], ConnectionEvent.model_fields
    return [], ()


def _named(kind: type[Event], name: str) -> str:
    return f"{code(name)} or {code(kind.links[name])}" if name in kind.links else code(name)
