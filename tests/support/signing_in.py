"""How a customer of a test connects by OAuth to the simulated HubSpot, and what may become of the tokens there."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx

from conjunct.kit.clock import SystemClock
from tests.support.platform import Platform
from tests.support.servers import NO_AUTHORITIES


class ShiftedClock(SystemClock):
    """The system's clock, and so much later."""

    later = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.later


async def make_app(platform: Platform) -> None:
    """Make the builder's OAuth client."""
    app = {"provider": "hubspot", "clientId": "our-client", "clientSecret": "our-secret", "scopes": ["contacts"]}
    await platform.send("POST", "/provider-apps", 200, json=app)


async def sign_in(platform: Platform) -> None:
    """Let the customer `ada` agree, for the first time or anew."""
    who = {"provider": "hubspot", "groupRef": "acme", "consumerRef": "ada"}
    url = await platform.client.post("/v1/oauth-connect", json={"projectIdOrName": "default", **who})
    assert url.status_code == 200, url.text
    async with httpx.AsyncClient(verify=NO_AUTHORITIES) as browser:
        agreed = await browser.get(url.text)
    back = httpx.URL(agreed.headers["Location"])
    page = await platform.client.get(f"{back.path}?{back.query.decode()}")
    assert page.status_code == 200
    (connection,) = await platform.send("GET", "/connections", 200)
    platform.connection = connection["id"]


async def status_of(platform: Platform) -> str:
    """The connection's status."""
    shown = await platform.send("GET", f"/connections/{platform.connection}", 200)
    return str(shown["status"])


def token_requests(platform: Platform) -> int:
    """How often the simulator was asked for tokens."""
    return sum(entry.path == "/oauth/v1/token" for entry in platform.hubspot.journal.last(1000))


async def end_grant(platform: Platform) -> None:
    """Have HubSpot take no refresh token any more, until the customer agrees anew."""
    async with httpx.AsyncClient(verify=NO_AUTHORITIES) as hubspot:
        (await hubspot.delete(f"{platform.hubspot.url}/oauth/v1/refresh-tokens/sim-refresh")).raise_for_status()
