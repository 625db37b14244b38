"""GET /connections/{id}: credentials only when asked for, and only with the scope `full`."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.connections.conftest import World
from tests.connections.making import SECRET, make
from tests.support.tenants import make_key

URL = "/v1/projects/acme/connections"


async def test_it_is_the_one_in_the_list(client: httpx.AsyncClient) -> None:
    made = await make(client, "placed")
    assert (await client.get(f"{URL}/{made['id']}")).json() == made
    assert (await client.get(URL)).json() == [made]


@pytest.mark.parametrize("provider", ["keyed", "guarded", "halved", "hubspot"])
async def test_credentials_are_not_shown_unasked(client: httpx.AsyncClient, provider: str) -> None:
    made = await make(client, provider)
    for query in ("", "?includeCreds=false", "?includeCreds=false&includeRefreshToken=false&refresh=ifExpired"):
        response = await client.get(f"{URL}/{made['id']}{query}")
        assert response.json() == made
        assert SECRET not in response.text


async def test_an_api_key_is_shown_when_asked_for(client: httpx.AsyncClient) -> None:
    for provider in ("keyed", "halved"):
        made = await make(client, provider)
        for query in ("includeCreds=true", "includeRefreshToken=true"):
            shown = (await client.get(f"{URL}/{made['id']}?{query}")).json()
            assert shown == {**made, "apiKey": SECRET}


async def test_a_password_is_never_shown(client: httpx.AsyncClient) -> None:
    made = await make(client, "guarded")
    response = await client.get(f"{URL}/{made['id']}?includeCreds=true&includeRefreshToken=true")
    assert response.json() == made


async def test_tokens_are_shown_when_asked_for_the_refresh_token_by_its_own_name(client: httpx.AsyncClient) -> None:
    made = await make(client, "hubspot")
    access = {
        "token": f"{SECRET}-access",
        "issuedAt": "2026-03-01T10:30:00.000000Z",
        "expiresAt": "2026-03-01T13:00:00.000000Z",
    }
    tokens = {"accessToken": access, "scopes": ["crm.objects.contacts.read", "oauth"]}
    shown = (await client.get(f"{URL}/{made['id']}?includeCreds=true")).json()
    assert shown == {**made, "oauth2AuthorizationCode": tokens}
    everything = {**tokens, "refreshToken": {"token": f"{SECRET}-refresh"}}
    for query in ("includeRefreshToken=true", "includeRefreshToken=true&includeCreds=false"):
        shown = (await client.get(f"{URL}/{made['id']}?{query}")).json()
        assert shown == {**made, "oauth2AuthorizationCode": everything}


async def test_a_key_that_stands_in_browsers_sees_no_credentials(client: httpx.AsyncClient, world: World) -> None:
    frontend = {"X-Api-Key": await make_key(world.database, world.project, "frontend")}
    made = await make(client, "keyed", api_key=frontend["X-Api-Key"])
    assert (await client.get(URL, headers=frontend)).json() == [made]
    assert (await client.get(f"{URL}/{made['id']}", headers=frontend)).json() == made
    for query in ("includeCreds=true", "includeRefreshToken=true"):
        response = await client.get(f"{URL}/{made['id']}?{query}", headers=frontend)
        assert response.status_code == 403
        assert SECRET not in response.text


@pytest.mark.parametrize(
    ("provider", "expires", "refresh", "status"),
    [
        ("keyed", None, "force", 200),
        ("keyed", None, "ifExpired", 200),
        ("hubspot", None, "ifExpired", 200),
        ("hubspot", "2026-03-01T12:00:01Z", "ifExpired", 200),
        ("hubspot", "2026-03-01T12:00:00Z", "ifExpired", 422),
        ("hubspot", "2026-03-01T12:00:01Z", "force", 422),
        ("hubspot", None, "force", 422),
        ("hubspot", None, "sometimes", 400),
    ],
)
async def test_refreshing_is_refused_only_where_it_would_be_needed(
    client: httpx.AsyncClient, provider: str, expires: str | None, refresh: str, status: int
) -> None:
    tokens = {"accessToken": {"token": SECRET, **({"expiresAt": expires} if expires else {})}}
    more: dict[str, Any] = {"oauth2AuthorizationCode": tokens} if provider == "hubspot" else {}
    made = await make(client, provider, **more)
    for query in ("", "&includeCreds=true"):
        response = await client.get(f"{URL}/{made['id']}?refresh={refresh}{query}")
        assert response.status_code == status
        if status == 422:
            assert response.json()["type"].endswith("/refresh-not-possible")
            assert SECRET not in response.text


async def test_strangers_and_other_projects_are_told_apart_by_nothing(client: httpx.AsyncClient, world: World) -> None:
    theirs = await make(client, "keyed", project="rival", api_key=world.other.api_key)
    unknown = "0192f0c1-0000-7000-8000-000000000000"
    for query in ("", "?includeCreds=true", "?refresh=ifExpired"):
        answers = []
        for connection_id in (theirs["id"], unknown, "nonsense", "x" * 5000):
            response = await client.get(f"{URL}/{connection_id}{query}")
            assert response.status_code == 404
            problem = response.json()
            answers.append((problem["type"], problem["detail"].replace(connection_id, "…"), problem["remedy"]))
        assert len(set(answers)) == 1


async def test_credentials_are_encrypted_in_the_table(client: httpx.AsyncClient, world: World) -> None:
    for provider in ("keyed", "guarded", "halved", "hubspot"):
        await make(client, provider)
    async with world.database.reading() as reading:
        rows = (await reading.execute(text("SELECT c::text, sealed_credentials FROM connection c"))).all()
    assert len(rows) == 4
    for row, sealed in rows:
        assert sealed.startswith(b"v1|")
        assert SECRET.encode() not in sealed
        assert SECRET not in row
        assert SECRET.encode().hex() not in row


async def test_credentials_do_not_open_in_another_row(client: httpx.AsyncClient, world: World) -> None:
    mine, other = await make(client, "keyed"), await make(client, "keyed", group="g-2", apiKey="another")
    async with world.database.transaction() as session:
        await session.execute(
            text(
                "UPDATE connection SET sealed_credentials ="
                " (SELECT sealed_credentials FROM connection WHERE id = :from) WHERE id = :to"
            ),
            {"from": mine["id"], "to": other["id"]},
        )
    response = await client.get(f"{URL}/{other['id']}?includeCreds=true")
    assert response.status_code == 500
    assert SECRET not in response.text
