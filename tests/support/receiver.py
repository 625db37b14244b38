"""A webhook receiver on loopback, as a builder's server would be: it verifies, records, and fails when told to.

>>> async with webhook_receiver() as receiver:
...     # make a destination with `receiver.url`, then
...     receiver.trust(signing_key)
...     messages = await receiver.wait_for(3)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Received:
    """One request: the message's id, the request's headers (lower-cased), its bytes, and them parsed as JSON."""

    id: str
    headers: Mapping[str, str]
    raw: bytes
    body: Any


@dataclass(slots=True)
class _Fault:
    status: int | None
    times: float
    headers: dict[str, str] = field(default_factory=dict)
    after: int = 0


class Receiver:
    """`requests` holds whatever came; `messages` what was verified and accepted; `forged` what was not authentic.

    Without `trust` nothing is verified. `check_time=False` accepts signatures of any age, for tests on a manual clock.
    """

    def __init__(self, *, check_time: bool = True) -> None:
        self.url = ""
        self.requests: list[Received] = []
        self.messages: list[Received] = []
        self.forged: list[Received] = []
        self._check_time = check_time
        self._keys: list[Webhook] = []
        self._fault: _Fault | None = None
        self._delay = 0.0
        self._news = asyncio.Condition()
        self._released = asyncio.Event()

    def trust(self, *signing_keys: str) -> None:
        """Refuse with 401, from now on, what none of these keys (`whsec_…`) has signed."""
        self._keys = [Webhook(key) for key in signing_keys]

    def fail(
        self,
        status: int = 500,
        times: float = float("inf"),
        headers: dict[str, str] | None = None,
        *,
        after: int = 0,
    ) -> None:
        """Answer the next `times` requests with `status`, once `after` more were answered as usual."""
        self._fault = _Fault(status, times, headers or {}, after)

    def hang(self, times: float = float("inf")) -> None:
        """Never answer the next `times` requests; `recover` and the end of the test let go of them."""
        self._fault = _Fault(None, times)

    def delay(self, seconds: float) -> None:
        """Answer each request only after so many seconds."""
        self._delay = seconds

    def recover(self) -> None:
        """Answer 200 at once from now on."""
        self._fault, self._delay = None, 0.0
        self._released.set()
        self._released = asyncio.Event()

    @property
    def ids(self) -> list[str]:
        """The ids of the accepted messages, in the order of arrival, repeats included."""
        return [message.id for message in self.messages]

    async def wait_for(
        self, wanted: int | Callable[[list[Received]], bool], *, requests: bool = False, within: float = WAIT_SECONDS
    ) -> list[Received]:
        """The accepted messages (or all requests), once there are so many or once the predicate says so.

        Raises TimeoutError, naming how many came.
        """
        kept = self.requests if requests else self.messages
        enough = wanted if callable(wanted) else lambda found: len(found) >= wanted
        try:
            async with asyncio.timeout(within), self._news:
                await self._news.wait_for(lambda: enough(kept))
        except TimeoutError:
            raise TimeoutError(f"only {len(kept)} came within {within} s, {len(self.forged)} of them forged") from None
        return list(kept)

    async def _receive(self, request: web.Request) -> web.Response:
        raw = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(headers.get("svix-id", ""), headers, raw, _parse(raw))
        fault = self._take_fault()
        authentic = self._is_authentic(received)
        await self._note(received, authentic=authentic, accepted=authentic and fault is None)
        if self._delay:
            await asyncio.sleep(self._delay)
        if fault is not None and fault.status is None:
            await self._released.wait()
            return web.Response(status=503)
        if not authentic:
            return web.Response(status=401, text="no good signature")
        if fault is not None and fault.status is not None:
            return web.Response(status=fault.status, headers=fault.headers)
        return web.Response()

    async def _note(self, received: Received, *, authentic: bool, accepted: bool) -> None:
        async with self._news:
            self.requests.append(received)
            if accepted:
                self.messages.append(received)
            if not authentic:
                self.forged.append(received)
            self._news.notify_all()

    def _take_fault(self) -> _Fault | None:
        fault = self._fault
        if fault is not None and fault.after > 0:
            fault.after -= 1
            return None
        if fault is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._fault = None
        return fault

    def _is_authentic(self, received: Received) -> bool:
        if not self._keys:
            return True
        return all(
            any(self._has_signed(key, _triple(received.headers, family), received.raw) for key in self._keys)
            for family in ("svix", "webhook")
        )

    def _has_signed(self, key: Webhook, headers: dict[str, str], raw: bytes) -> bool:
        if not self._check_time:
            moment = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
            return key.sign(headers["webhook-id"], moment, raw.decode()) in headers["webhook-signature"].split(" ")
        try:
            key.verify(raw, headers, json_parse=False)
        except WebhookVerificationError:
            return False
        return True


@asynccontextmanager
async def webhook_receiver(*, check_time: bool = True) -> AsyncIterator[Receiver]:
    """A receiver that listens on a free port of 127.0.0.1 for the length of the block."""
    receiver = Receiver(check_time=check_time)
    app = web.Application(client_max_size=64 * 1024**2)
    app.router.add_post("/{path:.*}", receiver._receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"http://127.0.0.1:{port}/hook"
    try:
        yield receiver
    finally:
        receiver.recover()
        await runner.cleanup()


def _triple(headers: Mapping[str, str], family: str) -> dict[str, str]:
    """The three headers of a family, under the names that the public library knows."""
    return {f"webhook-{part}": headers.get(f"{family}-{part}", "") for part in ("id", "timestamp", "signature")}


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
