"""The narrow door through which a connector reaches its provider."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp

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


Server = tuple[str, int]
"""A host in lower case, and a port."""

_PORTS = {"http": 80, "https": 443}


def server_of(url: str) -> Server | None:
    """Where a request to that URL goes; None when it is not the URL of a server."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None


class EgressTransport:
    """The transport of a running Conjunct. Only servers that the operator named may have private addresses.

    Not their hosts: a provider that a builder deploys could name another port of one.
    """

    def __init__(self, egress: Egress, *, private_servers: frozenset[Server] = frozenset()) -> None:
        self._egress = egress
        self._private_servers = private_servers

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
                allow_private=self._is_private(url),
            )
        except EgressError as error:
            raise _translated(error) from error

    def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | AsyncIterable[bytes] | None,
        idle_timeout: float,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send a request that is passed through, and give the answer once its headers are there; see `Egress.stream`.

        It may take as long as it likes, as long as something comes within `idle_timeout` seconds. Raises `EgressError`.
        """
        return self._egress.stream(
            method,
            url,
            headers=headers,
            body=body,
            timeout=None,
            idle_timeout=idle_timeout,
            allow_private=self._is_private(url),
        )

    def _is_private(self, url: str) -> bool:
        return bool(self._private_servers) and server_of(url) in self._private_servers


def _translated(error: EgressError) -> ProviderError:
    if error.reason == "refused_address":
        return BadRequest(error.message)
    if error.reason in ("too_large", "protocol"):
        return MalformedAnswer(error.message)
    kind = TimedOut if error.reason == "timeout" else Unreachable
    return kind(error.message, sent=error.sent)
