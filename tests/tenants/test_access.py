"""Who gets in: API keys, their scopes, and the one project that each opens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import delete, update

from conjunct.core.database import Database
from conjunct.core.encryption import Keyring, new_key
from conjunct.core.http import api_router
from conjunct.core.problem_responses import install_problem_handlers
from conjunct.core.problems import Unauthorized
from conjunct.tenants import Authenticator, CallerDep, FrontendProjectId, NewProject, ProjectId, ProjectKeys
from conjunct.tenants.credentials import digest_of
from conjunct.tenants.models import ApiKeyRow
from tests.support.servers import serve
from tests.support.tenants import make_key, make_project


@pytest.fixture
def keys() -> ProjectKeys:
    return ProjectKeys(Keyring({"m1": new_key()}, current="m1"))


@pytest.fixture
async def project(database: Database, keys: ProjectKeys) -> NewProject:
    return await make_project(database, keys, "acme")


@pytest.fixture
async def client(database: Database, project: NewProject) -> AsyncIterator[httpx.AsyncClient]:
    router = api_router()

    @router.get("/projects/{projectIdOrName}/full")
    async def full(project_id: ProjectId) -> str:
        return project_id

    @router.get("/projects/{projectIdOrName}/frontend")
    async def frontend(project_id: FrontendProjectId) -> str:
        return project_id

    @router.get("/me")
    async def me(caller: CallerDep) -> list[str]:
        return sorted(caller.scopes)

    app = FastAPI()
    install_problem_handlers(app)
    app.include_router(router)
    app.state.authenticator = Authenticator(database)
    async with serve(app) as client:
        yield client


async def switch_off(database: Database, api_key: str) -> None:
    async with database.transaction() as session:
        await session.execute(update(ApiKeyRow).where(ApiKeyRow.digest == digest_of(api_key)).values(active=False))


async def get(client: httpx.AsyncClient, path: str, api_key: str | None) -> httpx.Response:
    return await client.get(path, headers={} if api_key is None else {"X-Api-Key": api_key})


async def test_a_project_opens_by_id_and_by_name(client: httpx.AsyncClient, project: NewProject) -> None:
    for name in (project.project_id, "acme"):
        for surface in ("full", "frontend"):
            response = await get(client, f"/projects/{name}/{surface}", project.api_key)
            assert response.json() == project.project_id


@pytest.mark.parametrize("api_key", [None, "", "cj_unknown", "x" * 10_000])
async def test_without_a_good_key_nobody_gets_in(client: httpx.AsyncClient, api_key: str | None) -> None:
    for path in ("/projects/acme/full", "/projects/acme/frontend", "/projects/nothing/full", "/me"):
        response = await get(client, path, api_key)
        assert response.status_code == 401
        assert "X-Api-Key" in response.json()["remedy"]


async def test_an_inactive_key_is_as_good_as_an_unknown_one(
    client: httpx.AsyncClient, database: Database, project: NewProject
) -> None:
    inactive = await make_key(database, project, "full", active=False)
    answers = [(await get(client, "/me", key)).json() for key in (inactive, "cj_unknown")]
    assert answers[0]["status"] == 401
    assert answers[0]["detail"] == answers[1]["detail"]


@pytest.mark.parametrize(
    ("scopes", "full", "frontend"),
    [(["full"], 200, 200), (["frontend"], 403, 200), (["full", "frontend"], 200, 200), ([], 403, 403)],
)
async def test_full_includes_frontend(
    client: httpx.AsyncClient, database: Database, project: NewProject, scopes: list[str], full: int, frontend: int
) -> None:
    api_key = await make_key(database, project, *scopes)
    assert (await get(client, "/projects/acme/full", api_key)).status_code == full
    assert (await get(client, "/projects/acme/frontend", api_key)).status_code == frontend
    assert (await get(client, "/me", api_key)).json() == sorted(scopes)


async def test_another_project_and_none_at_all_are_told_apart_by_nothing(
    client: httpx.AsyncClient, database: Database, keys: ProjectKeys, project: NewProject
) -> None:
    other = await make_project(database, keys, "rival")
    for surface in ("full", "frontend"):
        answers = []
        for name in ("rival", other.project_id, "nothing", "ACME", "acme%00"):
            response = await get(client, f"/projects/{name}/{surface}", project.api_key)
            if name == "acme%00":
                assert response.status_code == 400
                continue
            assert response.status_code == 404
            problem = response.json()
            answers.append((problem["type"], problem["detail"].replace(repr(name), "…"), problem["remedy"]))
        assert len(set(answers)) == 1
    assert (await get(client, f"/projects/{other.project_id}/full", other.api_key)).json() == other.project_id


async def test_a_key_is_remembered_for_a_moment_and_forgotten_on_demand(
    database: Database, project: NewProject
) -> None:
    authenticator = Authenticator(database)
    caller = await authenticator.authenticate(api_key=project.api_key)
    assert (caller.project_id, caller.project_name) == (project.project_id, "acme")
    await switch_off(database, project.api_key)
    assert await authenticator.authenticate(api_key=project.api_key) is caller
    authenticator.forget()
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(api_key=project.api_key)


async def test_what_is_remembered_ends_by_itself(
    database: Database, project: NewProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conjunct.tenants.access._CACHE_SECONDS", 0.0)
    authenticator = Authenticator(database)
    await authenticator.authenticate(api_key=project.api_key)
    async with database.transaction() as session:
        await session.execute(delete(ApiKeyRow))
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(api_key=project.api_key)


async def test_what_is_being_looked_up_while_all_is_forgotten_is_not_remembered(
    database: Database, project: NewProject
) -> None:
    authenticator = Authenticator(database)
    looking_up = asyncio.create_task(authenticator.authenticate(api_key=project.api_key))
    await asyncio.sleep(0)
    authenticator.forget()
    assert not looking_up.done()
    await looking_up
    await switch_off(database, project.api_key)
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(api_key=project.api_key)


async def test_an_unknown_key_is_not_remembered(database: Database, project: NewProject) -> None:
    authenticator = Authenticator(database)
    late = await make_key(database, project, "full", active=False)
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(api_key=late)
    async with database.transaction() as session:
        await session.execute(update(ApiKeyRow).where(ApiKeyRow.digest == digest_of(late)).values(active=True))
    assert (await authenticator.authenticate(api_key=late)).project_id == project.project_id


async def test_memory_is_bounded_and_the_latest_stay(
    database: Database, project: NewProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conjunct.tenants.access._CACHE_SIZE", 2)
    authenticator = Authenticator(database)
    first, second, third = [await make_key(database, project, "full") for _ in range(3)]
    for api_key in (first, second, third):
        await authenticator.authenticate(api_key=api_key)
    for api_key in (first, second, third):
        await switch_off(database, api_key)
    await authenticator.authenticate(api_key=second)
    await authenticator.authenticate(api_key=third)
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(api_key=first)
