"""`Idempotency-Key`: a POST sent again is answered again, and done once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import select, text

from conjunct.core.database import Database
from conjunct.core.encryption import Keyring, new_key
from conjunct.core.http import DatabaseDep, Transaction, api_router
from conjunct.core.problem_responses import install_problem_handlers
from conjunct.core.problems import Unprocessable
from conjunct.kit.clock import ManualClock
from conjunct.tenants import Authenticator, NewProject, ProjectId, ProjectKeys
from conjunct.tenants.idempotency import IdempotencyService, idempotent
from conjunct.tenants.idempotency.models import IdempotencyKeyRow
from conjunct.tenants.idempotency.service import KEPT, LEASE
from tests.support.servers import serve
from tests.support.tenants import make_key, make_project


class Note(BaseModel):
    text: str


class Bench:
    """An application that keeps notes, on one transaction or on several."""

    def __init__(self, database: Database, project: NewProject, client: httpx.AsyncClient, clock: ManualClock) -> None:
        self.database = database
        self.project = project
        self.client = client
        self.clock = clock
        self.enter = asyncio.Event()
        self.go_on = asyncio.Event()

    async def post(self, key: str | None, note: str = "a", surface: str = "one", **headers: str) -> httpx.Response:
        given = {"X-Api-Key": self.project.api_key, **({} if key is None else {"Idempotency-Key": key}), **headers}
        return await self.client.post(f"/projects/acme/{surface}", json={"text": note}, headers=given)

    async def notes(self) -> list[str]:
        async with self.database.reading() as connection:
            return list((await connection.execute(text("SELECT note FROM notes ORDER BY note"))).scalars())

    async def keys(self) -> list[Any]:
        async with self.database.transaction() as session:
            return list((await session.scalars(select(IdempotencyKeyRow))).all())


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    keyring = Keyring({"m1": new_key()}, current="m1")
    project = await make_project(database, ProjectKeys(keyring), "acme")
    clock = ManualClock(datetime(2026, 1, 31, tzinfo=UTC))
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE notes (note text)"))
    router = api_router()
    insert = text("INSERT INTO notes VALUES (:note)")

    @router.post("/projects/{projectIdOrName}/one", status_code=201)
    async def one(_project: ProjectId, note: Note, session: Transaction) -> dict[str, str]:
        await session.execute(insert, {"note": note.text})
        if note.text == "refused":
            raise Unprocessable("No.")
        if note.text == "crash":
            raise RuntimeError("crash")
        if note.text == "slow":
            made.enter.set()
            await made.go_on.wait()
        return {"made": note.text}

    @router.post("/projects/{projectIdOrName}/several")
    async def several(_project: ProjectId, note: Note, opened: DatabaseDep) -> dict[str, str]:
        async with opened.transaction() as session:
            await session.execute(insert, {"note": note.text})
        return {"made": note.text}

    @router.get("/projects/{projectIdOrName}/one")
    async def get(_project: ProjectId) -> str:
        return "read"

    app = FastAPI(dependencies=[Depends(idempotent)])
    install_problem_handlers(app)
    app.include_router(router)
    app.state.database = database
    app.state.authenticator = Authenticator(database)
    app.state.idempotency = IdempotencyService(database, keyring, clock)
    async with serve(app) as client:
        made = Bench(database, project, client, clock)
        yield made
    async with database.transaction() as session:
        await session.execute(text("DROP TABLE notes"))


@pytest.mark.parametrize("surface", ["one", "several"])
async def test_a_repeat_gets_the_same_answer_and_does_nothing(bench: Bench, surface: str) -> None:
    first, second = [await bench.post("k1", surface=surface) for _ in range(2)]
    assert first.status_code == second.status_code == (201 if surface == "one" else 200)
    assert first.content == second.content
    assert first.headers["content-type"] == second.headers["content-type"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert await bench.notes() == ["a"]


async def test_without_a_key_every_request_counts(bench: Bench) -> None:
    for _ in range(2):
        assert (await bench.post(None)).status_code == 201
    assert await bench.notes() == ["a", "a"]
    assert await bench.keys() == []


async def test_another_request_with_the_same_key_is_refused(bench: Bench) -> None:
    await bench.post("k1")
    for answer in (await bench.post("k1", "b"), await bench.post("k1", surface="several")):
        assert answer.status_code == 422
        assert answer.json()["type"].endswith("/idempotency-key-reused")
        assert answer.json()["issues"][0]["in"] == "header"
    assert await bench.notes() == ["a"]


async def test_a_refused_request_may_be_sent_again(bench: Bench) -> None:
    for _ in range(2):
        assert (await bench.post("k1", "refused")).status_code == 422
    assert (await bench.post("k2", "crash")).status_code == 500
    assert await bench.keys() == []
    assert (await bench.post("k1", "mended")).status_code == 201
    assert await bench.notes() == ["mended"]


async def test_of_many_at_once_one_is_done(bench: Bench) -> None:
    first = asyncio.create_task(bench.post("k1", "slow"))
    await bench.enter.wait()
    others = await asyncio.gather(*(bench.post("k1", "slow") for _ in range(5)))
    assert {answer.status_code for answer in others} == {409}
    assert others[0].json()["retryable"] is True
    assert "Retry-After" in others[0].headers
    bench.go_on.set()
    assert (await first).status_code == 201
    assert (await bench.post("k1", "slow")).headers["Idempotency-Replayed"] == "true"
    assert await bench.notes() == ["slow"]


async def test_a_request_that_was_overtaken_undoes_itself(bench: Bench) -> None:
    late = asyncio.create_task(bench.post("k1", "slow"))
    await bench.enter.wait()
    bench.clock.advance(LEASE + timedelta(seconds=1))
    bench.go_on.set()
    overtaking = await bench.post("k1", "slow")
    answers = {overtaking.status_code, (await late).status_code}
    assert 201 in answers
    assert await bench.notes() == ["slow"]


async def test_what_a_killed_process_left_is_done_again_after_a_while(bench: Bench) -> None:
    await bench.post("k1")
    async with bench.database.transaction() as session:
        (row,) = (await session.scalars(select(IdempotencyKeyRow))).all()
        row.answer = None
    assert (await bench.post("k1")).status_code == 409
    bench.clock.advance(LEASE + timedelta(seconds=1))
    assert (await bench.post("k1", "b")).status_code == 422
    assert (await bench.post("k1")).status_code == 201


async def test_after_a_day_a_key_is_forgotten(bench: Bench) -> None:
    await bench.post("k1")
    bench.clock.advance(KEPT + timedelta(seconds=1))
    assert (await bench.post("k1", "b")).status_code == 201
    service: IdempotencyService = IdempotencyService(
        bench.database, Keyring({"m1": new_key()}, current="m1"), bench.clock
    )
    assert await service.sweep() == 0
    bench.clock.advance(KEPT + timedelta(seconds=1))
    assert await service.sweep() == 1
    assert await bench.keys() == []


async def test_one_caller_cannot_fetch_anothers_answer(bench: Bench) -> None:
    await bench.post("k1")
    other = await make_key(bench.database, bench.project, "frontend")
    assert (await bench.post("k1", **{"X-Api-Key": other})).status_code == 403
    assert (await bench.post("k1", **{"X-Api-Key": "cj_unknown"})).status_code == 401
    assert (await bench.post("k1", **{"X-Api-Key": ""})).status_code == 401


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
async def test_a_key_that_is_none_is_refused(bench: Bench, key: str) -> None:
    answer = await bench.post(key)
    assert answer.status_code == 400
    assert answer.json()["issues"][0]["name"] == "Idempotency-Key"
    assert await bench.notes() == []


async def test_reading_takes_no_key(bench: Bench) -> None:
    headers = {"X-Api-Key": bench.project.api_key, "Idempotency-Key": "k1"}
    assert (await bench.client.get("/projects/acme/one", headers=headers)).json() == "read"
    assert await bench.keys() == []


async def test_an_answer_is_sealed(bench: Bench) -> None:
    await bench.post("k1", "a planted secret")
    (row,) = await bench.keys()
    assert b"planted" not in row.answer
