"""The limits of requests are the same everywhere, and whoever is beyond one is told which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

from conjunct.core.http import MAX_JSON_DEPTH
from conjunct.core.paging import LARGEST_SIZE
from conjunct.kit import page_tokens
from tests.api.access import ACCESS, credential, good_path
from tests.api.world import World

JSON = {"Content-Type": "application/json"}
BODIES = [(method, path) for (method, path), operation in ACCESS.items() if operation.takes_body]


async def paged(world: World) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Method and path of everything that has pages, with the schemas of its query parameters."""
    document = (await world.client.get("/v1/openapi.json")).json()
    found = (
        (
            (method.upper(), path),
            {each["name"]: each["schema"] for each in operation.get("parameters", ()) if each["in"] == "query"},
        )
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if isinstance(operation, dict)
    )
    return ((key, parameters) for key, parameters in found if "pageSize" in parameters)


def bounds(schema: dict[str, Any]) -> set[tuple[Any, Any]]:
    choices = schema.get("anyOf", [schema])
    return {(each.get("minimum"), each.get("maximum")) for each in choices if each.get("type") == "integer"}


async def test_every_page_has_the_same_bounds(world: World) -> None:
    seen = {key: bounds(parameters["pageSize"]) for key, parameters in await paged(world)}
    assert len(seen) >= 10
    assert {key: each for key, each in seen.items() if each != {(1, LARGEST_SIZE)}} == {}


BEYOND = [
    ("pageSize", "0"),
    ("pageSize", "-1"),
    ("pageSize", str(LARGEST_SIZE + 1)),
    ("pageSize", "9" * 30),
    ("pageSize", "many"),
    ("pageSize", "1.5"),
    ("pageToken", "nonsense"),
    ("pageToken", "x" * (page_tokens.MAX_LENGTH + 1)),
]


async def test_a_page_beyond_its_bounds_is_refused_by_name(world: World) -> None:
    for (method, path), _ in await paged(world):
        for name, value in BEYOND:
            body = {"json": ACCESS[method, path].body} if method == "POST" else {}
            answer = await send(world, method, path, params={name: value}, **body)
            assert answer.status_code == 400, f"{path}?{name}={value[:50]}: {answer.text}"
            assert_told(answer, name, "query")


async def send(world: World, method: str, path: str, **options: Any) -> httpx.Response:
    """The answer to a request with a credential that passes."""
    world.client.headers.pop("X-Api-Key", None)
    headers = {**options.pop("headers", {}), **credential(world, ACCESS[method, path].access)}
    return await world.client.request(method, good_path(world, path), headers=headers, **options)


def assert_told(answer: httpx.Response, name: str, where: str) -> None:
    assert [(issue["in"], issue["name"]) for issue in answer.json()["issues"]] == [(where, name)], answer.text
    assert answer.json()["issues"][0]["detail"]


async def test_every_body_may_nest_so_deep_and_no_deeper(world: World) -> None:
    deepest = b'{"unknown": ' * MAX_JSON_DEPTH + b"1" + b"}" * MAX_JSON_DEPTH
    for method, path in BODIES:
        answer = await send(world, method, path, content=b'{"unknown": ' + deepest + b"}", headers=JSON)
        assert answer.status_code == 400, f"{path}: {answer.text}"
        assert f"{MAX_JSON_DEPTH} levels" in answer.text
        if not answer.headers["content-type"].startswith("text/plain"):  # which has no more to say
            assert_told(answer, "", "body")
        answer = await send(world, method, path, content=deepest, headers=JSON)
        assert "levels" not in answer.text


async def test_every_body_may_be_so_large_and_no_larger(world: World) -> None:
    limit = world.platform.settings.max_body_bytes
    content = b'{"a": "%s"}' % (b"x" * limit)
    for method, path in BODIES:
        answer = await send(world, method, path, content=content, headers=JSON)
        assert answer.status_code == 413, f"{path}: {answer.text[:300]}"
        assert f"{limit:,} bytes" in answer.json()["detail"]
        assert_told(answer, "", "body")
