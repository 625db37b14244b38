"""Connections by OAuth: that they are made, renewed, refreshed and refused is told."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from tests.notifications.conftest import Notified
from tests.notifications.test_installations import about_connection
from tests.support.platform import Platform
from tests.support.receiver import Receiver
from tests.support.servers import NO_AUTHORITIES

ALL = ("connection.created", "connection.updated", "connection.refreshed", "connection.error")


async def connect_by_oauth(platform: Platform) -> None:
    """What a customer's browser does: to the provider, who agrees at once, and back."""
    who = {"groupRef": "acme", "groupName": "Acme Inc", "consumerRef": "ada", "consumerName": "Ada"}
    body = {"projectIdOrName": "default", "provider": "hubspot", **who}
    answer = await platform.client.post("/v1/oauth-connect", json=body)
    assert answer.status_code == 200, answer.text
    async with httpx.AsyncClient(verify=NO_AUTHORITIES) as browser:
        back = urlsplit((await browser.get(answer.text)).headers["location"])
    page = await platform.client.get(f"{back.path}?{back.query}")
    assert "AUTHORIZATION_SUCCEEDED" in page.text
    [connection] = await platform.send("GET", "/connections", 200)
    platform.connection = connection["id"]


async def test_the_life_of_a_connection_by_oauth(notified: Notified, receiver: Receiver) -> None:
    platform = notified.platform
    ears = await notified.listen(receiver, *ALL)
    client = {"provider": "hubspot", "clientId": "ours", "clientSecret": "s"}
    await platform.send("POST", "/provider-apps", 200, json=client)

    await connect_by_oauth(platform)
    assert await ears.hear("connection.created") == [about_connection(platform)]
    await connect_by_oauth(platform)
    assert await ears.hear("connection.updated") == [about_connection(platform)]
    await platform.send("GET", f"/connections/{platform.connection}?refresh=force", 200)
    assert await ears.hear("connection.refreshed") == [about_connection(platform)]
    await notified.all_delivered()
    assert len(ears.heard()) == 3
