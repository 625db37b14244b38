"""Credentials are replaced only by ones that the provider accepts, and only where nothing else came first."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import text

from tests.connections.proving.conftest import SECRET, Shop

NEW = f"{SECRET}-new"
CLIENT = {"clientId": "me", "clientSecret": SECRET}


class Door:
    """An answer that waits until a test lets it go."""

    def __init__(self) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()

    async def __call__(self, _request: web.Request) -> web.StreamResponse:
        self.reached.set()
        await self.open.wait()
        return web.json_response({})


async def version(shop: Shop, connection_id: str) -> Any:
    async with shop.database.transaction() as session:
        return await session.scalar(text("SELECT version FROM connection WHERE id = :id"), {"id": connection_id})


async def audited(shop: Shop) -> list[tuple[Any, ...]]:
    statement = "SELECT action, resource_kind, resource_id FROM audit_entry ORDER BY id"
    async with shop.database.transaction() as session:
        return [tuple(row) for row in await session.execute(text(statement))]


@pytest.mark.parametrize(
    ("name", "kind", "old", "new", "header"),
    [
        ("keyed", "apiKey", SECRET, NEW, f"Key {NEW}"),
        ("guarded", "basicAuth", {"username": "ann", "password": SECRET}, {"username": "bob", "password": NEW}, None),
        ("machine", "oauth2ClientCredentials", CLIENT, {"clientId": "other", "clientSecret": NEW}, None),
        ("logged", "oauth2PasswordCredentials", {"username": "a", "password": SECRET, **CLIENT},
         {"username": "b", "password": NEW, **CLIENT}, None),
        ("custom", "customAuth", {"seal": SECRET, "region": "eu"}, {"seal": NEW, "region": "us", "scopes": ["a", "b"]},
         NEW),
    ],
)  # fmt: skip
async def test_credentials_of_every_kind_are_rotated(
    shop: Shop, name: str, kind: str, old: Any, new: Any, header: str | None
) -> None:
    made = await shop.generate(name, **{kind: old})
    seen = len(shop.provider.seen)
    changed = await shop.update(made["id"], **{kind: new})
    assert (changed["status"], await version(shop, made["id"])) == ("working", 2)
    check = shop.provider.seen[-1]
    assert check.path == "/me"
    assert len(shop.provider.seen) - seen == (2 if kind.startswith("oauth2") else 1)
    if header is not None:
        assert header in check.headers.values()
    if kind == "customAuth":
        assert changed["providerMetadata"]["scopes"] == {"value": "a b", "source": "input"}


async def test_refused_ones_change_nothing(shop: Shop) -> None:
    made = await shop.generate("keyed", apiKey=SECRET)
    shop.provider.answers["/me"] = (401, {"message": f"unknown key {NEW}"})
    problem = await shop.update(made["id"], 422, apiKey=NEW)
    assert problem["type"].endswith("/credentials-refused")
    assert [issue["name"] for issue in problem["issues"]] == ["connection.apiKey"]
    shown = await shop.shown(made["id"])
    assert (shown["apiKey"], shown["status"], await version(shop, made["id"])) == (SECRET, "working", 1)
    assert [action for action, *_ in await audited(shop)] == ["generateConnection"]


async def test_a_connection_that_is_deleted_meanwhile_stays_deleted(shop: Shop) -> None:
    made = await shop.generate("keyed", apiKey=SECRET)
    door = shop.provider.answers["/me"] = Door()
    updating = asyncio.create_task(shop.update(made["id"], 404, apiKey=NEW))
    await door.reached.wait()
    assert (await shop.client.delete(f"/v1/projects/acme/connections/{made['id']}")).status_code == 204
    door.open.set()
    assert (await updating)["type"].endswith("/connection-not-found")
    assert await shop.listed() == []


@pytest.mark.parametrize("other", [{"apiKey": f"{NEW}-first"}, {"providerWorkspaceRef": "moved"}])
async def test_a_change_that_comes_first_is_not_overwritten(shop: Shop, other: dict[str, Any]) -> None:
    made = await shop.generate("keyed", apiKey=SECRET)
    door = shop.provider.answers["/me"] = Door()
    updating = asyncio.create_task(shop.update(made["id"], 409, apiKey=NEW))
    await door.reached.wait()
    shop.provider.answers["/me"] = {}
    await shop.update(made["id"], **other)
    door.open.set()
    assert (await updating)["type"].endswith("/connection-changed")
    shown = await shop.shown(made["id"])
    assert shown["apiKey"] == other.get("apiKey", SECRET)
    assert shown.get("providerWorkspaceRef") == other.get("providerWorkspaceRef")


async def test_an_unused_app_that_is_deleted_meanwhile_keeps_the_connection_out(shop: Shop) -> None:
    app = {"provider": "exchanged", "clientId": "ours", "clientSecret": SECRET}
    app_id = (await shop.client.post("/v1/projects/acme/provider-apps", json=app)).json()["id"]
    door = shop.provider.answers["/me"] = Door()
    making = asyncio.create_task(shop.generate("exchanged", 422, customAuth={"user": "a", "pass": SECRET}))
    await door.reached.wait()
    assert (await shop.client.delete(f"/v1/projects/acme/provider-apps/{app_id}")).status_code == 204
    door.open.set()
    assert (await making)["type"].endswith("/authorization-not-possible")
    assert await shop.listed() == []


async def test_imported_tokens_are_refreshed_with_the_projects_client(shop: Shop) -> None:
    tokens = {"accessToken": {"token": SECRET}, "refreshToken": {"token": f"{SECRET}-r"}}
    alone = await shop.generate("handed", oauth2AuthorizationCode=tokens)
    assert "providerApp" not in alone
    app = {"provider": "handed", "clientId": "ours", "clientSecret": SECRET}
    app_id = (await shop.client.post("/v1/projects/acme/provider-apps", json=app)).json()["id"]
    made = await shop.generate("handed", oauth2AuthorizationCode=tokens)
    assert made["providerApp"]["id"] == app_id


async def test_each_change_leaves_its_audit_entry_and_a_repeated_request_makes_no_second_connection(shop: Shop) -> None:
    made = await shop.generate("keyed", apiKey=SECRET, key="once")
    again = await shop.generate("keyed", apiKey=SECRET, key="once")
    assert again == made
    assert (len(await shop.listed()), len(shop.provider.seen)) == (1, 1)
    await shop.update(made["id"], apiKey=NEW)
    await shop.check(made["id"])
    assert await audited(shop) == [
        ("generateConnection", "connection", made["id"]),
        ("updateConnection", "connection", made["id"]),
    ]


async def test_a_refused_request_may_be_mended_and_sent_again_with_its_key(shop: Shop) -> None:
    shop.provider.answers["/me"] = (401, {})
    await shop.generate("keyed", 422, apiKey=SECRET, key="k")
    shop.provider.answers["/me"] = {}
    await shop.generate("keyed", apiKey=NEW, key="k")
    assert len(await shop.listed()) == 1
