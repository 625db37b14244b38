"""The narrow door through which a connector reaches its provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from conjunct.connectors.answers import Response
from conjunct.connectors.errors import BadRequest, MalformedAnswer, ProviderError, TimedOut, Unreachable
from conjunct.core.egress import Egress, EgressError


class Transport(Protocol):
    """Sends one request. Follows no redirects and keeps no cookies.

    Raises `errors.Unreachable` (or `TimedOut`) when there is no answer, `errors.MalformedAnswer` when the answer is
    broken or has more than `max_bytes` bytes, `errors.BadRequest` when requests may not go to that address.
    """

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,  # noqa: ASYNC109 - a limit handed on to the client that keeps it
        max_bytes: int,
    ) -> Response: ...


class EgressTransport:
    """The transport of a running Conjunct. Only hosts that the operator named may have private addresses."""

    def __init__(self, egress: Egress, *, private_hosts: frozenset[str] = frozenset()) -> None:
        self._egress = egress
        self._private_hosts = private_hosts

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,  # noqa: ASYNC109 - handed on to the HTTP client
        max_bytes: int,
    ) -> Response:
        """As `Transport.request`."""
        try:
            return await self._egress.request(
                method,
                url,
                headers=headers,
                body=body,
                timeout=timeout,
                max_bytes=max_bytes,
                allow_private=urlsplit(url).hostname in self._private_hosts,
            )
        except EgressError as error:
            raise _translated(error) from error


def _translated(error: EgressError) -> ProviderError:
    if error.reason == "refused_address":
        return BadRequest(error.message)
    if error.reason in ("too_large", "protocol"):
        return MalformedAnswer(error.message)
    kind = TimedOut if error.reason == "timeout" else Unreachable
    return kind(error.message, sent=error.sent)
