"""Connections in bulk: taken out with their credentials, and brought in from Ampersand's and Nango's formats."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from conjunct.connections import provider_apps_router, router, transfer_router
from conjunct.connections.transfer import nango
from conjunct.core.encryption import Keyring
from conjunct.tenants import Authenticator
from tests.connections.conftest import World
from tests.connections.making import CREDENTIALS, SECRET, make
from tests.support.servers import serve, slice_api

URL = "/v1/projects/acme/connections"
RIVAL = "/v1/projects/rival/connections"

NANGO: dict[str, Any] = {
    "id": 7,
    "connection_id": "n-1",
    "provider_config_key": "hubspot-prod",
    "provider": "hubspot",
    "end_user": {"id": "ann", "display_name": "Ann", "organization": {"id": "acme", "display_name": "Acme Inc"}},
    "connection_config": {"portal": "62515"},
    "credentials": {
        "type": "OAUTH2",
        "access_token": "theirs-access",
        "refresh_token": "theirs-refresh",
        "expires_at": "2026-03-01T13:00:00.000Z",
        "raw": {"scope": "oauth crm.objects.contacts.read"},
    },
}


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    app = slice_api(router, transfer_router, provider_apps_router)
    app.state.database = world.database
    app.state.authenticator = Authenticator(world.database)
    app.state.connections = world.service
    app.state.page_keys = Keyring({"k": b"k" * 32}, "k").derive("page tokens")
    async with serve(app, {"X-Api-Key": world.project.api_key}) as client:
        yield client


async def taken_out(client: httpx.AsyncClient, url: str = URL, **body: Any) -> list[dict[str, Any]]:
    answer = await client.post(f"{url}:export", json={"format": "ampersand", **body})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: list[dict[str, Any]] = answer.json()
    return found


async def brought_in(client: httpx.AsyncClient, *entries: Any, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{URL}:import", json={"connections": list(entries), **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def with_credentials(client: httpx.AsyncClient, connection_id: str) -> dict[str, Any]:
    query = {"includeCreds": "true", "includeRefreshToken": "true"}
    found: dict[str, Any] = (await client.get(f"{URL}/{connection_id}", params=query)).json()
    return found


@pytest.mark.parametrize("format_", ["ampersand", "nango"])
async def test_what_is_taken_out_can_be_brought_in_elsewhere(
    client: httpx.AsyncClient, world: World, format_: str
) -> None:
    kinds = ("keyed", "guarded", "hubspot")
    for kind in kinds:
        await make(client, kind, project="rival", api_key=world.other.api_key)
    theirs = {"X-Api-Key": world.other.api_key}
    entries = (await client.post(f"{RIVAL}:export", json={"format": format_}, headers=theirs)).json()
    assert len(entries) == 3
    result = await brought_in(client, *entries, format=format_)
    assert (result["created"], result["failed"]) == (3, 0), result
    again = await taken_out(client)
    assert [each["provider"] for each in again] == list(kinds)
    assert again[0]["apiKey"] == SECRET
    assert again[1]["basicAuth"] == CREDENTIALS["guarded"]["basicAuth"]
    tokens = again[2]["oauth2AuthorizationCode"]
    assert tokens["accessToken"]["token"] == f"{SECRET}-access"
    assert tokens["accessToken"]["expiresAt"] == "2026-03-01T13:00:00.000000Z"
    assert tokens["refreshToken"]["token"] == f"{SECRET}-refresh"
    assert tokens["scopes"] == ["crm.objects.contacts.read", "oauth"]
    assert [(each["group"]["groupRef"], each["consumer"]["consumerRef"]) for each in again] == [("g-1", "c-1")] * 3


async def test_an_export_goes_page_by_page_and_is_confined_to_its_project(
    client: httpx.AsyncClient, world: World
) -> None:
    mine = [(await make(client, "keyed", consumer=f"c-{number}"))["id"] for number in range(3)]
    await make(client, "keyed", project="rival", api_key=world.other.api_key)
    first = await client.post(f"{URL}:export?pageSize=2", json={"format": "ampersand"})
    token = first.headers["x-next-page-token"]
    second = await client.post(
        f"{URL}:export", params={"pageSize": 2, "pageToken": token}, json={"format": "ampersand"}
    )
    assert [each["id"] for each in first.json() + second.json()] == mine
    assert await taken_out(client, groupRef="nobody") == []


async def test_connections_come_from_nango_with_tokens_that_can_be_refreshed(client: httpx.AsyncClient) -> None:
    app = {"provider": "hubspot", "clientId": "client", "clientSecret": "s"}
    app_id = (await client.post("/v1/projects/acme/provider-apps", json=app)).json()["id"]
    result = await brought_in(client, NANGO, format="nango")
    (entry,) = result["results"]
    assert (entry["status"], entry["provider"], entry["groupRef"]) == ("created", "hubspot", "acme")
    found = await with_credentials(client, entry["connectionId"])
    assert found["status"] == "created"
    assert found["providerApp"]["id"] == app_id
    assert found["group"]["groupName"] == "Acme Inc"
    assert found["consumer"] == {**found["consumer"], "consumerRef": "ann", "consumerName": "Ann"}
    assert found["providerMetadata"]["portal"]["value"] == "62515"
    assert found["oauth2AuthorizationCode"]["refreshToken"]["token"] == "theirs-refresh"
    assert found["oauth2AuthorizationCode"]["scopes"] == ["oauth", "crm.objects.contacts.read"]


async def test_without_the_oauth_client_it_is_said_that_tokens_cannot_be_refreshed(client: httpx.AsyncClient) -> None:
    (entry,) = (await brought_in(client, NANGO, format="nango"))["results"]
    assert entry["status"] == "created"
    assert "cannot be refreshed" in entry["detail"]


async def test_an_entrys_own_client_is_found_among_the_provider_apps(client: httpx.AsyncClient) -> None:
    made = []
    for name in ("first", "second"):
        app = {"provider": "hubspot", "clientId": name, "clientSecret": "s"}
        made.append((await client.post("/v1/projects/acme/provider-apps", json=app)).json())
    entry = {"groupRef": "g", "consumerRef": "c", "provider": "hubspot", **CREDENTIALS["hubspot"]}
    (found,) = (await brought_in(client, {**entry, "providerApp": made[1]}))["results"]
    assert (await with_credentials(client, found["connectionId"]))["providerApp"]["id"] == made[1]["id"]
    chosen = {"onExisting": "replace", "providerApps": {"hubspot": made[0]["id"]}}
    (found,) = (await brought_in(client, entry, **chosen))["results"]
    assert found["status"] == "replaced"
    assert (await with_credentials(client, found["connectionId"]))["providerApp"]["id"] == made[0]["id"]
    (refused,) = (await brought_in(client, entry, onExisting="replace", providerApps={"hubspot": "nonsense"}))[
        "results"
    ]
    assert refused["status"] == "failed"


async def test_what_is_there_stays_unless_it_is_to_be_replaced(client: httpx.AsyncClient) -> None:
    made = await make(client, "keyed")
    entry = {"groupRef": "g-1", "consumerRef": "c-1", "provider": "keyed", "apiKey": "newer"}
    (skipped,) = (await brought_in(client, entry))["results"]
    assert (skipped["status"], skipped["connectionId"]) == ("skipped", made["id"])
    assert (await with_credentials(client, made["id"]))["apiKey"] == SECRET
    (tried,) = (await brought_in(client, entry, onExisting="replace", dryRun=True))["results"]
    assert (tried["status"], tried["connectionId"]) == ("replaced", made["id"])
    assert (await with_credentials(client, made["id"]))["apiKey"] == SECRET
    await brought_in(client, entry, onExisting="replace")
    assert (await with_credentials(client, made["id"]))["apiKey"] == "newer"


async def test_a_trial_changes_nothing(client: httpx.AsyncClient, world: World) -> None:
    result = await brought_in(client, NANGO, format="nango", dryRun=True)
    assert (result["created"], result["results"][0].get("connectionId")) == (1, None)
    async with world.database.reading() as reading:
        counted = await reading.execute(text("SELECT (SELECT count(*) FROM connection), count(*) FROM customer_group"))
        assert tuple(counted.one()) == (0, 0)


async def test_a_bad_entry_keeps_no_other_out_and_its_secrets_are_not_repeated(client: httpx.AsyncClient) -> None:
    bad: list[Any] = [
        {"groupRef": "g", "consumerRef": "c", "provider": "nonsense", "apiKey": SECRET},
        {"groupRef": "g", "consumerRef": "c", "provider": "keyed", "basicAuth": {"username": "u", "password": SECRET}},
        {"consumerRef": "c", "provider": "keyed", "apiKey": SECRET},
        {"groupRef": "g", "consumerRef": "c", "provider": "keyed", "apiKey": {"no": SECRET}},
        {"groupRef": 5, "consumerRef": ["c"], "provider": {"a": 1}, "oauth2ClientCredentials": "x"},
        {"groupRef": "g", "consumerRef": "c", "provider": "keyed", "apiKey": SECRET + "\r\nX-Evil: 1"},
        {},
    ]
    good = {"groupRef": "g", "consumerRef": "c", "provider": "keyed", "apiKey": SECRET}
    answer = await client.post(f"{URL}:import", json={"connections": [*bad, good]})
    assert SECRET not in answer.text
    result = answer.json()
    assert [each["status"] for each in result["results"]] == ["failed"] * len(bad) + ["created"]
    assert [each["index"] for each in result["results"]] == list(range(len(bad) + 1))
    assert all(each["detail"] for each in result["results"][: len(bad)])


async def test_nangos_bad_entries_are_refused_one_by_one(client: httpx.AsyncClient) -> None:
    bad: list[Any] = [
        {},
        {**NANGO, "credentials": {"type": "OAUTH1", "oauth_token": SECRET}},
        {**NANGO, "credentials": {"type": "OAUTH2", "access_token": None}},
        {**NANGO, "credentials": {"type": "OAUTH2", "access_token": SECRET, "expires_at": "tomorrow"}},
        {**NANGO, "provider": "fax-machine"},
        {**NANGO, "end_user": None, "connection_id": None},
    ]
    answer = await client.post(f"{URL}:import", json={"format": "nango", "connections": bad})
    assert SECRET not in answer.text
    assert [each["status"] for each in answer.json()["results"]] == ["failed"] * len(bad)


def test_providers_are_known_by_nangos_names() -> None:
    known = {nango.folded(name): name for name in ("zohoCRM", "hubspot", "constantContact")}
    entry = {"connection_id": "x", "credentials": {"type": "API_KEY", "apiKey": "k"}}
    for theirs, ours in (("zoho-crm", "zohoCRM"), ("google-mail", "google"), ("mine", "hubspot"), ("other", "other")):
        found = nango.read({**entry, "provider": theirs}, known, {"mine": "hubspot"})
        assert found.request["provider"] == ours


async def test_only_full_keys_may_take_out_and_bring_in(client: httpx.AsyncClient, world: World) -> None:
    for path in (":export", ":import"):
        answer = await client.post(URL + path, json={"connections": []}, headers={"X-Api-Key": world.other.api_key})
        assert answer.status_code in (401, 403, 404)
    too_many: dict[str, Any] = {"connections": [{}] * 1001}
    assert (await client.post(f"{URL}:import", json=too_many)).status_code in (400, 422)
