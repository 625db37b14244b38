"""The providers and the destinations of a simulated day, each side in one process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from email.utils import format_datetime

import orjson
from aiohttp import web

from scripts.loadcheck.plan import Plan, Trouble
from scripts.loadcheck.simulated_clock import SimulatedClock

RETRY_AFTER = 120
"""Seconds of pause that a provider asks for, simulated ones."""

PAGE = 100

Delivered = tuple[int, str, int, int]
"""An account, an object, a record and its version."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Accounts:
    """The accounts of all customers at one provider: `/{account}/{object}`."""

    def __init__(self, plan: Plan, clock: SimulatedClock) -> None:
        self._plan = plan
        self.clock = clock
        self.requests = 0
        self.failed = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The records of an object that changed between `since` and `until`, or the trouble of the hour."""
        now = self.clock.now()
        account, name = int(request.match_info["account"]), request.match_info["object"]
        headers = {"Date": format_datetime(now.replace(microsecond=0), usegmt=True)}
        second = self._plan.second_of(now)
        self.requests += 1
        trouble = self._plan.account_troubles.get(account)
        if trouble is not None and (failure := trouble.now(second)) is not None:
            self.failed += 1
            return _fail(request, failure, headers)
        since, until = (self._bound(request.query.get(each)) for each in ("since", "until"))
        found = self._plan.seen(
            account, name, since if since is not None else 0.0, until if until is not None else second, second
        )
        begin = int(request.query.get("cursor") or 0)
        data = [
            {"id": f"{each.record}", "version": each.version, "name": f"{name} {each.record}"}
            for each in found[begin : begin + PAGE]
        ]
        following = str(begin + PAGE) if len(found) > begin + PAGE else None
        body = orjson.dumps({"data": data, "next": following})
        return web.Response(body=body, content_type="application/json", headers=headers)

    def _bound(self, text: str | None) -> float | None:
        return None if text is None else self._plan.second_of(datetime.fromisoformat(text))


class Receivers:
    """The destinations of all projects: `/{project}/{number}`. `came` tells when a version first came."""

    def __init__(self, plan: Plan, clock: SimulatedClock) -> None:
        self._plan = plan
        self.clock = clock
        self.came: dict[Delivered, float] = {}
        self.messages = 0
        self.failed = 0

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take a message, or the trouble of the hour."""
        second = self._plan.second_of(self.clock.now())
        destination = int(request.match_info["project"]), int(request.match_info["number"])
        trouble: Trouble | None = self._plan.destination_troubles.get(destination)
        if trouble is not None and (failure := trouble.now(second)) is not None:
            self.failed += 1
            return _fail(request, failure, {})
        for each in delivered(orjson.loads(await request.read())):
            self.came.setdefault(each, second)
        self.messages += 1
        return web.Response(status=204)


def delivered(body: dict[str, object]) -> list[Delivered]:
    """The versions of records that a message holds."""
    account, name, result = body["groupRef"], body["objectName"], body["result"]
    if not isinstance(result, list):
        raise TypeError("a message without records")
    records = [each["raw"] for each in result]
    return [(int(str(account)), str(name), int(each["id"]), int(each["version"])) for each in records]


def _fail(request: web.Request, kind: str, headers: dict[str, str]) -> web.StreamResponse:
    if kind == "reset" and request.transport is not None:
        request.transport.abort()
    if kind == "limited":
        return web.Response(status=429, headers={**headers, "Retry-After": str(RETRY_AFTER)})
    return web.Response(status=503 if kind == "unavailable" else 500, headers=headers, text="down")


async def listen(method: str, path: str, handler: Handler) -> tuple[web.AppRunner, str]:
    """Serve one route on a free port of 127.0.0.1; gives its URL."""
    app = web.Application(client_max_size=1024**2)
    app.router.add_route(method, path, handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"
