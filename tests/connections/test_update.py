"""PATCH /connections/{id}: what the mask names is changed, the rest is ignored, and all or nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.connections.conftest import World
from tests.connections.making import SECRET, make

URL = "/v1/projects/acme/connections"
ALLOWED = (
    "Allowed masks: 'providerWorkspaceRef, providerMetadata, apiKey, basicAuth, oauth2ClientCredentials, "
    "oauth2PasswordCredentials, customAuth'"
)
NEW = "planted-n3w-s3cret"
CLIENT = {"clientId": "me", "clientSecret": NEW}
METADATA = {"accountId": {"value": "5678", "source": "input"}}


async def patch(client: httpx.AsyncClient, connection_id: str, mask: Any, **connection: Any) -> httpx.Response:
    response = await client.patch(f"{URL}/{connection_id}", json={"updateMask": mask, "connection": connection})
    assert NEW not in response.text
    return response


async def key_of(client: httpx.AsyncClient, connection_id: str) -> str | None:
    found: str | None = (await client.get(f"{URL}/{connection_id}?includeCreds=true")).json().get("apiKey")
    return found


async def column(world: World, connection_id: str, name: str) -> Any:
    async with world.database.reading() as reading:
        return (
            await reading.execute(text(f"SELECT {name} FROM connection WHERE id = :id"), {"id": connection_id})
        ).scalar_one()


async def test_a_key_is_rotated(client: httpx.AsyncClient, world: World) -> None:
    made = await make(client, "keyed")
    async with world.database.transaction() as session:
        await world.service.mark_bad_credentials(session, world.project.project_id, made["id"])
    response = await patch(client, made["id"], ["apiKey"], apiKey=NEW)
    assert response.status_code == 200
    changed = response.json()
    assert changed == {**made, "status": "created", "updateTime": changed["updateTime"]}
    assert changed["updateTime"] > made["updateTime"]
    assert changed == (await client.get(f"{URL}/{made['id']}")).json()
    assert await key_of(client, made["id"]) == NEW
    assert await column(world, made["id"], "version") == 2


async def test_a_password_is_rotated(client: httpx.AsyncClient, world: World) -> None:
    made = await make(client, "guarded")
    before = await column(world, made["id"], "sealed_credentials")
    response = await patch(client, made["id"], ["basicAuth"], basicAuth={"username": "bob", "password": NEW})
    assert response.status_code == 200
    assert await column(world, made["id"], "sealed_credentials") != before


@pytest.mark.parametrize("given", [{"apiKey": NEW}, {"basicAuth": {"username": NEW, "password": "-"}}])
async def test_a_key_sent_as_a_user_name_is_rotated_in_either_form(
    client: httpx.AsyncClient, given: dict[str, Any]
) -> None:
    made = await make(client, "halved")
    assert (await patch(client, made["id"], list(given), **given)).status_code == 200
    assert await key_of(client, made["id"]) == NEW


async def test_the_workspace_is_changed_and_the_credentials_stay(client: httpx.AsyncClient, world: World) -> None:
    made = await make(client, "placed")
    async with world.database.transaction() as session:
        await world.service.mark_working(session, world.project.project_id, made["id"])
    changed = (await patch(client, made["id"], ["providerWorkspaceRef"], providerWorkspaceRef=" umbrella ")).json()
    assert changed["providerWorkspaceRef"] == "umbrella"
    assert changed["providerMetadata"] == made["providerMetadata"]
    assert changed["status"] == "created"
    assert await column(world, made["id"], "version") == 1
    assert await key_of(client, made["id"]) == SECRET


async def test_metadata_is_replaced_and_may_bring_the_workspace(client: httpx.AsyncClient) -> None:
    made = await make(client, "placed")
    changed = (await patch(client, made["id"], ["providerMetadata"], providerMetadata=METADATA)).json()
    assert (changed["providerMetadata"], changed["providerWorkspaceRef"]) == (METADATA, "acme")
    both = {**METADATA, "workspace": {"value": "umbrella", "source": "input"}}
    changed = (await patch(client, made["id"], ["providerMetadata"], providerMetadata=both)).json()
    assert (changed["providerMetadata"], changed["providerWorkspaceRef"]) == (both, "umbrella")
    changed = (await patch(client, made["id"], ["providerWorkspaceRef"], providerWorkspaceRef="acme")).json()
    assert changed["providerMetadata"]["workspace"]["value"] == changed["providerWorkspaceRef"] == "acme"


async def test_an_empty_workspace_is_none_where_the_provider_needs_none(client: httpx.AsyncClient) -> None:
    made = await make(client, "keyed", providerWorkspaceRef="acme")
    changed = (await patch(client, made["id"], ["providerWorkspaceRef"], providerWorkspaceRef="")).json()
    assert "providerWorkspaceRef" not in changed
    changed = (await patch(client, made["id"], ["providerMetadata"], providerMetadata={})).json()
    assert "providerMetadata" not in changed


async def test_masks_go_together_and_may_be_repeated(client: httpx.AsyncClient) -> None:
    made = await make(client, "placed")
    mask = ["apiKey", "providerMetadata", "apiKey", "providerWorkspaceRef"]
    response = await patch(
        client, made["id"], mask, apiKey=NEW, providerMetadata=METADATA, providerWorkspaceRef="umbrella"
    )
    assert response.json()["providerWorkspaceRef"] == "umbrella"
    assert response.json()["providerMetadata"] == METADATA
    assert await key_of(client, made["id"]) == NEW


async def test_what_the_mask_does_not_name_is_ignored(client: httpx.AsyncClient) -> None:
    made = await make(client, "placed")
    ignored = {
        "apiKey": NEW,
        "basicAuth": {"username": "x", "password": NEW},
        "providerMetadata": METADATA,
        "groupRef": "another",
        "groupName": "Another",
        "consumerRef": "another",
        "provider": "keyed",
        "unheardOf": True,
    }
    mask = ["providerWorkspaceRef"]
    changed = (await patch(client, made["id"], mask, providerWorkspaceRef="umbrella", **ignored)).json()
    assert changed == {**made, "providerWorkspaceRef": "umbrella", "updateTime": changed["updateTime"]}
    assert await key_of(client, made["id"]) == SECRET


REFUSED_MASKS: list[tuple[list[str], dict[str, Any], set[str]]] = [
    ([], {"apiKey": NEW}, {"updateMask"}),
    (["groupRef"], {"groupRef": "x"}, {"updateMask.0"}),
    (["apiKey", "provider", "status"], {"apiKey": NEW}, {"updateMask.1", "updateMask.2"}),
    (["oauth2AuthorizationCode"], {"oauth2AuthorizationCode": {"accessToken": {"token": NEW}}}, {"updateMask.0"}),
    (["oauth2AuthorizationCode"], {"customAuth": {"a": NEW}}, {"updateMask.0"}),
    (["ApiKey"], {"apiKey": NEW}, {"updateMask.0"}),
    (["connection.apiKey"], {"apiKey": NEW}, {"updateMask.0"}),
    ([""], {"apiKey": NEW}, {"updateMask.0"}),
    (["apiKey"], {}, {"connection.apiKey"}),
    (["apiKey"], {"apiKey": None}, {"connection.apiKey"}),
    (["apiKey", "providerMetadata"], {"basicAuth": {"username": "x", "password": NEW}},
     {"connection.apiKey", "connection.providerMetadata"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("mask", "connection", "where"),
    REFUSED_MASKS,
    ids=lambda part: (str(sorted(part)) if isinstance(part, set) else str(part))[:40],
)
async def test_a_mask_that_will_not_do_is_refused_with_those_that_would(
    client: httpx.AsyncClient, mask: list[str], connection: dict[str, Any], where: set[str]
) -> None:
    made = await make(client, "keyed")
    response = await patch(client, made["id"], mask, **connection)
    problem = response.json()
    assert response.status_code == 400
    assert problem["type"].endswith("/invalid-update-mask")
    assert problem["remedy"] == ALLOWED
    assert {issue["name"] for issue in problem["issues"]} == where
    assert (await client.get(f"{URL}/{made['id']}")).json() == made


@pytest.mark.parametrize(
    ("provider", "credentials", "remedy"),
    [
        ("keyed", {"basicAuth": {"username": "x", "password": NEW}}, "Update apiKey."),
        ("keyed", {"oauth2ClientCredentials": CLIENT}, "Update apiKey."),
        ("keyed", {"apiKey": NEW, "basicAuth": {"username": "x", "password": NEW}}, "Update apiKey."),
        ("guarded", {"apiKey": NEW}, "Update basicAuth."),
        ("halved", {"apiKey": NEW, "basicAuth": {"username": "x", "password": NEW}}, "Update apiKey or basicAuth."),
        ("hubspot", {"apiKey": NEW}, "connect again"),
        ("hubspot", {"oauth2PasswordCredentials": {"username": "x", "password": NEW, **CLIENT}}, "connect again"),
    ],
)
async def test_credentials_must_fit_the_scheme(
    client: httpx.AsyncClient, world: World, provider: str, credentials: dict[str, Any], remedy: str
) -> None:
    made = await make(client, provider)
    before = await column(world, made["id"], "sealed_credentials")
    response = await patch(
        client, made["id"], [*credentials, "providerWorkspaceRef"], **credentials, providerWorkspaceRef="x"
    )
    problem = response.json()
    assert response.status_code == 400
    assert {issue["name"] for issue in problem["issues"]} == {f"connection.{kind}" for kind in credentials}
    assert remedy in problem["remedy"]
    assert await column(world, made["id"], "sealed_credentials") == before
    assert (await client.get(f"{URL}/{made['id']}")).json() == made


@pytest.mark.parametrize(
    ("mask", "connection", "where"),
    [
        ("apiKey", {"apiKey": ""}, "connection.apiKey"),
        ("apiKey", {"apiKey": f"{NEW}\n"}, "connection.apiKey"),
        ("providerWorkspaceRef", {"providerWorkspaceRef": ""}, "connection.providerWorkspaceRef"),
        ("providerWorkspaceRef", {"providerWorkspaceRef": "evil.com/"}, "connection.providerWorkspaceRef"),
        ("providerMetadata", {"providerMetadata": {}}, "connection.providerMetadata.accountId.value"),
    ],
)
async def test_what_the_provider_cannot_use_is_refused(
    client: httpx.AsyncClient, mask: str, connection: dict[str, Any], where: str
) -> None:
    made = await make(client, "placed")
    response = await patch(client, made["id"], [mask], **connection)
    assert response.status_code == 422
    assert [issue["name"] for issue in response.json()["issues"]] == [where]
    assert (await client.get(f"{URL}/{made['id']}")).json() == made


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        ({}, {"updateMask", "connection"}),
        ({"updateMask": "apiKey", "connection": []}, {"updateMask", "connection"}),
        ({"updateMask": [5], "connection": {"apiKey": {}}}, {"updateMask.0", "connection.apiKey"}),
        ({"updateMask": ["apiKey"] * 101, "connection": {"apiKey": NEW}}, {"updateMask"}),
        ({"updateMask": ["apiKey"], "connection": {"apiKey": NEW * 2000}}, {"connection.apiKey"}),
    ],
)
async def test_what_cannot_be_understood_is_refused(
    client: httpx.AsyncClient, payload: dict[str, Any], where: set[str]
) -> None:
    made = await make(client, "keyed")
    response = await client.patch(f"{URL}/{made['id']}", json=payload)
    assert response.status_code == 400
    assert {issue["name"] for issue in response.json()["issues"]} == where
    assert NEW not in response.text


async def test_another_projects_connection_is_not_found(client: httpx.AsyncClient, world: World) -> None:
    theirs = await make(client, "keyed", project="rival", api_key=world.other.api_key)
    for connection_id in (theirs["id"], "nonsense"):
        response = await patch(client, connection_id, ["apiKey"], apiKey=NEW)
        assert response.status_code == 404
        assert response.json()["type"].endswith("/connection-not-found")
    assert await column(world, theirs["id"], "version") == 1


async def test_what_is_told_of_the_account_at_once_is_all_kept(client: httpx.AsyncClient) -> None:
    made = await make(client, "placed")
    answers = await asyncio.gather(
        patch(client, made["id"], ["providerWorkspaceRef"], providerWorkspaceRef="umbrella"),
        patch(client, made["id"], ["providerMetadata"], providerMetadata=METADATA),
    )
    assert [answer.status_code for answer in answers] == [200] * 2
    found = (await client.get(f"{URL}/{made['id']}")).json()
    assert (found["providerWorkspaceRef"], found["providerMetadata"]) == ("umbrella", METADATA)
