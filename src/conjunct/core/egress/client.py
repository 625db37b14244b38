"""The HTTP client of the whole process."""

from __future__ import annotations

import io
import logging
import time
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDictProxy
from yarl import URL

from .addresses import EgressPolicy, parse_address, parse_url
from .bodies import ACCEPTED, BodyMalformed, BodyTooLarge, read_body
from .errors import TRANSLATED, EgressError, translate
from .resolver import GuardedResolver

log = structlog.get_logger(__name__)
_heard = logging.getLogger(__name__)  # where those lines end; whether it is heard costs less to ask here

CONNECT_SECONDS = 10.0
KEEPALIVE_SECONDS = 30.0
DNS_CACHE_SECONDS = 10
# Above this, a body is written piece by piece, so that it does not hold up the event loop.
WHOLE_BODY_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class EgressResponse:
    """An answer, whole and unpacked. `headers` are as they came; `elapsed` is in seconds, body included."""

    status: int
    headers: CIMultiDictProxy[str] = field(repr=False)
    body: bytes = field(repr=False)
    elapsed: float


class Egress:
    """All outbound HTTP of a process, over pooled connections.

    Follows no redirect, keeps no cookie, takes no proxy from the environment, and connects to public addresses only,
    unless the policy or, for what an operator configured, the call allows more. `counts` holds how requests ended:
    by status class (`2xx`) or by the reason of their `EgressError`. `connections_per_host` of 0 is no limit.
    """

    def __init__(
        self,
        *,
        policy: EgressPolicy,
        user_agent: str,
        connections_per_host: int = 32,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._policy = policy
        self._user_agent = user_agent
        self._connections_per_host = connections_per_host
        self._given_resolver = resolver

    async def __aenter__(self) -> Self:
        self._resolver = self._given_resolver or aiohttp.ThreadedResolver()
        self._guard = GuardedResolver(self._resolver, self._policy)
        # Two pools: a connection made for a call that may go anywhere must never serve one that may not.
        self._guarded = self._session(self._guard)
        self._open = self._session(self._resolver)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._guarded.close()
        await self._open.close()
        if self._given_resolver is None:
            await self._resolver.close()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = 30.0,  # noqa: ASYNC109 - the HTTP library's own, which frees the connection
        max_bytes: int = 64 * 1024 * 1024,
        allow_private: bool = False,
    ) -> EgressResponse:
        """Send a request and give the whole answer, whatever its status; a redirect is an answer.

        `timeout` is in seconds, for everything; `max_bytes` bounds the body after unpacking. Raises `EgressError`.
        """
        begin = time.perf_counter()
        async with self.stream(
            method, url, headers=headers, body=body, timeout=timeout, allow_private=allow_private
        ) as response:
            content = await self._read(response, max_bytes)
        return EgressResponse(response.status, response.headers, content, time.perf_counter() - begin)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | AsyncIterable[bytes] | None = None,
        timeout: float | None = 30.0,  # noqa: ASYNC109 - the HTTP library's own, which frees the connection
        idle_timeout: float | None = None,
        allow_private: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and give the answer once its headers are there, the body still packed and to be read.

        `timeout` is in seconds, for everything, None for however long it takes; `idle_timeout` for each wait for more
        of the answer. Raises `EgressError`, from within the block too when the body breaks off.
        """
        exchange = _Exchange()
        _under_way.set(exchange)
        failure: EgressError | None = None
        try:
            limits = _limits(timeout, idle_timeout)
            response = await self._send(exchange, method, url, headers, body, limits, allow_private)
            async with response:
                yield response
        except TRANSLATED as error:
            failure = translate(error, host=exchange.host, sent=exchange.sent)
        except EgressError as error:
            self._record(method, exchange, error.reason)
            raise
        else:
            self._record(method, exchange, f"{response.status // 100}xx")
        if failure is not None:
            self._record(method, exchange, failure.reason)
            # Here, and not where it was caught: the library's error knows the request's URL and headers, and may quote
            # the answer. It is not to go along.
            raise failure

    async def _send(
        self,
        exchange: _Exchange,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        body: bytes | AsyncIterable[bytes] | None,
        limits: aiohttp.ClientTimeout,
        allow_private: bool,
    ) -> aiohttp.ClientResponse:
        target = parse_url(url)
        exchange.host = target.raw_host or exchange.host
        session = self._session_for(target, allow_private)
        try:
            return await session.request(
                method,
                target,
                headers=headers,
                data=io.BytesIO(body) if isinstance(body, bytes) and len(body) > WHOLE_BODY_BYTES else body,
                allow_redirects=False,
                timeout=limits,
            )
        except ValueError as error:
            if isinstance(error, TRANSLATED):
                raise
            raise EgressError("protocol", "The method or a header cannot be sent.", sent=False) from None

    async def check_url(self, url: str) -> None:
        """Raise `AddressRefused` if requests to `url` would be refused now.

        A name that is unknown at present passes: it may be known later, and every connection is checked anyway.
        """
        target = parse_url(url)
        host = target.raw_host or ""
        if (address := parse_address(host)) is not None:
            self._policy.check(host, address)
            return
        try:
            await self._guard.resolve(host, target.port or 0)
        except OSError:
            log.debug("egress.unknown_host", host=host)

    def _session(self, resolver: AbstractResolver) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=resolver,
            ttl_dns_cache=DNS_CACHE_SECONDS,
            limit=0,
            limit_per_host=self._connections_per_host,
            keepalive_timeout=KEEPALIVE_SECONDS,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._user_agent, "Accept-Encoding": ACCEPTED},
            skip_auto_headers=("Content-Type",),
            auto_decompress=False,
            request_class=_NotedRequest,
        )

    def _session_for(self, target: URL, allow_private: bool) -> aiohttp.ClientSession:
        if allow_private:
            return self._open
        # The resolver is not asked about a literal address, so that it is checked here.
        host = target.raw_host or ""
        if (address := parse_address(host)) is not None:
            self._policy.check(host, address)
        return self._guarded

    async def _read(self, response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
        encoding = response.headers.get("Content-Encoding", "")
        try:
            return await read_body(response.content.iter_any(), encoding=encoding, max_bytes=max_bytes)
        except BodyTooLarge:
            raise EgressError("too_large", f"The answer is larger than {max_bytes} bytes.", sent=True) from None
        except BodyMalformed as error:
            raise EgressError("protocol", f"The answer cannot be unpacked: {error}.", sent=True) from None

    def _record(self, method: str, exchange: _Exchange, outcome: str) -> None:
        """Count, and log without path, query and headers: any of them may hold a secret."""
        self.counts[outcome] += 1
        if _heard.isEnabledFor(logging.DEBUG):
            elapsed = time.perf_counter() - exchange.begin
            log.debug("egress.request", method=method, host=exchange.host, outcome=outcome, elapsed=elapsed)


def _limits(total: float | None, idle: float | None) -> aiohttp.ClientTimeout:
    connect = CONNECT_SECONDS if total is None else min(CONNECT_SECONDS, total)
    return aiohttp.ClientTimeout(total=total, sock_connect=connect, sock_read=idle)


@dataclass(slots=True)
class _Exchange:
    """What is known of a request under way."""

    host: str = "the given URL"
    sent: bool = False
    begin: float = field(default_factory=time.perf_counter)


_under_way: ContextVar[_Exchange] = ContextVar("exchange under way")


class _NotedRequest(aiohttp.ClientRequest):
    """Notes on its exchange that it is about to be written. The library's own tracing costs ten times as much."""

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        """Write the request; a connection is there."""
        _under_way.get().sent = True
        return await super().send(conn)
