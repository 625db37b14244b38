"""What every type of destination offers. A type is a folder beside this file whose package has a `TYPE`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Protocol

from conjunct.core.egress import Egress

Secrets = dict[str, Any]
"""A type's secrets, in a JSON shape of its own."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as it is sent; `sent_at` is now."""

    message_id: str
    body: bytes = field(repr=False)
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """How one attempt ended. `elapsed` is in seconds.

    `error` says why it was not delivered. `retry_after` is what the destination asked for. `gone` means that it will
    never take a message again.
    """

    delivered: bool
    elapsed: float
    status: int | None = None
    error: str | None = None
    retry_after: timedelta | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a check of metadata may look at outside of it."""

    egress: Egress
    allowed_networks: tuple[IPv4Network | IPv6Network, ...]


class Sender(Protocol):
    """Sends messages to one destination."""

    async def send(self, outgoing: Outgoing, timeout_seconds: float) -> Answer:
        """Try once; every failure is an answer, not an exception."""
        ...


class DestinationType(Protocol):
    """A kind of destination. `pushes`: messages are sent; else they are kept to be pulled, and no more."""

    name: str
    pushes: bool
    metadata_fields: frozenset[str]
    secret_metadata_fields: frozenset[str]

    async def check_metadata(self, metadata: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
        """The metadata to keep; raises `InvalidRequest` or `Unprocessable` with every fault. May look up names."""
        ...

    def first_secrets(self, given: Mapping[str, Any], now: datetime) -> Secrets:
        """The secrets of a new destination; raises `Unprocessable`."""
        ...

    def rotate_secrets(self, secrets: Secrets, now: datetime) -> Secrets:
        """New secrets beside the old ones, which stay valid for a while."""
        ...

    def show_secrets(self, secrets: Secrets) -> dict[str, str]:
        """The secrets as the builder may see them."""
        ...

    def sender(self, metadata: Mapping[str, Any], secrets: Secrets, egress: Egress) -> Sender | None:
        """What sends to a destination with these; None for a type that does not push."""
        ...
