"""Every list: whole as a bare array, or a page at a time; in a number of queries that does not grow with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import yaml
from sqlalchemy import event

from conjunct.core.database import Database
from conjunct.core.paging import LARGEST_SIZE
from tests.api.access import good_path
from tests.api.world import MANIFEST, World, deliver
from tests.support.tokens import make_builder, public_pem

ALONE = {"listOperations", "listOperationLogs", "listReads"}
"""Lists that page in a way of their own (as the specification says), or not at all: the newest 1,000 lines, and an item
for each object that the manifest has."""

UNGROWN = {"listOrgClaimedDomains"}
"""Lists that hold one item here: a builder claims the domain of their own address."""


async def lists(world: World) -> dict[str, str]:
    """The path of every list, by the operation's name."""
    document = (await world.client.get("/v1/openapi.json")).json()
    return {
        operation["operationId"]: good_path(world, path)
        for path, methods in document["paths"].items()
        for operation in [methods.get("get", {})]
        if _is_list(operation) and operation["operationId"] not in ALONE
    }


def _is_list(operation: dict[str, Any]) -> bool:
    content = operation.get("responses", {}).get("200", {}).get("content", {})
    return bool(content.get("application/json", {}).get("schema", {}).get("type") == "array")


def credential(world: World, name: str) -> dict[str, str]:
    """Somebody who sees all of the list."""
    if "Org" in name or name == "listProjects":
        return {"Authorization": f"Bearer {world.builders['owner']}", "X-Api-Key": ""}
    return {"X-Api-Key": world.keys["full"]}


async def grow(world: World, first: int, count: int) -> None:
    """Make so many more of everything that can be listed."""
    send = world.platform.send
    topic = (await send("POST", "/topics", 201, json={"name": f"topic-{first}"}))["id"]
    owner = {"Authorization": f"Bearer {world.builders['owner']}", "X-Api-Key": ""}
    org = world.platform.org_id
    apps = [{"provider": "hubspot", "clientId": f"c{n}", "clientSecret": "s"} for n in range(first, first + count)]
    for number, app in enumerate(apps, start=first):
        who = {"groupRef": f"group-{number}", "consumerRef": f"person-{number}"}
        made = {"provider": "hubspot", "oauth2AuthorizationCode": {"accessToken": {"token": "t"}}, **who}
        connection = await send("POST", "/connections:generate", 201, json=made)
        body = {"groupRef": who["groupRef"], "connectionId": connection["id"], "config": {"content": {}}}
        await send("POST", "/integrations/crm/installations?skipSampling=true", 201, json=body)
        target = {"name": f"target-{number}", "type": "webhook", "metadata": {"url": "https://93.184.215.14/"}}
        destination = (await send("POST", "/destinations", 201, json=target))["id"]
        await send("POST", "/topics", 201, json={"name": f"more-{number}"})
        route = {"topicId": topic, "destinationId": destination}
        await send("POST", "/topic-destination-routes", 201, json=route)
        await send("POST", "/api-keys", 201, json={"label": f"key {number}", "scopes": ["frontend"]})
        await send("POST", "/jwt-keys", 201, json={"label": "k", "algorithm": "RS256", "publicKeyPem": public_pem()})
        await send("POST", "/connect-links", 201, json={"provider": "redmine", **who})
        await world.platform.client.post("/v1/projects/default/provider-apps", json={**app, "externalRef": str(number)})
        crm = MANIFEST["integrations"][0]
        source = {**MANIFEST, "integrations": [crm | {"displayName": str(number)}, crm | {"name": f"crm-{number}"}]}
        await send("PUT", "/integrations:batch", 200, json={"sourceYaml": yaml.safe_dump(source)})
        await deliver(world.platform, f"msg_{number}")
        invite = {"email": f"guest-{number}@example.com"}
        for path, new in (
            (f"/v1/orgs/{org}/invites", invite),
            ("/v1/projects", {"appName": "App", "name": f"project-{number}", "orgId": org}),
        ):
            answer = await world.client.post(path, json=new, headers=owner)
            assert answer.status_code == 201, answer.text
        await make_builder(world.database, f"builder-{number}", org)
    domain = {"domain": "olga@example.com", "parentId": org, "parentType": "org"}
    answer = await world.client.post("/v1/claimed-domains", json=domain, headers=owner)
    assert answer.status_code == 201, answer.text
    for kind in ("connection.created", "connection.error", "installation.created")[:count]:
        route = {"eventType": kind, "topicId": topic}
        await send("POST", "/notification-event-topic-routes", 201, json=route)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The statements that are executed meanwhile."""
    seen: list[str] = []

    def record(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", record)
    try:
        yield seen
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", record)


async def cost_of(world: World, name: str, path: str) -> int:
    """The queries of a request, and one more where who is calling has to be looked up again."""
    with statements(world.database) as seen:
        await fetch(world, name, path)
    return len(seen)


async def fetch(world: World, name: str, path: str) -> httpx.Response:
    answer = await world.client.get(path, headers=credential(world, name))
    assert answer.status_code == 200, f"{name}: {answer.text}"
    return answer


async def test_pages_make_up_the_whole_list(world: World) -> None:
    await grow(world, 0, 2)
    for name, path in (await lists(world)).items():
        whole = (await fetch(world, name, path)).json()
        assert len(whole) >= (1 if name in UNGROWN else 2), name
        paged, following = [], httpx.URL(path).copy_merge_params({"pageSize": "1"})
        for _ in whole:
            page = await fetch(world, name, str(following))
            assert len(page.json()) == 1, name
            paged += page.json()
            following = following.join(page.links["next"]["url"])
            assert following.params["pageToken"] == page.headers["X-Next-Page-Token"]
        assert paged == whole, name
        after = await fetch(world, name, str(following))
        assert after.json() == []
        assert "Link" not in after.headers
        assert "Link" not in (await fetch(world, name, path)).headers


async def test_a_list_takes_as_many_queries_when_it_is_long(world: World) -> None:
    await grow(world, 0, 1)
    found = await lists(world)
    few: dict[str, int] = {}
    for round_, counts in enumerate((few, {})):
        if round_:
            await grow(world, 1, 5)
        for name, path in found.items():
            counts[name] = min([await cost_of(world, name, path) for _ in range(2)])
        assert max(counts.values()) <= 4, counts
        assert counts == few


@pytest.mark.parametrize("query", ["pageSize=0", f"pageSize={LARGEST_SIZE + 1}", "pageSize=x", "pageToken=x"])
async def test_pages_that_are_none_are_refused(world: World, query: str) -> None:
    for name, path in (await lists(world)).items():
        answer = await world.client.get(
            httpx.URL(f"{path}{'&' if '?' in path else '?'}{query}"), headers=credential(world, name)
        )
        assert answer.status_code == 400, name
        (issue,) = answer.json()["issues"]
        assert (issue["in"], issue["name"]) == ("query", query.partition("=")[0])


async def test_a_token_is_good_for_its_own_list_alone(world: World) -> None:
    first = await world.client.get("/v1/projects/default/connections?pageSize=1")
    token = first.headers["X-Next-Page-Token"]
    for path in ("/v1/projects/default/integrations?", "/v1/projects/default/connections?groupRef=acme&"):
        assert (await world.client.get(f"{path}pageToken={token}")).status_code == 400
    own, *others = await asyncio.gather(
        *(world.client.get(f"/v1/projects/{name}/connections?pageToken={token}") for name in ("default", "other"))
    )
    assert own.status_code == 200
    assert {each.status_code for each in others} <= {400, 404}
