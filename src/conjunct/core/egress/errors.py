"""How a request fails when no whole answer comes back."""

from __future__ import annotations

from typing import Literal

import aiohttp

from .addresses import AddressRefused

Reason = Literal["refused_address", "dns", "connect", "tls", "timeout", "reset", "too_large", "protocol"]


class EgressError(Exception):
    """A request got no whole answer.

    `sent` is whether the request may have reached the other side: if not, repeating it is always safe.
    `message` holds neither path, query nor headers.
    """

    def __init__(self, reason: Reason, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.message = message
        self.sent = sent


# From the special to the general: the first that fits counts.
REASONS: tuple[tuple[type[BaseException], Reason, str], ...] = (
    (AddressRefused, "refused_address", "it is in a network that requests may not go to"),
    (TimeoutError, "timeout", "it did not answer in time"),
    (aiohttp.ClientConnectorDNSError, "dns", "the name is not known"),
    (aiohttp.ClientSSLError, "tls", "no secure connection could be made"),
    (aiohttp.ClientConnectorError, "connect", "it does not take connections"),
    (aiohttp.ClientPayloadError, "reset", "the connection broke off within the answer"),
    (aiohttp.ServerDisconnectedError, "reset", "it closed the connection without an answer"),
    (aiohttp.ClientOSError, "reset", "the connection was reset"),
    (aiohttp.ClientError, "protocol", "its answer is not valid HTTP"),
)
TRANSLATED = tuple(kind for kind, _, _ in REASONS)


def translate(error: BaseException, *, host: str, sent: bool) -> EgressError:
    """The `EgressError` for an exception of the HTTP library, one of `TRANSLATED`."""
    reason, words = next((reason, words) for kind, reason, words in REASONS if isinstance(error, kind))
    return EgressError(reason, f"No answer from {host}: {words}.", sent=sent)
