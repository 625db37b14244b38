"""GET /connections: filters, one query however many there are, and nothing secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import event

from conjunct.core.database import Database
from tests.connections.conftest import World
from tests.connections.making import SECRET, make

URL = "/v1/projects/acme/connections"


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The statements that are executed meanwhile."""
    seen: list[str] = []

    def record(_connection, _cursor, statement: str, *_rest) -> None:
        seen.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", record)
    try:
        yield seen
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", record)


async def test_none_is_an_empty_list(client: httpx.AsyncClient) -> None:
    assert (await client.get(URL)).json() == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "abcd"),
        ({"provider": "keyed"}, "acd"),
        ({"groupRef": "g-1"}, "abd"),
        ({"consumerRef": "c-2"}, "bd"),
        ({"provider": "keyed", "groupRef": "g-1"}, "ad"),
        ({"groupRef": "g-1", "consumerRef": "c-2"}, "bd"),
        ({"provider": "keyed", "groupRef": "g-1", "consumerRef": "c-2"}, "d"),
        ({"provider": "salesforce"}, ""),
        ({"groupRef": "g-3"}, ""),
        ({"consumerRef": "c-3"}, ""),
        ({"groupRef": ""}, ""),
        ({"groupRef": "g-1' OR true --"}, ""),
        ({"unheardOf": "x"}, "abcd"),
    ],
)
async def test_filters_narrow_and_the_oldest_comes_first(
    client: httpx.AsyncClient, query: dict[str, str], expected: str
) -> None:
    made = {
        (await make(client, "keyed", group="g-1", consumer="c-1"))["id"]: "a",
        (await make(client, "guarded", group="g-1", consumer="c-2"))["id"]: "b",
        (await make(client, "keyed", group="g-2", consumer="c-1"))["id"]: "c",
        (await make(client, "keyed", group="g-1", consumer="c-2"))["id"]: "d",
    }
    response = await client.get(URL, params=query)
    assert "".join(made[connection["id"]] for connection in response.json()) == expected


async def test_lists_show_no_secret(client: httpx.AsyncClient) -> None:
    for provider in ("keyed", "guarded", "hubspot"):
        await make(client, provider)
    response = await client.get(URL, params={"includeCreds": "true", "includeRefreshToken": "true"})
    assert len(response.json()) == 3
    assert SECRET not in response.text


async def test_nul_in_a_filter_is_refused(client: httpx.AsyncClient) -> None:
    for name in ("provider", "groupRef", "consumerRef"):
        assert (await client.get(f"{URL}?{name}=a%00b")).status_code == 400


async def test_a_list_is_one_statement_for_one_or_for_many(client: httpx.AsyncClient, world: World) -> None:
    await make(client, "keyed")
    with statements(world.database) as few:
        await client.get(URL)
    for number in range(20):
        await make(client, "keyed", group=f"g-{number}", consumer=f"c-{number}")
    with statements(world.database) as many:
        assert len((await client.get(URL)).json()) == 21
    assert len(few) == len(many) == 1


async def test_projects_do_not_see_each_other(client: httpx.AsyncClient, world: World) -> None:
    mine = await make(client, "keyed")
    theirs = {"X-Api-Key": world.other.api_key}
    assert (await client.get("/v1/projects/rival/connections", headers=theirs)).json() == []
    other = await make(client, "keyed", project="rival", api_key=world.other.api_key)
    assert [found["id"] for found in (await client.get(URL)).json()] == [mine["id"]]
    listed = await client.get("/v1/projects/rival/connections", params={"groupRef": "g-1"}, headers=theirs)
    assert [found["id"] for found in listed.json()] == [other["id"]]
    assert (await client.get(URL, headers=theirs)).status_code == 404
