"""Requests for a new access token are counted by what came of them."""

from __future__ import annotations

from tests.connections.flows import Flow
from tests.connections.refreshing.rotating import Rotating, connected, get
from tests.support.counting import counting


async def test_refreshes_are_counted_by_their_outcome(flow: Flow) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    with counting() as value:
        assert (await get(flow, connection_id, "force")).status_code == 200
        server.valid = "another"
        assert (await get(flow, connection_id, "force")).status_code >= 400
        assert value("token_refreshes_total", provider="strict", outcome="refreshed") == 1
        assert value("token_refreshes_total", provider="strict", outcome="auth_revoked") == 1
