"""API keys over HTTP: made, shown, changed, and refused from the moment that they are off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from conjunct.core.database import Database
from conjunct.tenants.models import BuilderRow
from tests.support.platform import Platform, running_platform
from tests.support.specification import require_specification

KEYS = "/v1/projects/default/api-keys"


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running_platform(database, tmp_path, worker=False) as platform:
        yield platform


async def create(platform: Platform, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = await platform.send("POST", "/api-keys", 201, json={"label": "more", **body})
    return made


async def opens(platform: Platform, key: str, path: str = "/connections") -> int:
    """The status that the key gets."""
    answer = await platform.client.get(platform.project + path, headers={"X-Api-Key": key})
    return answer.status_code


async def add_builder(database: Database) -> None:
    async with database.transaction() as session:
        org_id = await session.scalar(text("SELECT org_id FROM project"))
        session.add(
            BuilderRow(org_id=org_id, role="owner", email="ann@example.com", idp_provider="operator", idp_ref="ann")
        )


def test_the_specification_is_there() -> None:
    require_specification()


async def test_a_key_is_made_and_opens_its_project(platform: Platform) -> None:
    made = await create(platform, label="CI", scopes=["frontend"])
    assert made.keys() == {"id", "key", "label", "scopes", "projectId", "active"}
    assert made["key"].startswith("cj_")
    assert (made["label"], made["scopes"], made["active"]) == ("CI", ["frontend"], True)
    assert made["projectId"] == platform.project_id
    assert await opens(platform, made["key"]) == 200
    assert await opens(platform, made["key"], "/destinations") == 403
    assert await opens(platform, made["key"], "/api-keys") == 403


async def test_without_scopes_a_key_is_a_full_one(platform: Platform) -> None:
    made = await create(platform)
    assert made["scopes"] == ["full"]
    assert await opens(platform, made["key"], "/api-keys") == 200


async def test_keys_are_listed_oldest_first_each_in_full(platform: Platform) -> None:
    first, second = await create(platform, label="a"), await create(platform, label="b")
    listed = await platform.send("GET", "/api-keys", 200)
    assert [each["label"] for each in listed] == ["first key", "a", "b"]
    assert listed[0]["key"] == platform.client.headers["X-Api-Key"]
    assert listed[1:] == [first, second]


async def test_the_list_can_leave_out_the_inactive_ones_and_come_in_pages(platform: Platform) -> None:
    made = await create(platform)
    await platform.send("PATCH", f"/api-keys/{made['id']}", 200, json=switch(active=False))
    assert [each["active"] for each in await platform.send("GET", "/api-keys", 200)] == [True, False]
    assert [each["active"] for each in await platform.send("GET", "/api-keys?active=false", 200)] == [True, False]
    assert [each["active"] for each in await platform.send("GET", "/api-keys?active=true", 200)] == [True]
    page = await platform.client.get(KEYS + "?pageSize=1")
    assert len(page.json()) == 1
    token = page.headers["X-Next-Page-Token"]
    assert (await platform.send("GET", f"/api-keys?pageSize=1&pageToken={token}", 200))[0]["id"] == made["id"]


def switch(**values: Any) -> dict[str, Any]:
    """A change of just these values."""
    return {"updateMask": list(values), "apiKey": values}


@pytest.mark.parametrize("by", ["key", "id"])
async def test_a_key_is_named_by_itself_or_by_its_id(platform: Platform, by: str) -> None:
    made = await create(platform)
    path = f"/api-keys/{made[by]}"
    assert await platform.send("GET", path, 200) == made
    changed = await platform.send("PATCH", path, 200, json=switch(label="renamed", scopes=["frontend", "full"]))
    assert changed == made | {"label": "renamed", "scopes": ["frontend", "full"]}
    assert await platform.send("GET", path, 200) == changed
    await platform.send("DELETE", path, 204)
    await platform.send("GET", path, 404)


async def test_what_the_mask_does_not_name_stays(platform: Platform) -> None:
    made = await create(platform, label="kept")
    body = {"updateMask": ["active"], "apiKey": {"active": False, "label": "ignored"}}
    assert await platform.send("PATCH", f"/api-keys/{made['id']}", 200, json=body) == made | {"active": False}


async def test_a_key_that_is_switched_off_is_refused_at_once_and_let_in_again(platform: Platform) -> None:
    made = await create(platform)
    for active, status in ((False, 401), (True, 200), (False, 401)):
        await platform.send("PATCH", f"/api-keys/{made['key']}", 200, json=switch(active=active))
        assert await opens(platform, made["key"]) == status


async def test_a_key_that_is_deleted_is_refused_at_once(platform: Platform) -> None:
    made = await create(platform)
    assert await opens(platform, made["key"]) == 200
    await platform.send("DELETE", f"/api-keys/{made['key']}", 204)
    assert await opens(platform, made["key"]) == 401


async def test_a_key_that_loses_a_scope_loses_it_at_once(platform: Platform) -> None:
    made = await create(platform)
    assert await opens(platform, made["key"], "/destinations") == 200
    await platform.send("PATCH", f"/api-keys/{made['key']}", 200, json=switch(scopes=["frontend"]))
    assert await opens(platform, made["key"], "/destinations") == 403


async def test_a_key_may_delete_itself(platform: Platform) -> None:
    made = await create(platform)
    answer = await platform.client.delete(f"{KEYS}/{made['key']}", headers={"X-Api-Key": made["key"]})
    assert answer.status_code == 204
    assert await opens(platform, made["key"]) == 401


@pytest.mark.parametrize("way", ["switch off", "take the scope", "delete"])
async def test_the_last_way_into_a_project_stays_open(platform: Platform, database: Database, way: str) -> None:
    own = platform.client.headers["X-Api-Key"]
    await create(platform, scopes=["frontend"])
    off = await create(platform)
    await platform.send("PATCH", f"/api-keys/{off['id']}", 200, json=switch(active=False))

    async def shut(status: int) -> Any:
        if way == "delete":
            return await platform.send("DELETE", f"/api-keys/{own}", status)
        change = switch(active=False) if way == "switch off" else switch(scopes=["frontend"])
        return await platform.send("PATCH", f"/api-keys/{own}", status, json=change)

    assert (await shut(409))["type"].endswith("/last-full-key")
    assert await opens(platform, own, "/api-keys") == 200
    await platform.send("PATCH", f"/api-keys/{own}", 200, json=switch(label="renamed"))
    await add_builder(database)
    await shut(204 if way == "delete" else 200)
    assert await opens(platform, own, "/api-keys") in (401, 403)


async def test_of_two_last_keys_that_delete_each_other_one_stays(platform: Platform) -> None:
    keys = [platform.client.headers["X-Api-Key"], (await create(platform))["key"]]
    async with asyncio.TaskGroup() as group:
        answers = [
            group.create_task(platform.client.delete(f"{KEYS}/{other}", headers={"X-Api-Key": own}))
            for own, other in zip(keys, reversed(keys), strict=True)
        ]
    statuses = sorted(each.result().status_code for each in answers)
    assert statuses in ([204, 401], [204, 409])
    assert sorted([await opens(platform, key, "/api-keys") for key in keys]) == [200, 401]


@pytest.mark.parametrize(
    ("body", "faulty"),
    [
        ({}, "label"),
        ({"label": ""}, "label"),
        ({"label": "x" * 256}, "label"),
        ({"label": "x", "scopes": []}, "scopes"),
        ({"label": "x", "scopes": ["admin"]}, "scopes.0"),
        ({"label": "x", "scopes": "full"}, "scopes"),
    ],
)
async def test_a_key_that_cannot_be_made(platform: Platform, body: dict[str, Any], faulty: str) -> None:
    problem = await platform.send("POST", "/api-keys", 400, json=body)
    assert [issue["name"] for issue in problem["issues"]] == [faulty]


@pytest.mark.parametrize(
    ("body", "status", "faulty"),
    [
        ({"updateMask": [], "apiKey": {}}, 400, ["updateMask"]),
        ({"updateMask": ["key", "label", "id"], "apiKey": {"label": "x"}}, 400, ["updateMask.0", "updateMask.2"]),
        ({"updateMask": ["label", "active"], "apiKey": {}}, 422, ["apiKey.label", "apiKey.active"]),
        ({"updateMask": ["active"], "apiKey": {"active": "no"}}, 400, ["apiKey.active"]),
    ],
)
async def test_a_change_that_cannot_be_made(
    platform: Platform, body: dict[str, Any], status: int, faulty: list[str]
) -> None:
    made = await create(platform)
    problem = await platform.send("PATCH", f"/api-keys/{made['id']}", status, json=body)
    assert [issue["name"] for issue in problem["issues"]] == faulty
    assert await platform.send("GET", f"/api-keys/{made['id']}", 200) == made


async def test_keys_of_another_project_are_as_unknown_as_any(platform: Platform, database: Database) -> None:
    async with database.transaction() as session:
        other = await platform.services.tenants.create_org_and_project(session, org="o", project="other", app_name="O")
    async with database.reading() as connection:
        other_id = await connection.scalar(
            text("SELECT id FROM api_key WHERE project_id = :id"), {"id": other.project_id}
        )
    for method, change in (("GET", None), ("PATCH", switch(label="mine")), ("DELETE", None)):
        answers = []
        for name in (other.api_key, other_id, "cj_unknown"):
            answer = await platform.client.request(method, f"{KEYS}/{name}", json=change)
            body = answer.json()
            answers.append((answer.status_code, {k: body[k] for k in body.keys() - {"requestId", "instance", "time"}}))
        assert answers[0][0] == 404
        assert answers[0] == answers[1] == answers[2]
    assert await opens(platform, other.api_key) == 404


async def test_keys_are_kept_sealed(platform: Platform, database: Database) -> None:
    made = await create(platform)
    async with database.reading() as connection:
        kept = await connection.scalar(text("SELECT string_agg(k::text, '') FROM api_key k"))
    assert made["id"] in kept
    assert made["key"] not in kept
    assert made["key"].encode().hex() not in kept
