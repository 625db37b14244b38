"""The formats of connections in bulk, each a pure translation from and to a request for a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Format = Literal["ampersand", "nango"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A connection to bring in: `request` is a `GenerateConnectionRequest` on the wire, still unchecked.

    `client_id` is that of the OAuth client which its tokens were made for, where the entry tells.
    """

    request: Mapping[str, Any] = field(repr=False)
    client_id: str | None = None


class UnreadableEntry(ValueError):
    """An entry is not what its format says; the message says what is wrong and holds no secret."""


def section(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of an entry that is an object, or an empty one where there is none."""
    value = entry.get(name)
    return value if isinstance(value, dict) else {}


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are there."""
    return {name: value for name, value in values.items() if value is not None}
