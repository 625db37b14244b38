"""Noticing that a caller has gone away while their request is passed through."""

from __future__ import annotations

import asyncio
from types import TracebackType

from starlette.types import Receive

from conjunct.actions.proxy.bodies import Body, CallerGone

LOOK_SECONDS = 0.1
"""How long a request may take before it is looked whether its caller is still there: most are done before."""


class Watch:
    """Gives up what is done in its block, with `CallerGone`, when the caller goes away after sending the body."""

    def __init__(self, receive: Receive, body: Body) -> None:
        self._receive = receive
        self._body = body
        self._gone = False
        self._watching: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._working = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        if self._gone and self._working is not None and isinstance(error, asyncio.CancelledError):
            self._working.uncancel()
            raise CallerGone from None

    def _look(self) -> None:
        if self._body.is_read:
            self._watching = self._loop.create_task(self._wait())
        else:  # the body's own reader sees it
            self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._working is not None:
            self._working.cancel()
