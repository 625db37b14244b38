"""Real HTTP servers on loopback, for the length of a test."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from starlette.routing import BaseRoute

from conjunct.app.http_protocol import HttpProtocol
from conjunct.core.problem_responses import install_problem_handlers

GRACE_SECONDS = 2
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of plain HTTP (`verify`): each would else load all the world's certificate authorities."""


class _Server(uvicorn.Server):
    """Ends as soon as it may; uvicorn's own looks only every tenth of a second whether it should, and can."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stop = asyncio.Event()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - it has no events
                    await asyncio.sleep(0.001)
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()


@asynccontextmanager
async def serve(app: Any, headers: dict[str, str] | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """Serve an ASGI app on a free port and give a client whose base URL is that server."""
    listener = socket.socket(proto=socket.IPPROTO_TCP)  # as TCP, asyncio sends without waiting for more to send
    listener.bind(("127.0.0.1", 0))
    server = _Server(uvicorn.Config(app, log_config=None, lifespan="on", http=HttpProtocol, ws="none"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.001)
    port = listener.getsockname()[1]
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20, verify=NO_AUTHORITIES
        ) as client:
            yield client
    finally:
        server.stop.set()
        await task
        listener.close()


_ROUTES: dict[tuple[int, ...], list[BaseRoute]] = {}


def slice_api(
    *routers: APIRouter, pages: tuple[APIRouter, ...] = (), passing: tuple[Callable[..., Any], ...] = ()
) -> FastAPI:
    """An application with these routers below `/v1` and pages at the root; all requests pass these dependencies.

    Their routes, which take FastAPI longer than most tests take, are made once a process.
    """
    key = tuple(id(each) for each in (*routers, None, *pages, None, *passing))
    if key not in _ROUTES:
        whole = APIRouter(dependencies=[Depends(each) for each in passing])
        for router in routers:
            whole.include_router(router, prefix="/v1")
        for page in pages:
            whole.include_router(page)
        _ROUTES[key] = whole.routes
    app = FastAPI()
    install_problem_handlers(app)
    app.router.routes.extend(_ROUTES[key])
    return app
