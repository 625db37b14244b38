"""A connection's access token is refreshed: by one at a time, and no token that the provider gave is lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import text

from tests.connections.flows import SECRET, WHO, Flow, state_of
from tests.connections.refreshing.rotating import Rotating, another, connected, get, tokens_of


async def test_a_token_is_refreshed_when_it_has_ended_and_not_before(flow: Flow) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    flow.clock.advance(timedelta(seconds=599))
    assert (await get(flow, connection_id)).status_code == 200
    assert await tokens_of(flow) == ("a-0", "r-0")
    flow.clock.advance(timedelta(seconds=1))
    refreshed = (await get(flow, connection_id)).json()
    assert await tokens_of(flow) == ("a-1", "r-1")
    assert refreshed["status"] == "created"
    [shown] = await flow.connections()
    assert shown["oauth2AuthorizationCode"]["accessToken"]["expiresAt"] == "2026-03-01T12:20:00.000000Z"
    assert shown["oauth2AuthorizationCode"]["scopes"] == ["a", "b"]
    assert (await get(flow, connection_id)).status_code == 200
    assert server.served == 1
    form = flow.server.requests[-1][2]
    assert (form["client_id"], form["client_secret"]) == ("strict-client", SECRET)


async def test_force_refreshes_a_good_token(flow: Flow) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    for number in (1, 2, 3):
        assert (await get(flow, connection_id, "force")).status_code == 200
        assert await tokens_of(flow) == (f"a-{number}", f"r-{number}")


async def test_hubspot_keeps_its_refresh_token(flow: Flow) -> None:
    await flow.app()
    connection_id = (await flow.browse(await flow.url())).message["data"]["connection"]
    before = await tokens_of(flow)
    flow.clock.advance(timedelta(hours=1))
    assert (await get(flow, connection_id)).status_code == 200
    after = await tokens_of(flow)
    assert (before[0] != after[0], after[1]) == (True, "sim-refresh")


async def test_an_answer_without_a_refresh_token_keeps_the_old_one(flow: Flow) -> None:
    server = Rotating(rotates=False)
    connection_id = await connected(flow, server)
    for number in (1, 2):
        assert (await get(flow, connection_id, "force")).status_code == 200
        assert await tokens_of(flow) == (f"a-{number}", "r-0")


@pytest.mark.parametrize("refresh", ["ifExpired", "force"])
async def test_many_at_once_in_several_processes_ask_the_provider_once(flow: Flow, refresh: Any) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    flow.clock.advance(timedelta(hours=1))
    services = [flow.service, *(another(flow) for _ in range(2))]
    server.wait.clear()
    project_id = flow.project.project_id
    callers = [
        asyncio.create_task(services[number % 3].ensure_fresh(project_id, connection_id, refresh))
        for number in range(30)
    ]
    await server.asked.wait()
    server.wait.set()
    await asyncio.gather(*callers)
    # Who forces and comes when all is done forces anew; but never with a token that was used.
    assert server.refused == 0
    assert server.served == 1 if refresh == "ifExpired" else server.served >= 1
    assert await tokens_of(flow) == (f"a-{server.served}", server.valid)


async def test_a_gone_grant_is_noted_and_not_asked_for_again_by_those_who_wait(flow: Flow) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    server.valid = "another"
    flow.clock.advance(timedelta(hours=1))
    answers = await asyncio.gather(*(get(flow, connection_id) for _ in range(5)))
    assert {(each.status_code, each.json()["type"].rpartition("/")[2]) for each in answers} == {
        (422, "refresh-refused")
    }
    assert any("used before" in each.json()["detail"] for each in answers)
    [shown] = await flow.connections()
    assert shown["status"] == "bad_credentials"
    assert await tokens_of(flow) == ("a-0", "r-0")
    assert all("r-0" not in each.text and SECRET not in each.text for each in answers)


@pytest.mark.parametrize(("status", "expected"), [(500, 503), (429, 503), (400, 422), (401, 422)])
async def test_another_failure_leaves_the_connection_as_it_was(flow: Flow, status: int, expected: int) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)

    async def fail(_request: web.Request) -> Any:
        return web.json_response({"message": "not now"}, status=status)

    flow.server.answer = fail
    answer = await get(flow, connection_id, "force")
    assert (answer.status_code, answer.json()["retryable"]) == (expected, expected == 503)
    [shown] = await flow.connections()
    assert shown["status"] == "created"
    flow.server.answer = server.answer
    assert (await get(flow, connection_id, "force")).status_code == 200
    assert await tokens_of(flow) == ("a-1", "r-1")


async def test_who_connects_again_meanwhile_wins(flow: Flow) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    url = await flow.url("strict")
    server.wait.clear()
    refreshing = asyncio.create_task(get(flow, connection_id, "force"))
    await server.asked.wait()
    server.valid = "r-new"
    assert (await flow.come_back(state=state_of(url), code="c")).message["data"]["connection"] == connection_id
    server.wait.set()
    assert (await refreshing).status_code == 200
    assert await tokens_of(flow) == ("a-0", "r-new")
    assert (await get(flow, connection_id, "force")).status_code == 200


async def test_who_asked_and_goes_away_loses_no_token(flow: Flow) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    server.wait.clear()
    project_id = flow.project.project_id
    asking = asyncio.create_task(flow.service.ensure_fresh(project_id, connection_id, "force"))
    await server.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    server.wait.set()
    await flow.service.ensure_fresh(project_id, connection_id, "force")
    access, refresh = await tokens_of(flow)
    assert (server.refused, refresh) == (0, server.valid)
    assert access == f"a-{server.served}"


async def test_no_transaction_is_open_while_the_provider_is_asked(flow: Flow) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
    seen: list[int] = []

    async def look(request: web.Request) -> Any:
        async with flow.database.reading() as reading:
            seen.append(await reading.scalar(text(busy)) or 0)
        return await server.answer(request)

    flow.server.answer = look
    assert (await get(flow, connection_id, "force")).status_code == 200
    assert seen == [0]


async def test_without_a_refresh_token_or_an_app_there_is_nothing_to_refresh_with(flow: Flow) -> None:
    await flow.app("strict", scopes=["a"])
    flow.server.answer = {"access_token": "a", "expires_in": 1}
    page = await flow.come_back(state=state_of(await flow.url("strict")), code="c")
    answer = await get(flow, page.message["data"]["connection"], "force")
    assert (answer.status_code, "no refresh token" in answer.json()["detail"]) == (422, True)
    tokens = {"accessToken": {"token": "t"}, "refreshToken": {"token": "r"}}
    body = {"provider": "hubspot", **WHO, "groupRef": "other", "oauth2AuthorizationCode": tokens}
    made = (await flow.client.post("/v1/projects/acme/connections:generate", json=body)).json()
    answer = await get(flow, made["id"], "force")
    assert (answer.status_code, "imported" in answer.json()["detail"]) == (422, True)
    assert len(flow.server.requests) == 1
