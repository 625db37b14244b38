"""The builder's side of the demo: a webhook endpoint that checks every signature before it believes a message."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web


@dataclass(slots=True)
class Receiver:
    """Messages as they came. `secret` is the destination's signing key, `whsec_…`."""

    url: str = ""
    secret: str = field(default="", repr=False)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    verified: int = 0
    rejected: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def records(self, operation_id: str | None = None) -> list[dict[str, Any]]:
        """The records received, of one operation or of all."""
        return [
            record
            for message in self.messages.values()
            if operation_id in (None, message["operationId"])
            for record in message.get("result", [])
        ]

    async def until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait for messages until the condition holds; raises `TimeoutError` when it does not in that time."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def handle(self, request: web.Request) -> web.Response:
        """Take a message; 401 when its signature is not the destination's."""
        body = await request.read()
        message_id, timestamp = request.headers.get("svix-id", ""), request.headers.get("svix-timestamp", "")
        expected = sign(self.secret, message_id, timestamp, body)
        signatures = request.headers.get("svix-signature", "").split()
        if not any(hmac.compare_digest(expected, given) for given in signatures):
            self.rejected += 1
            return web.Response(status=401)
        self.verified += 1
        self.messages[message_id] = orjson.loads(body)
        self._changed.set()
        return web.Response(status=204)


def sign(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """The signature that a message must carry: `v1,` and the base64 of an HMAC-SHA256, as Svix does."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


@asynccontextmanager
async def receive() -> AsyncIterator[Receiver]:
    """A receiver that listens on a free port of this machine."""
    receiver = Receiver()
    app = web.Application(client_max_size=1024 * 1024)
    app.router.add_post("/webhook", receiver.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    receiver.url = f"http://127.0.0.1:{port}/webhook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
