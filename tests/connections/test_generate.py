"""POST /connections:generate takes exactly the credentials and inputs that the provider needs."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.connections.conftest import World
from tests.connections.making import SECRET
from tests.support.specification import require_specification, specification

URL = "/v1/projects/acme/connections:generate"
WHO = {"groupRef": "g-1", "groupName": "Group One", "consumerRef": "c-1", "consumerName": "Ann"}


def body(provider: str, **more: Any) -> dict[str, Any]:
    return {**WHO, "provider": provider, **more}


async def generate(client: httpx.AsyncClient, provider: str, **more: Any) -> dict[str, Any]:
    response = await client.post(URL, json=body(provider, **more))
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def refused(client: httpx.AsyncClient, status: int, payload: Any) -> dict[str, Any]:
    response = await client.post(URL, json=payload)
    assert response.status_code == status, response.text
    assert SECRET not in response.text
    assert (await client.get("/v1/projects/acme/connections")).json() == []
    problem: dict[str, Any] = response.json()
    return problem


def names(problem: dict[str, Any]) -> set[str]:
    return {issue["name"] for issue in problem.get("issues", [])}


def test_every_answer_here_is_held_against_the_specification() -> None:
    require_specification()
    assert specification() is not None


async def test_a_connection_by_api_key(client: httpx.AsyncClient, world: World) -> None:
    made = await generate(client, "keyed", apiKey=SECRET)
    assert set(made) == {
        "id", "projectId", "provider", "group", "consumer", "createTime", "updateTime", "authScheme", "status",
    }  # fmt: skip
    assert (made["projectId"], made["provider"]) == (world.project.project_id, "keyed")
    assert (made["authScheme"], made["status"]) == ("apiKey", "created")
    assert made["createTime"] == made["updateTime"]
    assert made["group"]["groupRef"] == "g-1"
    assert made["group"]["groupName"] == "Group One"
    assert made["group"]["projectId"] == world.project.project_id
    assert made["consumer"]["consumerRef"] == "c-1"
    assert made["consumer"]["consumerName"] == "Ann"
    assert (await client.get("/v1/projects/acme/connections")).json() == [made]


async def test_names_default_to_refs_and_new_names_rename(client: httpx.AsyncClient) -> None:
    unnamed = {"groupRef": "g-1", "consumerRef": "c-1", "provider": "keyed", "apiKey": SECRET}
    first = (await client.post(URL, json=unnamed)).json()
    assert (first["group"]["groupName"], first["consumer"]["consumerName"]) == ("g-1", "c-1")
    named = (await client.post(URL, json=body("keyed", apiKey=SECRET))).json()
    again = (await client.post(URL, json=unnamed)).json()
    assert named["group"]["groupName"] == again["group"]["groupName"] == "Group One"
    assert named["consumer"]["consumerName"] == again["consumer"]["consumerName"] == "Ann"
    assert again["group"]["createTime"] == first["group"]["createTime"]


async def test_the_project_is_named_by_id_too(client: httpx.AsyncClient, world: World) -> None:
    url = f"/v1/projects/{world.project.project_id}/connections:generate"
    assert (await client.post(url, json=body("keyed", apiKey=SECRET))).status_code == 201


@pytest.mark.parametrize(
    ("provider", "credentials", "scheme"),
    [
        ("keyed", {"apiKey": SECRET}, "apiKey"),
        ("guarded", {"basicAuth": {"username": "ann", "password": SECRET}}, "basic"),
        ("guarded", {"basicAuth": {"username": "ann", "password": ""}}, "basic"),
        ("halved", {"apiKey": SECRET}, "basic"),
        ("halved", {"basicAuth": {"username": SECRET, "password": ""}}, "basic"),
        ("hubspot", {"oauth2AuthorizationCode": {"accessToken": {"token": SECRET}}}, "oauth2/authorizationCode"),
        ("proven", {"oauth2AuthorizationCode": {"accessToken": {"token": SECRET}}}, "oauth2/authorizationCodePKCE"),
    ],
)
async def test_each_provider_takes_its_kind(
    client: httpx.AsyncClient, provider: str, credentials: dict[str, Any], scheme: str
) -> None:
    assert (await generate(client, provider, **credentials))["authScheme"] == scheme


TOKENS = {"accessToken": {"token": SECRET}}
BASIC = {"username": "ann", "password": SECRET}
CLIENT = {"clientId": "me", "clientSecret": SECRET}


@pytest.mark.parametrize(
    ("provider", "credentials", "remedy"),
    [
        ("keyed", {}, "apiKey"),
        ("keyed", {"basicAuth": BASIC}, "apiKey"),
        ("keyed", {"apiKey": SECRET, "basicAuth": BASIC}, "apiKey"),
        ("keyed", {"apiKey": SECRET, "customAuth": {"a": SECRET}}, "apiKey"),
        ("keyed", {"customAuth": {"a": SECRET}}, "apiKey"),
        ("guarded", {"apiKey": SECRET}, "basicAuth"),
        ("halved", {"oauth2AuthorizationCode": TOKENS}, "apiKey or basicAuth"),
        ("hubspot", {"apiKey": SECRET}, "made by hand"),
        ("hubspot", {"oauth2ClientCredentials": CLIENT}, "oauth2AuthorizationCode"),
        ("hubspot", {"oauth2PasswordCredentials": {**BASIC, **CLIENT}}, "oauth2AuthorizationCode"),
        ("machine", {"oauth2AuthorizationCode": TOKENS}, "oauth2ClientCredentials"),
        ("special", {"apiKey": SECRET}, "customAuth with seal"),
        ("stepped", {"customAuth": {"seal": SECRET}}, "/v1/custom-auth/connect"),
    ],
)
async def test_other_kinds_are_refused_with_what_would_do(
    client: httpx.AsyncClient, provider: str, credentials: dict[str, Any], remedy: str
) -> None:
    problem = await refused(client, 422, body(provider, **credentials))
    assert problem["type"].endswith("/unsupported-credentials")
    assert remedy in problem["remedy"]
    assert names(problem) <= set(credentials) or not credentials


@pytest.mark.parametrize(
    ("provider", "credentials", "missing"),
    [
        ("keyed", {"apiKey": ""}, "apiKey"),
        ("guarded", {"basicAuth": {"username": "", "password": SECRET}}, "basicAuth.username"),
        ("halved", {"basicAuth": {"username": "", "password": SECRET}}, "basicAuth.username"),
        ("hubspot", {"oauth2AuthorizationCode": {}}, "oauth2AuthorizationCode.accessToken.token"),
        (
            "hubspot",
            {"oauth2AuthorizationCode": {"refreshToken": {"token": SECRET}}},
            "oauth2AuthorizationCode.accessToken.token",
        ),
        (
            "hubspot",
            {"oauth2AuthorizationCode": {**TOKENS, "refreshToken": {"token": ""}}},
            "oauth2AuthorizationCode.refreshToken.token",
        ),
    ],
)
async def test_a_missing_part_is_named(
    client: httpx.AsyncClient, provider: str, credentials: dict[str, Any], missing: str
) -> None:
    assert names(await refused(client, 422, body(provider, **credentials))) == {missing}


async def test_a_key_that_would_break_a_header_is_refused(client: httpx.AsyncClient) -> None:
    problem = await refused(client, 422, body("keyed", apiKey=f"{SECRET}\r\nX-Evil: 1"))
    assert problem["type"].endswith("/unusable-credentials")
    assert names(problem) == {"apiKey"}


async def test_an_unknown_provider_is_told_with_near_ones(client: httpx.AsyncClient) -> None:
    problem = await refused(client, 422, body("hubspott", apiKey=SECRET))
    assert names(problem) == {"provider"}
    assert "hubspot" in problem["remedy"]


async def test_inputs_come_from_either_place_and_are_kept(client: httpx.AsyncClient) -> None:
    account = {"accountId": {"value": " 1234 ", "source": "input", "displayName": "Account"}}
    made = await generate(client, "placed", apiKey=SECRET, providerWorkspaceRef=" acme ", providerMetadata=account)
    assert made["providerWorkspaceRef"] == "acme"
    assert made["providerMetadata"] == {"accountId": {"value": "1234", "source": "input", "displayName": "Account"}}
    both = {**account, "workspace": {"value": "acme", "source": "input"}, "note": {"value": "x", "source": "token"}}
    made = await generate(client, "placed", apiKey=SECRET, providerMetadata=both)
    assert made["providerWorkspaceRef"] == made["providerMetadata"]["workspace"]["value"] == "acme"
    assert made["providerMetadata"]["note"] == {"value": "x", "source": "token"}
    made = await generate(client, "placed", apiKey=SECRET, providerWorkspaceRef="first", providerMetadata=both)
    assert made["providerWorkspaceRef"] == made["providerMetadata"]["workspace"]["value"] == "first"


async def test_every_missing_input_is_an_issue(client: httpx.AsyncClient) -> None:
    problem = await refused(client, 422, body("placed", apiKey=SECRET, providerWorkspaceRef=""))
    assert names(problem) == {"providerWorkspaceRef", "providerMetadata.accountId.value"}
    hints = {issue["name"]: issue.get("remedy") for issue in problem["issues"]}
    assert hints["providerWorkspaceRef"] == "acme in acme.example.com"


@pytest.mark.parametrize(
    "workspace", ["evil.com/", "evil.com#", "a@evil.com", "acme..", "acme\\", "a b", "acme?x=", "[::1]"]
)
async def test_a_workspace_cannot_lead_to_another_host(client: httpx.AsyncClient, workspace: str) -> None:
    account = {"accountId": {"value": "1234", "source": "input"}}
    payload = body("placed", apiKey=SECRET, providerWorkspaceRef=workspace, providerMetadata=account)
    assert names(await refused(client, 422, payload)) == {"providerWorkspaceRef"}


async def test_an_input_must_match_its_pattern(client: httpx.AsyncClient) -> None:
    account = {"accountId": {"value": "12x4", "source": "input"}}
    payload = body("placed", apiKey=SECRET, providerWorkspaceRef="acme", providerMetadata=account)
    assert names(await refused(client, 422, payload)) == {"providerMetadata.accountId.value"}


FAULTS: list[tuple[dict[str, Any], set[str]]] = [
    ({"groupRef": None}, {"groupRef"}),
    ({"groupRef": ""}, {"groupRef"}),
    ({"groupRef": 5, "consumerRef": ["c"], "provider": {}}, {"groupRef", "consumerRef", "provider"}),
    ({"groupRef": "x" * 513}, {"groupRef"}),
    ({"groupName": "x" * 100_000}, {"groupName"}),
    ({"apiKey": 12345}, {"apiKey"}),
    ({"apiKey": SECRET * 10_000}, {"apiKey"}),
    ({"basicAuth": {"username": SECRET}}, {"basicAuth.password"}),
    ({"basicAuth": SECRET}, {"basicAuth"}),
    ({"customAuth": SECRET}, {"customAuth"}),
    ({"oauth2AuthorizationCode": {"accessToken": SECRET}}, {"oauth2AuthorizationCode.accessToken"}),
    ({"providerMetadata": {"a": {"value": "x", "source": "guess"}}}, {"providerMetadata.a.source"}),
    ({"providerMetadata": {"a": "x"}}, {"providerMetadata.a"}),
]


@pytest.mark.parametrize(
    ("change", "where"), FAULTS, ids=lambda part: (str(sorted(part)) if isinstance(part, set) else str(part))[:40]
)
async def test_what_cannot_be_understood_is_refused_with_an_issue_for_each_fault(
    client: httpx.AsyncClient, change: dict[str, Any], where: set[str]
) -> None:
    payload = {**body("keyed", apiKey=SECRET), **change}
    assert names(await refused(client, 400, payload)) == where


@pytest.mark.parametrize(
    "change",
    [
        {"groupRef": "a\0b"},
        {"groupName": "a\0b"},
        {"consumerRef": "a\0b"},
        {"provider": "a\0b"},
        {"apiKey": f"{SECRET}\0"},
        {"providerWorkspaceRef": "a\0b"},
        {"providerMetadata": {"a\0b": {"value": "x", "source": "input"}}},
        {"oauth2AuthorizationCode": {"scopes": ["a\0b"]}},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_nul_is_refused_wherever_it_stands(client: httpx.AsyncClient, change: dict[str, Any]) -> None:
    await refused(client, 400, {**body("keyed", apiKey=SECRET), **change})


@pytest.mark.parametrize(
    "moment",
    [1_700_000_000, "1700000000", "2026-01-31", "2026-01-31T09:30:00", SECRET, "9999-12-31T23:59:59-12:00", True, {}],
)
async def test_a_time_needs_its_zone_and_a_place_in_time(client: httpx.AsyncClient, moment: Any) -> None:
    tokens = {"accessToken": {"token": SECRET, "expiresAt": moment}}
    problem = await refused(client, 400, body("hubspot", oauth2AuthorizationCode=tokens))
    assert names(problem) == {"oauth2AuthorizationCode.accessToken.expiresAt"}


@pytest.mark.parametrize("payload", [[], "text", 5, None, True])
async def test_only_an_object_will_do(client: httpx.AsyncClient, payload: Any) -> None:
    await refused(client, 400, payload)


async def test_another_project_is_not_found(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/projects/rival/connections:generate", json=body("keyed", apiKey=SECRET))
    assert response.status_code == 404
    assert (await client.get("/v1/projects/acme/connections")).json() == []


async def test_many_at_once_for_one_new_group_make_one_group(client: httpx.AsyncClient) -> None:
    made = await asyncio.gather(*(generate(client, "keyed", apiKey=f"{SECRET}-{number}") for number in range(10)))
    assert len({connection["id"] for connection in made}) == 10
    assert len({connection["group"]["createTime"] for connection in made}) == 1
