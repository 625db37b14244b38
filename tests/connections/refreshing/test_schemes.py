"""Every scheme that has access tokens gets new ones; a refusal means what it means for who was refused."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiohttp import web

from conjunct.connections import ConnectionService
from conjunct.connections.credentials import OAuthTokens, StoredCredentials, Token
from conjunct.connections.problems import RefreshNotPossible, RefreshRefused
from conjunct.connections.repository import ConnectionRepository
from conjunct.connections.vault import Vault
from conjunct.connectors.oauth import Login, OAuthClient
from tests.connections.flows import Flow
from tests.connections.refreshing.rotating import Rotating, another, connected, execute, listening, refresh, tokens_of

CLIENT = OAuthClient("own", "own-secret")
LOGIN = Login("ann", "pass-word")
OLD = Token("a-0")


async def holding(flow: Flow, credentials: StoredCredentials, answer: Any) -> str:
    """A connection with these credentials; gives its id."""
    connection_id = await connected(flow, Rotating())
    flow.server.answer = answer
    flow.server.requests.clear()
    definition = flow.catalog.get("strict")
    async with flow.database.transaction() as session:
        project_id = flow.project.project_id
        columns = await Vault(flow.keys).columns(session, project_id, connection_id, definition, credentials)
        await ConnectionRepository(session).change(project_id, connection_id, **columns, provider_app_id=None)
    return connection_id


def asked(flow: Flow) -> list[dict[str, str]]:
    return [form for _, _, form in flow.server.requests]


async def test_a_client_asks_anew(flow: Flow) -> None:
    connection_id = await holding(flow, OAuthTokens(OLD, client=CLIENT, scopes=("s",)), {"access_token": "a-1"})
    await refresh(flow, another(flow), connection_id)
    [form] = asked(flow)
    assert (form["grant_type"], form["client_id"], form["scope"]) == ("client_credentials", "own", "s")
    [shown] = await flow.connections()
    assert shown["oauth2AuthorizationCode"]["accessToken"]["token"] == "a-1"


@pytest.mark.parametrize("gives", [True, False], ids=["with another", "without"])
async def test_a_login_is_used_again_where_its_refresh_token_is_refused(flow: Flow, gives: bool) -> None:
    async def answer(request: web.Request) -> Any:
        form = dict(parse_qsl(await request.text()))
        if form["grant_type"] == "refresh_token":
            return web.json_response({"error": "invalid_grant"}, status=400)
        return {"access_token": "a-1", **({"refresh_token": "r-1"} if gives else {})}

    tokens = OAuthTokens(OLD, Token("r-0"), client=CLIENT, login=LOGIN)
    connection_id = await holding(flow, tokens, answer)
    await refresh(flow, another(flow), connection_id)
    assert [form["grant_type"] for form in asked(flow)] == ["refresh_token", "password"]
    [shown] = await flow.connections()
    # The refresh token that was refused is not kept.
    assert ("refreshToken" in shown["oauth2AuthorizationCode"]) is gives


@pytest.mark.parametrize(
    ("status", "body"),
    [(400, {"error": "invalid_client"}), (401, {"message": "who?"}), (400, {"error": "invalid_grant"})],
)
@pytest.mark.parametrize("login", [LOGIN, None], ids=["password", "client"])
async def test_a_refused_client_of_the_customers_own_is_bad_credentials(
    flow: Flow, status: int, body: Any, login: Login | None
) -> None:
    async def answer(_request: web.Request) -> Any:
        return web.json_response(body, status=status)

    connection_id = await holding(flow, OAuthTokens(OLD, client=CLIENT, login=login), answer)
    service = another(flow)
    heard = listening(service)
    with pytest.raises(RefreshRefused) as refused:
        await refresh(flow, service, connection_id)
    assert "connect again" in str(refused.value.remedy)
    assert len(heard) == 1


@pytest.mark.parametrize(("status", "body"), [(400, {"error": "invalid_client"}), (401, {"error": "invalid_client"})])
async def test_a_refused_client_of_the_builder_is_not_the_customers_fault(flow: Flow, status: int, body: Any) -> None:
    connection_id = await connected(flow, Rotating())

    async def answer(_request: web.Request) -> Any:
        return web.json_response(body, status=status)

    flow.server.answer = answer
    service = another(flow)
    heard = listening(service)
    with pytest.raises(RefreshRefused) as refused:
        await refresh(flow, service, connection_id)
    assert str(refused.value.remedy).startswith("Look at the provider app")
    assert heard == []
    assert await execute(flow, "SELECT count(*) FROM token_exchange") == 0


async def test_without_a_client_there_is_nothing_to_ask_with(flow: Flow) -> None:
    connection_id = await holding(flow, OAuthTokens(OLD), {})
    await execute(flow, "UPDATE connection SET auth_scheme = 'oauth2/clientCredentials'")
    with pytest.raises(RefreshNotPossible, match="nothing to get another one with"):
        await refresh(flow, another(flow), connection_id)
    assert asked(flow) == []


@pytest.mark.parametrize(("refused", "served"), [("a-0", 1), ("older", 0)])
async def test_a_refused_token_is_renewed_only_where_it_is_the_stored_one(
    flow: Flow, refused: str, served: int
) -> None:
    server = Rotating()
    connection_id = await connected(flow, server)
    service: ConnectionService = another(flow)
    project_id = flow.project.project_id
    callers = [service.ensure_fresh(project_id, connection_id, "force", refused=refused) for _ in range(20)]
    await asyncio.gather(*callers)
    assert server.served == served
    assert await tokens_of(flow) == (f"a-{served}", f"r-{served}")
