"""A webhook receiver that keeps of each message what tells a repeat from a change, and no more."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it first came: a digest of its bytes, its operation, and the ids of its records."""

    digest: bytes
    operation_id: str
    record_ids: tuple[str, ...]


@dataclass(slots=True)
class Receiver:
    """`messages` by their ids; `repeats` came again with the same bytes, `changed` with others.

    While `status` is not 2xx nothing is taken, but `refused` counts it; each answer takes `delay` seconds. `answered`
    counts them all.
    """

    url: str = ""
    key: Webhook | None = None
    messages: dict[str, Message] = field(default_factory=dict)
    repeats: int = 0
    changed: int = 0
    forged: int = 0
    status: int = 204
    delay: float = 0.0
    refused: int = 0
    answered: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def trust(self, signing_key: str) -> None:
        """Refuse what this key (`whsec_…`) has not signed."""
        self.key = Webhook(signing_key)

    def of(self, operation_id: str) -> list[Message]:
        """The different messages of an operation."""
        return [message for message in self.messages.values() if message.operation_id == operation_id]

    def has(self, count: int) -> bool:
        """Whether so many different messages have come."""
        return len(self.messages) >= count

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for messages until the condition holds."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    async def handle(self, request: web.Request) -> web.Response:
        """Take a message; 401 when its signature is not good."""
        raw = await request.read()
        if not self._is_authentic(raw, dict(request.headers)):
            self.forged += 1
            return web.Response(status=401)
        await asyncio.sleep(self.delay)
        self.answered += 1
        if not 200 <= self.status < 300:
            self.refused += 1
            return web.Response(status=self.status)
        self._take(request.headers["svix-id"], raw)
        self._news.set()
        return web.Response(status=self.status)

    def _is_authentic(self, raw: bytes, headers: dict[str, str]) -> bool:
        if self.key is None:
            return False
        try:
            self.key.verify(raw, headers, json_parse=False)
        except WebhookVerificationError:
            return False
        return True

    def _take(self, message_id: str, raw: bytes) -> None:
        digest = hashlib.sha256(raw).digest()
        known = self.messages.get(message_id)
        if known is None:
            body = json.loads(raw)
            record_ids = tuple(str(entry["raw"]["id"]) for entry in body["result"])
            self.messages[message_id] = Message(digest, body["operationId"], record_ids)
        elif known.digest == digest:
            self.repeats += 1
        else:
            self.changed += 1


@asynccontextmanager
async def receive() -> AsyncIterator[Receiver]:
    """A receiver on a free port of 127.0.0.1 for the length of the block."""
    receiver = Receiver()
    app = web.Application(client_max_size=1024**2)
    app.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
