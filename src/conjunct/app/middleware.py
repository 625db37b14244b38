"""What every request passes before it reaches an endpoint: its id, its surface, its size limit, its log line."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

import orjson
import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conjunct.app.monitoring.metrics import REQUEST_SECONDS, REQUESTS, UNKNOWN
from conjunct.core import tracing
from conjunct.core.problem_responses import MEDIA_TYPE, render
from conjunct.core.problems import Issue, Problem, TooLarge
from conjunct.core.telemetry import bind
from conjunct.kit.ids import new_id

SURFACES = ("read", "write", "search", "proxy")
"""Surfaces with a host label and a path prefix of their own; `api` and any other host is the platform's."""

_READ_OR_WRITE = re.compile(r"/v1/projects/[^/]+/integrations/[^/]+/objects/(?!.*:deliverResults$)[^/]+")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PREFIXES = ("/v1", *(f"/{surface}/v1" for surface in SURFACES))
_TRACE = ("traceparent", "tracestate")
_LINK = re.compile(r"^(/connect/).+", re.DOTALL)
_PROXY = b"/proxy/"
_CLIENT_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")

log = structlog.get_logger("conjunct.http")


class RequestContext:
    """Gives a request its id, binds it to the log, and tells of it once it is answered: a line, metrics, a span."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if _CLIENT_REQUEST_ID.fullmatch(given) else new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        parent = {name: headers[name.encode()].decode("latin-1") for name in _TRACE if name.encode() in headers}
        with bind(request_id=request_id), tracing.span("request", "server", root=True, headers=parent) as span:
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                self._tell(scope, span, request_id, status, time.perf_counter() - started)

    def _tell(self, scope: Scope, span: tracing.Span, request_id: str, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else UNKNOWN
        route = scope["state"].get("route", UNKNOWN)
        log.info(
            "request", method=scope["method"], path=_shown(scope["path"]), status=status, ms=round(seconds * 1000, 1)
        )
        REQUESTS.add(method, route, str(status))
        REQUEST_SECONDS.observe(seconds, method, route)
        span.rename(f"{method} {route}")
        span.note(
            {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "conjunct.request_id": request_id,
            }
        )
        if status >= 500:
            span.fail(str(status))


class RouteNoted:
    """Notes the template of the route that answers, for those who tell of requests. It stands next to the router."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            route = getattr(scope.get("route"), "path", None)
            if route is not None:
                path = scope["path"]
                before = next((prefix for prefix in _PREFIXES if path.startswith(f"{prefix}/")), "")
                scope["state"]["route"] = before + route


def _shown(path: str) -> str:
    """The path without the token of a hosted link, which is all that its page asks for."""
    return _LINK.sub(r"\1***", path)


class SurfaceRouting:
    """Sends `read.example.com/v1/…` to where `example.com/read/v1/…` is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        surface = surface_of_host(scope) if scope["type"] == "http" else None
        if surface is not None:
            prefix = f"/{surface}"
            scope = {**scope, "path": prefix + scope["path"], "raw_path": prefix.encode() + scope["raw_path"]}
        await self._app(scope, receive, send)


class ProxySurface:
    """Sends what is to be passed through to the proxy, past all that costs time: it tells of its requests itself."""

    def __init__(self, app: ASGIApp, *, proxy: ASGIApp) -> None:
        self._app = app
        self._proxy = proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        passed = _to_pass(scope) if scope["type"] == "http" else None
        if passed is None:
            await self._app(scope, receive, send)
        else:
            await self._proxy(passed, receive, send)


def _to_pass(scope: Scope) -> Scope | None:
    """What is to be passed through, its path that at the provider; preflights are ours to answer."""
    if scope["method"] == "OPTIONS" and any(name == b"access-control-request-method" for name, _ in scope["headers"]):
        return None
    raw_path: bytes = scope["raw_path"]
    if raw_path.startswith(_PROXY):
        return {**scope, "raw_path": raw_path.removeprefix(_PROXY[:-1])}
    return scope if surface_of_host(scope) == "proxy" else None


class WriteRouting:
    """Sends what is a write on the platform's own address to where writes are answered.

    There, reads and writes have one path; what tells them apart is that the body of a write has a `type`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not _READ_OR_WRITE.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        except Problem as problem:
            await refuse(scope, send, problem)
            return
        if _is_write(body):
            scope = {**scope, "path": "/write" + scope["path"], "raw_path": b"/write" + scope["raw_path"]}
        await self._app(scope, _once(body, then=receive), send)


def _is_write(body: bytes) -> bool:
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:  # whoever answers it says where it is broken
        return False
    return isinstance(asked, dict) and "type" in asked


def _once(body: bytes, *, then: Receive) -> Receive:
    """Receives a body that was read already, and after it what comes."""
    waiting = [body]

    async def receive() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await then()

    return receive


def surface_of_host(scope: Scope) -> str | None:
    """The surface that the request's host names, if it names one."""
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    label = host.partition(".")[0].lower()
    return label if label in SURFACES and "." in host else None


class BodyLimit:
    """Refuses bodies that are larger than allowed, by their declared length or as they arrive."""

    def __init__(self, app: ASGIApp, *, limit: int, longer: Mapping[str, int]) -> None:
        self._app = app
        self._limit = limit
        self._longer = longer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = next((size for prefix, size in self._longer.items() if scope["path"].startswith(prefix)), self._limit)
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit() and int(declared) > limit:
            await refuse(scope, send, _too_large(limit))
            return
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, receive_limited, send)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The body is larger than the {limit:,} bytes that are allowed here.",
        remedy="Send less at once, or ask the operator to raise CONJUNCT_MAX_BODY_BYTES.",
        issues=[Issue("", f"has more than {limit:,} bytes")],
    )


async def refuse(scope: Scope, send: Send, problem: Problem) -> None:
    """Answer with a problem before the request reaches the application."""
    # The connection stays open, and the server reads past the rest: closed now, a client that is still sending would
    # see its connection reset instead of this answer.
    body = render(problem, request_id=scope.get("state", {}).get("request_id"))
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
