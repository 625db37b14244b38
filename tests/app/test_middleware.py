"""What every request passes: its id, its surface by host or path, and the limit of its body."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from conjunct.core.database import Database
from tests.support.platform import Platform, running_platform

LIMIT = 2048
UPLOAD_LIMIT = 10 * 1024 * 1024
READ = "/projects/default/integrations/crm/objects/people"


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running_platform(database, tmp_path, worker=False, max_body_bytes=LIMIT) as platform:
        yield platform


@pytest.mark.parametrize("given", ["12345678", "a" * 64, "4bf92f35-77b3.4da6_a3ce"])
async def test_a_request_id_of_the_client_is_kept(platform: Platform, given: str) -> None:
    answer = await platform.client.get("/nowhere", headers={"X-Request-Id": given})
    assert answer.headers["x-request-id"] == given
    assert answer.json()["requestId"] == given


@pytest.mark.parametrize("given", [None, "", "short", "a" * 65, "white space", "semi;colon", "caf\xe9-caf\xe9"])
async def test_any_other_request_gets_an_id(platform: Platform, given: str | None) -> None:
    headers = [] if given is None else [(b"X-Request-Id", given.encode("latin-1"))]
    answer = await platform.client.get("/nowhere", headers=headers)
    made = answer.headers["x-request-id"]
    assert made != given
    assert UUID(made).version == 7
    assert answer.json()["requestId"] == made
    assert answer.json()["instance"] == f"urn:uuid:{made}"


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("example.com", f"/read/v1{READ}"),
        ("api.example.com", f"/read/v1{READ}"),
        ("read.example.com", f"/v1{READ}"),
        ("READ.example.com:8080", f"/v1{READ}"),
        ("example.com", f"/v1{READ}"),
        ("api.example.com", f"/v1{READ}"),
    ],
)
async def test_reads_are_reached_by_host_and_by_path(platform: Platform, host: str, path: str) -> None:
    await platform.set_up()
    answer = await platform.client.post(path, headers={"Host": host}, json={"groupRef": "acme", "mode": "async"})
    assert answer.status_code == 201, answer.text
    assert answer.json().keys() == {"operationId"}


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("read.example.com", "/v1/projects/default/connections"),
        ("read.example.com", f"/read/v1{READ}"),
        ("write.example.com", "/v1/projects/default/connections"),
        ("example.com", "/read/v1/projects/default/connections"),
    ],
)
async def test_a_surface_answers_nothing_of_another(platform: Platform, host: str, path: str) -> None:
    answer = await platform.client.get(path, headers={"Host": host})
    assert answer.status_code == 404


@pytest.mark.parametrize("host", ["read", "reader.example.com", "api.example.com", "127.0.0.1", "", "[::1]:80"])
async def test_any_other_host_is_the_platforms(platform: Platform, host: str) -> None:
    answer = await platform.client.get("/v1/projects/default/connections", headers={"Host": host})
    assert answer.status_code == 200


async def send(platform: Platform, head: str, body: bytes, *, finish: bool = True) -> tuple[int, dict[str, Any]]:
    """Send raw bytes, and what comes back: the status and the JSON. Without `finish`, the client keeps the line."""
    url = platform.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    key = platform.client.headers["X-Api-Key"]
    try:
        writer.write(f"{head}\r\nHost: {url.host}\r\nX-Api-Key: {key}\r\n".encode())
        writer.write(body)
        await writer.drain()
        if finish:
            writer.write_eof()
        async with asyncio.timeout(20):
            answer_head = await reader.readuntil(b"\r\n\r\n")
            length = int(answer_head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            content = await reader.readexactly(length)
    finally:
        writer.close()
    return int(answer_head.split()[1]), json.loads(content)


def assert_too_large(status: int, problem: dict[str, Any], limit: int = LIMIT) -> None:
    assert status == problem["status"] == 413
    assert problem["type"] == "https://conjunct.dev/problems/too-large"
    assert problem["detail"] == f"The body is larger than the {limit:,} bytes that are allowed here."
    assert "CONJUNCT_MAX_BODY_BYTES" in problem["remedy"]
    assert problem["requestId"]


POST = "POST /v1/projects/default/connections:generate HTTP/1.1"


async def test_a_body_that_is_declared_too_large_is_refused_unread(platform: Platform) -> None:
    declared = f"Content-Type: application/json\r\nContent-Length: {LIMIT + 1}\r\n\r\n".encode()
    assert_too_large(*await send(platform, POST, declared, finish=False))


async def test_a_body_that_turns_out_too_large_is_refused_before_its_end(platform: Platform) -> None:
    chunk = b"%x\r\n%s\r\n" % (LIMIT + 1, b" " * (LIMIT + 1))
    head = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert_too_large(*await send(platform, POST, head + chunk, finish=False))


async def test_a_body_in_small_chunks_counts_as_a_whole(platform: Platform) -> None:
    chunks = b"400\r\n%s\r\n" % (b" " * 1024) * 3
    head = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert_too_large(*await send(platform, POST, head + chunks, finish=False))


async def test_a_large_body_that_is_sent_regardless_is_answered(platform: Platform) -> None:
    answer = await platform.client.post("/v1/projects/default/connections:generate", content=b" " * 20 * 1024 * 1024)
    assert_too_large(answer.status_code, answer.json())


async def test_a_body_of_just_the_limit_is_read(platform: Platform) -> None:
    answer = await platform.client.post("/v1/projects/default/connections:generate", content=b" " * LIMIT)
    assert answer.status_code == 400
    assert "not JSON" in answer.json()["detail"]


async def test_an_upload_may_be_longer(platform: Platform) -> None:
    signed = (await platform.client.get("/v1/generate-upload-url")).json()
    path = httpx.URL(signed["url"]).raw_path.decode()
    assert (await platform.client.put(path, content=b"x" * (LIMIT + 1))).status_code == 200
    answer = await platform.client.put(path, content=b"x" * (UPLOAD_LIMIT + 1))
    assert_too_large(answer.status_code, answer.json(), UPLOAD_LIMIT)


@pytest.mark.parametrize(
    ("host", "path", "body", "status"),
    [
        ("example.com", f"/v1{READ}", {"type": "create", "record": {}}, 400),
        ("api.example.com", f"/v1{READ}", {"type": None}, 400),
        ("write.example.com", f"/v1{READ}", {"type": "create", "record": {}}, 400),
        ("example.com", f"/write/v1{READ}", {"record": {}}, 400),
        ("example.com", f"/v1{READ}", {"mode": "async"}, 201),
        ("read.example.com", f"/v1{READ}", {"mode": "async", "type": "create"}, 201),
        ("example.com", f"/read/v1{READ}", {"mode": "async", "type": "create"}, 201),
        ("example.com", f"/v1{READ}", {"mode": "async", "record": {"type": "create"}}, 201),
    ],
)
async def test_on_the_platforms_own_address_a_write_is_told_from_a_read_by_its_type(
    platform: Platform, host: str, path: str, body: dict[str, Any], status: int
) -> None:
    await platform.set_up()
    answer = await platform.client.post(path, headers={"Host": host}, json={"groupRef": "acme", **body})
    assert answer.status_code == status, answer.text
    # The integration writes nothing, so that what came to the write surface is refused there, as text.
    assert answer.headers["content-type"] == ("application/json" if status == 201 else "text/plain; charset=utf-8")


async def test_what_is_neither_read_nor_write_is_refused_as_a_read(platform: Platform) -> None:
    await platform.set_up()
    for content in (b"", b"{", b"[]", b'"type"', b"null", b"\xff"):
        answer = await platform.client.post(f"/v1{READ}", content=content)
        assert answer.status_code == 400
        assert answer.json()["requestId"]


async def test_a_body_too_large_is_refused_before_it_is_told_what_it_is(platform: Platform) -> None:
    await platform.set_up()

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(LIMIT // 100 + 1):
            yield b" " * 100

    answer = await platform.client.post(f"/v1{READ}", content=pieces())
    assert answer.status_code == 413
    assert answer.json()["type"].endswith("too-large")
