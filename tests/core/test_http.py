"""Every error is an RFC 9457 problem; bodies are limited in depth."""

from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from conjunct.core.http import api_router, problems_as_json
from conjunct.core.problem_responses import install_problem_handlers
from conjunct.core.problems import Issue, Unprocessable
from tests.support.servers import serve


class Body(BaseModel):
    name: str
    apiKey: str = ""  # noqa: N815
    nested: object = None


@pytest.fixture
async def client():
    app = FastAPI()
    install_problem_handlers(app)
    router = api_router()

    @router.post("/echo/{number}")
    async def echo(number: int, body: Body) -> dict[str, object]:
        if body.name == "crash":
            raise RuntimeError("an inner secret")
        if body.name == "database gone":
            raise asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress")
        if body.name == "refuse":
            raise Unprocessable(
                "No.", remedy="Say yes.", issues=[Issue("name", "is no", value="refuse", line=3, column=1)]
            )
        return {"number": number, "name": body.name}

    @router.post("/plain/{name}", responses=problems_as_json(400, 500))
    async def plain(name: str, body: Body) -> None:
        if name == "crash":
            raise RuntimeError("an inner secret")
        raise Unprocessable("No.")

    app.include_router(router, prefix="/under")
    app.include_router(router)
    async with serve(app) as client:
        yield client


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["time"].endswith("Z")
    return body


async def test_all_faults_are_told_at_once(client: httpx.AsyncClient) -> None:
    body = problem(await client.post("/echo/x", json={"apiKey": 5}), 400)
    assert {(issue["in"], issue["name"]) for issue in body["issues"]} == {
        ("path", "number"),
        ("body", "name"),
        ("body", "apiKey"),
    }
    assert all("value" not in issue for issue in body["issues"] if issue["name"] == "apiKey")


async def test_a_document_that_was_encoded_twice_is_not_repeated(client: httpx.AsyncClient) -> None:
    answer = await client.post("/echo/1", json='{"name": "n", "apiKey": "planted-s3cret"}')
    problem(answer, 400)
    assert "planted" not in answer.text


async def test_a_problem_carries_its_remedy_and_issues(client: httpx.AsyncClient) -> None:
    body = problem(await client.post("/echo/1", json={"name": "refuse"}), 422)
    assert body["remedy"] == "Say yes."
    assert body["issues"] == [
        {"in": "body", "name": "name", "detail": "is no", "value": "refuse", "context": {"line": 3, "column": 1}}
    ]


async def test_broken_json_says_where(client: httpx.AsyncClient) -> None:
    body = problem(await client.post("/echo/1", content=b'{"name": \n oops}'), 400)
    assert "line 2" in body["detail"]


@pytest.mark.parametrize("opening", ["[", '{"a":'])
async def test_deep_nesting_is_refused(client: httpx.AsyncClient, opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    deep = opening * 70 + "1" + closing * 70
    body = problem(await client.post("/echo/1", content=f'{{"name": "x", "nested": {deep}}}'), 400)
    assert "64" in body["detail"]
    far_too_deep = opening * 100_000 + "1" + closing * 100_000
    problem(await client.post("/echo/1", content=far_too_deep), 400)


@pytest.mark.parametrize("where", ["name", "nested"])
async def test_nul_in_a_body_is_refused(client: httpx.AsyncClient, where: str) -> None:
    body = problem(await client.post("/echo/1", json={"name": "x", where: "a\x00b"}), 400)
    assert "NUL" in body["detail"]


async def test_a_backslash_before_u0000_is_plain_text(client: httpx.AsyncClient) -> None:
    response = await client.post("/echo/1", json={"name": r"a\u0000"})
    assert response.status_code == 200


@pytest.mark.parametrize("address", ["/echo/%00", "/echo/1?x=%00"])
async def test_nul_in_an_address_is_refused(client: httpx.AsyncClient, address: str) -> None:
    body = problem(await client.post(address, json={"name": "x"}), 400)
    assert "NUL" in body["detail"]


async def test_wide_is_not_deep(client: httpx.AsyncClient) -> None:
    wide: list[list[object]] = [[] for _ in range(1000)]
    response = await client.post("/echo/1", json={"name": "x", "nested": wide})
    assert response.json() == {"number": 1, "name": "x"}


async def test_an_unexpected_error_shows_nothing_of_the_inside(client: httpx.AsyncClient) -> None:
    response = await client.post("/echo/1", json={"name": "crash"})
    problem(response, 500)
    assert "secret" not in response.text


async def test_a_database_that_goes_away_is_told_as_such(client: httpx.AsyncClient) -> None:
    body = problem(await client.post("/echo/1", json={"name": "database gone"}), 503)
    assert body["retryable"] is True


async def test_unknown_paths_and_methods_are_problems(client: httpx.AsyncClient) -> None:
    problem(await client.get("/nowhere"), 404)
    problem(await client.get("/echo/1"), 405)


async def test_a_form_is_not_json(client: httpx.AsyncClient) -> None:
    body = problem(await client.post("/echo/1", data={"name": "x"}), 400)
    assert body["remedy"] == "Send the header Content-Type: application/json."


async def test_a_missing_body_is_told(client: httpx.AsyncClient) -> None:
    problem(await client.post("/echo/1"), 400)


@pytest.mark.parametrize("prefix", ["", "/under"])
async def test_an_operation_may_say_that_some_of_its_problems_are_plain_json(
    client: httpx.AsyncClient, prefix: str
) -> None:
    requests: list[tuple[str, dict[str, Any], int, str]] = [
        ("x", {"content": b"{"}, 400, "application/json"),
        ("x", {"json": {}}, 400, "application/json"),
        ("crash", {"json": {"name": "x"}}, 500, "application/json"),
        ("x", {"json": {"name": "x"}}, 422, "application/problem+json"),
    ]
    for name, options, status, media_type in requests:
        answer = await client.post(f"{prefix}/plain/{name}", **options)
        assert (answer.status_code, answer.headers["content-type"]) == (status, media_type)
        assert answer.json().keys() >= {"type", "title", "status", "detail", "time"}
