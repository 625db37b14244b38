"""The body of a request that is passed through: kept where it is small, so that it can be sent again, else streamed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.types import Receive, Scope

KEPT_BYTES = 64 * 1024
"""A body of so many bytes at most is read before anything is sent, and can be sent twice."""


IDLE_SECONDS = 300.0
"""How long either side may be silent, before the answer begins too."""


class CallerGone(Exception):
    """The caller has closed the connection, or sends nothing more of a body that is not whole."""


@dataclass(slots=True)
class Body:
    """What the caller sends: nothing, all of it, or a stream that can be read once."""

    content: bytes | AsyncIterator[bytes] | None
    is_read: bool
    """Whether all of it has come."""

    @property
    def is_kept(self) -> bool:
        """Whether it can be sent again."""
        return self.content is None or isinstance(self.content, bytes)


async def read_body(scope: Scope, receive: Receive) -> Body:
    """The body, as far as it is kept. Raises `CallerGone`."""
    if not _has_body(scope):
        return Body(None, is_read=True)
    begin = bytearray()
    while len(begin) <= KEPT_BYTES:
        chunk, more = await _next(receive)
        begin += chunk
        if not more:
            return Body(bytes(begin), is_read=True)
    body = Body(None, is_read=False)
    body.content = _stream(bytes(begin), receive, body)
    return body


async def _stream(begin: bytes, receive: Receive, body: Body) -> AsyncIterator[bytes]:
    yield begin
    more = True
    while more:
        chunk, more = await _next(receive)
        if chunk:
            yield chunk
    body.is_read = True


async def _next(receive: Receive) -> tuple[bytes, bool]:
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            message = await receive()
    except TimeoutError:
        raise CallerGone from None
    if message["type"] == "http.disconnect":
        raise CallerGone
    return message.get("body", b""), message.get("more_body", False)


def _has_body(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            return True
    return False
