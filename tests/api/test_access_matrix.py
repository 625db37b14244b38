"""Who gets in: every operation of the route table, with every kind of credential, answers as the table here says.

A route without a row in `tests.api.access` fails the first test, so that a new endpoint cannot go without.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from conjunct.app.api import create_api
from conjunct.core.settings import Settings
from tests.api.access import ACCESS, PROJECT, Access, Operation, good_path, parameters_of, routes
from tests.api.credentials import Credentials, make_credentials
from tests.api.faults import REFUSED, Faults
from tests.api.world import World

PASS = 0
COLUMNS: tuple[Access, ...] = ("frontend", "full", "key", "anybody known", "builder", "member", "owner")
TABLE: dict[str, tuple[int, ...]] = {
    #                                    frontend  full  key  known builder member owner
    "a key without a scope": (403, 403, 403, 403, 403, 403, 403),
    "a frontend key": (PASS, 403, 403, PASS, 403, 403, 403),
    "a frontend key beside an owner's token": (PASS, 403, 403, PASS, 403, 403, 403),
    "a full key": (PASS, PASS, PASS, PASS, 403, 403, 403),
    "a full key beside a bad token": (PASS, PASS, PASS, PASS, 403, 403, 403),
    "a full key of another project": (404, 404, PASS, PASS, 403, 403, 403),
    "a token of the group": (PASS, 403, 403, PASS, 403, 403, 403),
    "a token of another group": (PASS, 403, 403, PASS, 403, 403, 403),
    "a token of a group that is not there": (PASS, 403, 403, PASS, 403, 403, 403),
    "a token of another project": (404, 403, 403, PASS, 403, 403, 403),
    "an owner": (PASS, PASS, 403, PASS, PASS, PASS, PASS),
    "a member": (PASS, PASS, 403, PASS, PASS, PASS, 403),
    "a builder of another org": (404, 404, 403, PASS, PASS, 404, 404),
    "a builder without an org": (404, 404, 403, PASS, PASS, 404, 404),
}
"""What a kind of credential gets for operations of each kind of access. A customer's token passes `frontend`
operations, but things of another group are not there for it (404), and naming another group is forbidden (403)."""

AT_HOME = ("a full key", "a token of the group", "an owner")
"""Whose requests for what they may see succeed."""
EMPTY = ("/v1/orgs/{orgId}/billingAccount", "/v1/claimed-domains")
"""What nobody has."""
STRANGERS = ("a token of another group", "a token of a group that is not there")
BAD = [
    "none",
    "an empty key",
    "an unknown key",
    "a key that is off",
    "a key as a bearer token",
    "a key as basic authentication",
    "an unknown key beside an owner's token",
    "a token that has expired",
    "a token of more than 600 seconds",
    "a token of tomorrow",
    "a token without an end",
    "a token that ends never",
    "a token signed by another key",
    "a token whose key is off",
    "a token whose key is unknown",
    "a token whose key is a NUL",
    "a token whose key is half a character",
    "a token without a group",
    "a token without a consumer",
    "a token without a signature",
    "a token signed with the public key",
    "an unknown builder's token",
    "a builder's token that has expired",
    "a builder's token that was taken back",
]

UNKNOWN = "01a1fc1f-2015-76ce-8725-1ce13ba17028"
KEYED = [(method, path, each) for (method, path), each in ACCESS.items() if each.access not in ("open", "signed")]


@pytest.fixture(scope="module")
async def world(lasting_world: World) -> World:
    return lasting_world


@pytest.fixture(scope="module")
async def credentials(world: World) -> Credentials:
    return await make_credentials(world)


def test_every_route_has_its_row_in_the_access_table() -> None:
    nothing = cast("Any", SimpleNamespace(install=lambda _state: None))
    known = list(routes(create_api(Settings(), nothing)))
    assert set(known) == set(ACCESS)
    assert len(known) == len(set(known))


def test_every_kind_of_credential_has_its_row_in_the_table(credentials: Credentials) -> None:
    assert set(credentials.good) == set(TABLE)
    assert list(credentials.bad) == BAD
    assert {each.access for each in ACCESS.values()} <= {*COLUMNS, "open", "signed"}


@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_credential_opens_nothing(world: World, credentials: Credentials, kind: str) -> None:
    headers = credentials.bad[kind]()
    async with Faults(world) as faults:
        for method, path, operation in KEYED:
            await faults.expect({401}, method, good_path(world, path), credential=headers, **operation.request)


@pytest.mark.parametrize("kind", TABLE)
async def test_a_credential_does_what_the_table_says(world: World, credentials: Credentials, kind: str) -> None:
    headers = credentials.good[kind]()
    async with Faults(world) as faults:
        for method, path, operation in KEYED:
            expected = TABLE[kind][COLUMNS.index(operation.access)]
            if expected == PASS and operation.access == "frontend" and kind in STRANGERS:
                expected = refusal_of_a_stranger(path, operation)
            if expected == PASS:
                await gets_in(faults, world, method, path, operation, headers, succeeds=kind in AT_HOME)
                continue
            for where in places(world, path) if expected == 404 else [good_path(world, path)]:
                await faults.expect({expected}, method, where, credential=headers, **operation.request)


def refusal_of_a_stranger(path: str, operation: Operation) -> int:
    """What a customer's token of another group gets for a request that is about the group `acme`."""
    if {"connectionId", "installationId"} & set(parameters_of(path + operation.needs)):
        return 404
    names_a_group = "groupRef" in operation.needs or "groupRef" in (operation.body or {})
    return 403 if names_a_group else PASS


