"""Serves a simulator over HTTP, with its latency, its faults and the control API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from conjunct.simulators.contract import Answer, Call, NamesErrors, Route, Simulator
from conjunct.simulators.control import Control
from conjunct.simulators.errors import SimulatorError
from conjunct.simulators.faults import FaultPlan, FaultRule
from conjunct.simulators.journal import Entry, Journal
from conjunct.simulators.options import SimulatorOptions
from conjunct.simulators.registry import create

_MAX_BODY = 16 * 1024 * 1024
# Providers take longer URLs than servers usually do; each simulator refuses in its provider's words what is too long.
_MAX_LINE = 64 * 1024
_SHUTDOWN_SECONDS = 1.0
_HTML = b"<!DOCTYPE html><html><head><title>Be right back</title></head><body><h1>Maintenance</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Running:
    """A simulator that is being served at `url` (scheme, host and port, without a slash at the end)."""

    url: str
    simulator: Simulator
    journal: Journal
    faults: FaultPlan


@asynccontextmanager
async def serve(
    name: str, options: SimulatorOptions | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Running]:
    """Serve the simulator `name` as long as the context lasts; port 0 takes a free one.

    Raises `UnknownSimulator`, or `SimulatorError` when the address cannot be listened on.
    """
    options = options or SimulatorOptions()
    simulator = create(name, options)
    journal = Journal()
    faults = FaultPlan(options.fail, options.seed)
    server = _Server(journal, faults, options.latency)
    app = web.Application(client_max_size=_MAX_BODY)
    for route in Control(simulator, faults, journal).routes():
        app.router.add_route(route.method, route.path, _plain(route))
    for route in simulator.routes():
        app.router.add_route(route.method, route.path, server.endpoint(route, simulator))
    # A client that gives up on a request that never gets an answer must not leave its handler behind.
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        max_line_size=_MAX_LINE,
    )
    await runner.setup()
    try:
        await _listen(runner, host, port)
        yield Running(_url(runner), simulator, journal, faults)
    finally:
        server.stopping.set()
        await runner.cleanup()


async def run(
    name: str, host: str, port: int, options: SimulatorOptions, on_ready: Callable[[str], None] = lambda _url: None
) -> None:
    """Serve the simulator `name` until cancelled; `on_ready` gets the URL once it answers. Raises as `serve`."""
    async with serve(name, options, host=host, port=port) as running:
        on_ready(running.url)
        await asyncio.Event().wait()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, OverflowError) as fault:
        raise SimulatorError(f"Cannot listen on {host}:{port}: {fault}.") from fault


def _url(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server:
    """Between HTTP and the simulator: notes what comes and goes, waits, and spoils what the fault plan says."""

    def __init__(self, journal: Journal, faults: FaultPlan, latency: float) -> None:
        self.stopping = asyncio.Event()
        self._journal = journal
        self._faults = faults
        self._latency = latency

    def endpoint(self, route: Route, simulator: Simulator) -> Handler:
        name = f"{route.method} {route.path}"

        async def handle(request: web.Request) -> web.StreamResponse:
            call = await _call(request)
            entry = Entry(call.method, call.path, request.rel_url.raw_query_string, call.headers, call.body)
            self._journal.request(entry, name, page=route.page)
            if self._latency:
                await asyncio.sleep(self._latency)
            fault = self._faults.next(page=route.page)
            if fault is None:
                return self._respond(route.handler(call))
            return await self._spoil(fault, request, call, route, simulator)

        return handle

    def _respond(self, answer: Answer) -> web.Response:
        self._journal.answer(answer.status, answer.records)
        return _response(answer)

    async def _spoil(
        self, fault: FaultRule, request: web.Request, call: Call, route: Route, simulator: Simulator
    ) -> web.StreamResponse:
        if fault.status is not None:
            return self._respond(_error(simulator, fault.status, fault.code))
        if fault.kind == "html":
            return self._respond(Answer(body=_HTML, content_type="text/html;charset=utf-8"))
        if fault.kind == "truncate":
            return await _truncate(request, route.handler(call))
        if fault.kind == "timeout":
            await self.stopping.wait()
        return _cut(request)


def _error(simulator: Simulator, status: int, code: str) -> Answer:
    if code and isinstance(simulator, NamesErrors):
        return simulator.named_error(status, code)
    return simulator.error(status)


def _plain(route: Route) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return _response(route.handler(await _call(request)))

    return handle


async def _call(request: web.Request) -> Call:
    return Call(
        method=request.method,
        path=request.path,
        params=request.match_info,
        query=request.query,
        headers=request.headers,
        body=await request.read() if request.body_exists else b"",
        origin=f"{request.scheme}://{request.host}",
    )


def _response(answer: Answer) -> web.Response:
    headers = {"Content-Type": answer.content_type, **answer.headers}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


def _cut(request: web.Request) -> web.Response:
    """End the connection without a word: what is returned can no longer be written."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _truncate(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Announce the whole body, send half of it and end the connection."""
    response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
