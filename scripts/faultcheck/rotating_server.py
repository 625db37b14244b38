"""A strict OAuth server on loopback: each refresh token is good once, and one that comes again ends the whole grant."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

CLIENT_ID, CLIENT_SECRET = "race", "race-secret"

Hold = Literal["before", "after"]


@dataclass
class Grant:
    """What one customer agreed to: its tokens of now, and how often they were renewed."""

    access: str
    refresh: str
    former: str = ""
    renewals: int = 0
    refusals: int = 0
    revoked: bool = False


@dataclass
class RotatingServer:
    """Answers after `delay` seconds. `hold` stops requests before or after the tokens are renewed, until `go`.

    `forgiving`: the refresh token of before is taken once more, as some providers do for answers that got lost.
    """

    url: str = ""
    delay: float = 0.0
    hold: Hold | None = None
    forgiving: bool = False
    grants: dict[str, Grant] = field(default_factory=dict)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    def grant(self, name: str) -> Grant:
        """A new grant."""
        made = self.grants[name] = Grant(_token(name), _token(name))
        return made

    def holding(self, where: Hold | None) -> None:
        """Stop requests there from now on; None lets all go."""
        self.hold = where
        self.held.clear()
        self.go = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        """The token endpoint."""
        form = await request.post()
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return web.json_response({"error": "invalid_client"}, status=401)
        given = str(form.get("refresh_token"))
        grant = self.grants.get(given.partition(".")[0])
        if form.get("grant_type") != "refresh_token" or grant is None:
            return web.json_response({"error": "invalid_grant", "error_description": "unknown token"}, status=400)
        await self._stop("before")
        answer = self._renewed(grant, given)
        await self._stop("after")
        await asyncio.sleep(self.delay)
        return answer

    def _renewed(self, grant: Grant, given: str) -> web.Response:
        if grant.revoked or (given != grant.refresh and not (self.forgiving and given == grant.former)):
            grant.refusals += 1
            grant.revoked = True
            return web.json_response({"error": "invalid_grant", "error_description": "token was used"}, status=400)
        name = given.partition(".")[0]
        grant.former, grant.refresh, grant.access = given, _token(name), _token(name)
        grant.renewals += 1
        return web.json_response(
            {"access_token": grant.access, "refresh_token": grant.refresh, "expires_in": 3600, "token_type": "bearer"}
        )

    async def _stop(self, where: Hold) -> None:
        if self.hold == where:
            self.held.set()
            await self.go.wait()


def _token(name: str) -> str:
    return f"{name}.{secrets.token_urlsafe(24)}"


@asynccontextmanager
async def rotating_server() -> AsyncIterator[RotatingServer]:
    """The server on a free port of 127.0.0.1 for the length of the block."""
    server = RotatingServer()
    app = web.Application()
    app.router.add_post("/token", server.handle)
    # A request whose client is gone must not go on where it was held: a provider that never saw it knows nothing of it.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
