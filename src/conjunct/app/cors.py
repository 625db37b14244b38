"""Lets web pages of other origins use the API (CORS). Credentials are headers that a page sends itself, never cookies.

So any origin may call by default: an answer tells a page nothing that its credential would not tell anybody.
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conjunct.app.middleware import SURFACES, refuse, surface_of_host
from conjunct.core.problems import Forbidden

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
REQUEST_HEADERS = (
    "X-Api-Key",
    "Authorization",
    "Content-Type",
    "Content-MD5",
    "Idempotency-Key",
    "If-None-Match",
    "X-Request-Id",
    "X-Amp-Client",
    "X-Amp-Client-Version",
    "X-Amp-Project-Id",
    "X-Amp-Proxy-Version",
    "X-Amp-Installation-Id",
    "X-Amp-Integration-Name",
    "X-Amp-Group-Ref",
    "X-Amp-Rate-Limiter-Mode",
)
ANSWER_HEADERS = (
    "X-Request-Id",
    "ETag",
    "Link",
    "X-Next-Page-Token",
    "Retry-After",
    "X-Amp-Retry-After",
    "X-Amp-Retryable",
)
MAX_AGE_SECONDS = 7200
"""How long a browser may keep the answer to a preflight: the most that Chromium keeps one."""

ANY_ORIGIN = "*"


class OriginNotAllowed(Forbidden):
    """The operator does not let pages of this origin use the API."""

    slug = "origin-not-allowed"
    title = "Pages of this origin may not use the API"


class Cors:
    """Answers preflights, and tells browsers with every other answer of the API, errors too, who may read it.

    Pages that we serve ourselves, such as the end of an OAuth flow, are no part of the API and stay as they are.
    """

    def __init__(self, app: ASGIApp, *, origins: Collection[str]) -> None:
        self._app = app
        self._any = ANY_ORIGIN in origins
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_api(scope):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        if scope["method"] == "OPTIONS" and origin and b"access-control-request-method" in headers:
            await self._answer_preflight(scope, send, origin)
            return

        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._allow(MutableHeaders(scope=message), origin)
            await send(message)

        await self._app(scope, receive, send_readable)

    def _is_allowed(self, origin: str) -> bool:
        return self._any or origin.lower() in self._origins

    def _allow(self, headers: MutableHeaders, origin: str) -> None:
        if self._any:
            # Also without an origin in the request: a cache may give this answer to a page later.
            headers["Access-Control-Allow-Origin"] = ANY_ORIGIN
        else:
            headers.add_vary_header("Origin")
            if not self._is_allowed(origin):
                return
            headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = ", ".join(ANSWER_HEADERS)

    async def _answer_preflight(self, scope: Scope, send: Send, origin: str) -> None:
        if not self._is_allowed(origin):
            problem = OriginNotAllowed(
                f"Pages of the origin {origin[:200]!r} may not use this API.",
                remedy="Ask the operator to add it to CONJUNCT_CORS_ORIGINS.",
            )
            await refuse(scope, send, problem)
            return
        headers = MutableHeaders()
        self._allow(headers, origin)
        headers["Access-Control-Allow-Methods"] = ", ".join(METHODS)
        headers["Access-Control-Allow-Headers"] = ", ".join(REQUEST_HEADERS)
        headers["Access-Control-Max-Age"] = str(MAX_AGE_SECONDS)
        await send({"type": "http.response.start", "status": 204, "headers": headers.raw})
        await send({"type": "http.response.body", "body": b""})


def is_api(scope: Scope) -> bool:
    """Whether the request is for a surface of the API, by its host or its path."""
    first = scope["path"].removeprefix("/").partition("/")[0]
    return first == "v1" or first in SURFACES or surface_of_host(scope) is not None
