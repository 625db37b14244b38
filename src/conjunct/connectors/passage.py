"""The way to a provider for requests of somebody else's making, which are passed through as they came."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import aiohttp
from multidict import CIMultiDict

from conjunct.connectors.addresses import with_query
from conjunct.connectors.answers import retry_after
from conjunct.connectors.auth import signature
from conjunct.connectors.auth_definition import BasicAuth
from conjunct.connectors.aws_signing import Signable
from conjunct.connectors.exchange import Exchange, Proven
from conjunct.connectors.limits import LONGEST_PAUSE, UNTOLD_PAUSE, pause_after_success

Body = bytes | AsyncIterable[bytes] | None
TOO_MANY, UNAVAILABLE = 429, 503


class Opener(Protocol):
    """Sends a request and gives the answer once its headers are there; see `Egress.stream`."""

    def open(
        self, method: str, url: str, *, headers: Mapping[str, str], body: Body, idle_timeout: float
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """As `Egress.stream`; raises `EgressError`."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be passed through: the URL and the headers are those of the provider, without any proof."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Body


class Passage:
    """Requests over one connection: proven with its credentials, counted with all others of it.

    `base_url` is where paths begin (no slash at its end). Safe to use from several tasks.
    """

    def __init__(self, exchange: Exchange, base_url: str) -> None:
        self._exchange = exchange
        self.provider = exchange.definition.name
        self.base_url = base_url

    @property
    def reserved_headers(self) -> frozenset[str]:
        """The headers that prove who we are, in lower case: nobody else may set them."""
        return self._exchange.secret_headers

    @property
    def signs_bodies(self) -> bool:
        """Whether a request can be sent only when its whole body is known."""
        auth = self._exchange.definition.auth
        return isinstance(auth, BasicAuth) and auth.aws is not None

    async def proven(self) -> Proven:
        """Credentials that are good now. Raises `ProviderError`."""
        return await self._exchange.proven()

    async def proven_anew(self, refused: Proven) -> Proven | None:
        """Others than those that were just refused, or None. Raises `ProviderError`."""
        return await self._exchange.proven_anew(refused)

    async def accepted(self, proven: Proven) -> None:
        """Hear that the provider answered a request with them as one that is allowed."""
        await self._exchange.accepted(proven)

    def open(
        self, opener: Opener, request: Request, proven: Proven, *, idle_timeout: float
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send the request with this proof."""
        proof, exchange = proven.proof, self._exchange
        url = with_query(request.url, proof.query)
        headers = request.headers
        if proof.headers:
            headers = _joined(headers, proof.headers)
        if self.signs_bodies and not isinstance(request.body, AsyncIterable):
            signable = Signable(request.method, url, dict(headers), request.body)
            auth = exchange.definition.auth
            signed = signature(auth, proven.credentials, exchange.inputs, signable, exchange.clock.now())
            headers = _joined(headers, signed)
        return opener.open(request.method, url, headers=headers, body=request.body, idle_timeout=idle_timeout)

    async def take(self, *, patience: float) -> None:
        """Count a request against the provider's limits. Raises `HeldBack` when none may go out now."""
        await self._exchange.limiter.take(None, patience=patience)

    async def heed(self, status: int, headers: Mapping[str, str]) -> float | None:
        """Hear what an answer says of limits: the seconds for which the provider takes no more, told to all."""
        limits, now = self._exchange.definition.rate_limit, self._exchange.clock.now()
        if status not in (TOO_MANY, UNAVAILABLE):
            pause = pause_after_success(headers, limits, now)
        else:
            asked = retry_after(headers, limits, now)
            untold = UNTOLD_PAUSE if status == TOO_MANY else None
            pause = untold if asked is None else min(asked, LONGEST_PAUSE)
        if pause:
            await self._exchange.limiter.pause(pause)
        return pause


def _joined(headers: Mapping[str, str], own: Mapping[str, str]) -> CIMultiDict[str]:
    """The headers, in which our own are the only ones of their names."""
    joined = CIMultiDict(headers)
    joined.update(own)
    return joined
