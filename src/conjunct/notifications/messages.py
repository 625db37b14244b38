"""How an event becomes messages to destinations."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from conjunct.notifications.events import Event

MAX_BYTES = 300_000
"""Largest body of a message, in bytes."""


def message_id(event_id: str, destination_id: str) -> str:
    """The id of the message that tells a destination of an event; each destination gets one of its own."""
    digest = hashlib.blake2b(destination_id.encode(), digest_size=6).hexdigest()
    return f"ntf_{event_id.replace('-', '')}_{digest}"


def body(event: Event, data: dict[str, Any]) -> bytes:
    """The notification of an event, as the specification has it."""
    return orjson.dumps({"notificationType": event.type, "data": data})


def too_large(event: Event, data: dict[str, Any]) -> list[str]:
    """The keys of the data to send by link, so that the others fit into a message: none, or the largest ones."""
    sizes = {key: len(orjson.dumps(data[key])) for key in event.links if key in data}
    room = MAX_BYTES - len(body(event, data))
    chosen: list[str] = []
    for key in sorted(sizes, key=lambda key: sizes[key], reverse=True):
        if room >= 0:
            break
        chosen.append(key)
        room += sizes[key] - _LINK_BYTES
    return chosen


_LINK_BYTES = 500