def places(world: World, path: str) -> list[str]:
    """The address, with the project by its name and by its id."""
    return [good_path(world, path, projectIdOrName=project) for project in ("default", world.project_id)]


async def gets_in(
    faults: Faults,
    world: World,
    method: str,
    path: str,
    operation: Operation,
    credential: dict[str, str],
    *,
    succeeds: bool,
) -> None:
    """The credential passes. What would change something is stopped after it: by unknown ids, or by a bad body."""
    if method == "GET":
        for where in places(world, path) if succeeds else [good_path(world, path)]:
            await faults.expect_passage(method, where, credential=credential, succeeds=succeeds and path not in EMPTY)
        return
    ids = {name: UNKNOWN for name in parameters_of(path) if name not in ("projectIdOrName", "orgId")}
    options: dict[str, Any] = {"json": [5]} if operation.takes_body else {}
    await faults.expect_passage(method, good_path(world, path, **ids), credential=credential, **options)


async def test_what_is_open_is_so_with_any_credential(world: World, credentials: Credentials) -> None:
    for (method, path), operation in ACCESS.items():
        if operation.access == "open":
            statuses = set()
            for headers in [each() for each in (*credentials.bad.values(), *credentials.good.values())]:
                world.client.headers.pop("X-Api-Key", None)
                answer = await world.client.request(method, good_path(world, path), headers=headers)
                statuses.add(answer.status_code)
            assert len(statuses) == 1, f"{method} {path}: {statuses}"


@pytest.mark.parametrize("kind", ["none", "a full key", "an owner"])
async def test_signed_links_open_nothing_without_their_signature(
    world: World, credentials: Credentials, kind: str
) -> None:
    queries = ("", "?expires=1&signature=00", f"?expires={2**40}&signature={'0' * 64}", "?expires=x")
    headers = {**credentials.bad, **credentials.good}[kind]()
    async with Faults(world) as faults:
        for (method, path), operation in ACCESS.items():
            if operation.access == "signed":
                for query in queries:
                    where = good_path(world, path) + query
                    await faults.expect(REFUSED, method, where, credential=headers, content=b"x")


async def test_another_projects_key_finds_none_of_our_things_in_its_own_project(world: World) -> None:
    headers = {"X-Api-Key": world.other.api_key}
    async with Faults(world) as faults:
        for method, path, operation in KEYED:
            if path.startswith(PROJECT + "/") and len(parameters_of(path)) > 1:
                for integration in ("crm", world.crm["id"]):
                    names = {"integrationId": integration, "integrationIdOrName": integration}
                    where = good_path(world, path, projectIdOrName="other", **names)
                    await faults.expect(REFUSED, method, where, credential=headers, **operation.request)
