"""The catalog over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from conjunct.core.database import Database
from conjunct.providers import catalog
from tests.support.platform import running_platform
from tests.support.specification import require_specification


@pytest.fixture
async def client(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client without any credential, whose answers are checked against the specification."""
    async with running_platform(database, tmp_path, worker=False) as platform:
        del platform.client.headers["X-Api-Key"]
        yield platform.client


def test_answers_are_checked_against_the_specification() -> None:
    require_specification()


async def test_anybody_may_list_the_providers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/providers")
    assert answer.status_code == 200
    assert sorted(answer.json()) == list(catalog().names())
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_one_provider_is_as_in_the_list(client: httpx.AsyncClient) -> None:
    every = (await client.get("/v1/providers")).json()
    for name in [*catalog().names()][::12]:
        answer = await client.get(f"/v1/providers/{name}")
        assert answer.status_code == 200
        assert answer.json() == every[name]
        assert answer.json()["name"] == name


@pytest.mark.parametrize("path", ["/v1/providers", "/v1/providers/hubspot"])
async def test_what_is_known_is_not_sent_again(client: httpx.AsyncClient, path: str) -> None:
    first = await client.get(path)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = await client.get(path, headers={"If-None-Match": known, "Origin": "https://app.example.com"})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == first.headers["cache-control"]
        assert again.headers["access-control-allow-origin"] == "*"
    for other in ('"other"', tag.strip('"'), ""):
        again = await client.get(path, headers={"If-None-Match": other})
        assert (again.status_code, again.content) == (200, first.content)


async def test_every_document_has_a_tag_of_its_own(client: httpx.AsyncClient) -> None:
    some = [*catalog().names()][::12]
    paths = ["/v1/providers", *(f"/v1/providers/{name}" for name in some)]
    tags = {(await client.get(path)).headers["etag"] for path in paths}
    assert len(tags) == len(paths)


@pytest.mark.parametrize("name", ["nosuch", "HubSpot", "hubspot%2F..", "x" * 300])
async def test_an_unknown_provider_is_a_404(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/v1/providers/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "cache-control" not in answer.headers


async def test_a_near_name_is_proposed(client: httpx.AsyncClient) -> None:
    problem = (await client.get("/v1/providers/hubspt")).json()
    assert problem["type"].endswith("/unknown-provider")
    assert "hubspot" in problem["remedy"]


async def test_a_bad_credential_does_no_harm(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/providers", headers={"X-Api-Key": "wrong", "Authorization": "Bearer wrong"})
    assert answer.status_code == 200
