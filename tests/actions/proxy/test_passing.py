"""Requests that are passed through: what reaches the provider, and what comes back, byte by byte."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from conjunct.actions.proxy import bodies
from conjunct.core.database import Database
from tests.actions.proxy.conftest import PROXIED, Proxied, Seen, Upstream
from tests.support.platform import running_platform
from tests.support.reading import rows
from tests.support.signing_in import make_app, sign_in, token_requests

LARGE = 3 * 1024 * 1024


async def test_a_request_goes_on_with_the_customers_credentials_and_none_of_ours(proxied: Proxied) -> None:
    answer = await proxied.ask(
        "POST",
        "/crm/v3/objects/contacts/search?limit=2&after=a%2Bb",
        content=b'{"q": 1}',
        headers={
            "Content-Type": "application/json",
            "User-Agent": "builder/1",
            "X-Custom": "kept",
            "Cookie": "session=1",
            "Authorization": "Basic eDp5",
            "X-Forwarded-For": "10.0.0.1",
            "X-Amp-Client": "sdk",
            "Connection": "keep-alive, X-Hop",
            "X-Hop": "for you only",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
    )
    assert (answer.status_code, answer.content) == (200, b"{}")
    [seen] = proxied.upstream.seen
    assert seen.line == "POST /crm/v3/objects/contacts/search?limit=2&after=a%2Bb HTTP/1.1"
    assert seen.body == b'{"q": 1}'
    host = proxied.upstream.url.removeprefix("http://")
    assert sorted(seen.headers) == sorted(
        [
            ("host", host),
            ("accept", "*/*"),
            ("accept-encoding", "gzip, deflate"),
            ("authorization", "Bearer good"),
            ("content-length", "8"),
            ("content-type", "application/json"),
            ("user-agent", "builder/1"),
            ("x-custom", "kept"),
        ]
    )


async def test_an_answer_comes_back_as_it_is_but_for_what_counts_for_our_address(proxied: Proxied) -> None:
    packed = gzip.compress(b'{"message": "no such thing"}')
    proxied.upstream.answer = (
        b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
        b"X-Two: a\r\nX-Two: b\r\nSet-Cookie: a=b\r\nStrict-Transport-Security: max-age=1\r\n"
        b"Access-Control-Allow-Origin: https://evil.example\r\n"
        b"Connection: X-Secret-Hop\r\nX-Secret-Hop: 1\r\nContent-Length: %d\r\n\r\n%b" % (len(packed), packed)
    )
    answer = await proxied.ask()
    assert (answer.status_code, answer.json()) == (404, {"message": "no such thing"})
    assert answer.headers.get_list("x-two") == ["a", "b"]
    assert answer.headers["content-length"] == str(len(packed))
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert len(answer.headers["x-request-id"]) > 8
    assert not {"set-cookie", "strict-transport-security", "x-secret-hop"} & set(answer.headers)


async def test_any_method_is_passed_through(proxied: Proxied) -> None:
    proxied.upstream.answer = b"HTTP/1.1 204 No Content\r\nX-Seen: 1\r\n\r\n"
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"):
        answer = await proxied.ask(method)
        assert (answer.status_code, answer.content, answer.headers["x-seen"]) == (204, b"", "1")
        assert proxied.upstream.seen[-1].line.startswith(f"{method} /crm")


async def test_bodies_are_streamed_both_ways(proxied: Proxied) -> None:
    async def echo(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(seen.body), 100_000):
            chunk = seen.body[at : at + 100_000]
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    proxied.upstream.answer = echo
    sent = bytes(range(256)) * (LARGE // 256)

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, LARGE, 77_777):
            yield sent[at : at + 77_777]

    for content in (sent, chunks()):
        answer = await proxied.ask("POST", content=content)
        assert answer.content == sent
    known, unknown = proxied.upstream.seen
    assert (known.values("content-length"), known.values("transfer-encoding")) == ([str(LARGE)], [])
    assert (unknown.values("content-length"), unknown.values("transfer-encoding")) == ([], ["chunked"])


async def test_an_answer_is_passed_on_while_it_comes(proxied: Proxied) -> None:
    go_on = asyncio.Event()

    async def events(_seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst\n\r\n")
        await go_on.wait()
        writer.write(b"7\r\nsecond\n\r\n0\r\n\r\n")

    proxied.upstream.answer = events
    async with proxied.stream("/events") as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "first"
        go_on.set()
        assert await anext(lines) == "second"


async def test_a_refusal_of_credentials_is_passed_on_and_held_against_nobody(proxied: Proxied) -> None:
    proxied.upstream.answer = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 7\r\n\r\nexpired"
    answer = await proxied.ask("POST", content=b"x")
    assert (answer.status_code, answer.content) == (401, b"expired")  # this grant cannot be renewed
    assert len(proxied.upstream.seen) == 1
    assert await rows(proxied.platform, "select status from connection") != [("bad_credentials",)]


async def test_a_refused_token_is_renewed_and_the_request_sent_again_once(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await platform.deploy(PROXIED)
        await make_app(platform)
        await sign_in(platform)
        await platform.install({"proxy": {"enabled": True}}, skipSampling="true")
        before = token_requests(platform)
        platform.hubspot.faults.set(["401@page=1"])
        headers = Proxied(platform, Upstream()).headers
        answer = await platform.client.get("/proxy/crm/v3/objects/contacts?limit=2", headers=headers)
        assert (answer.status_code, len(answer.json()["results"])) == (200, 2)
        assert token_requests(platform) == before + 1


async def test_a_caller_who_leaves_frees_the_provider(proxied: Proxied) -> None:
    async def never(_seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await writer.drain()

    proxied.upstream.answer = never
    async with proxied.stream("/endless") as answer:
        async for _ in answer.aiter_raw():
            break
    async with asyncio.timeout(10):
        await proxied.upstream.gone.wait()


async def test_an_answer_that_breaks_off_breaks_off_for_the_caller(proxied: Proxied) -> None:
    async def cut(_seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
        await writer.drain()
        writer.transport.abort()

    proxied.upstream.answer = cut
    with pytest.raises(httpx.RemoteProtocolError):
        await proxied.ask()


async def test_a_provider_that_gives_no_answer_is_told_of(proxied: Proxied) -> None:
    async def silent(_seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    proxied.upstream.answer = silent
    answer = await proxied.ask("POST", content=b"x")
    assert answer.status_code == 502, answer.text
    told = answer.json()
    assert told["type"].endswith("provider-unreachable")
    assert "not known whether" in told["remedy"]
    assert told["retryable"] is False


async def test_in_throttle_mode_a_provider_that_wants_a_pause_gets_one(proxied: Proxied) -> None:
    proxied.upstream.answer = b"HTTP/1.1 429 Too Many\r\nRetry-After: 30\r\nContent-Length: 4\r\n\r\nslow"
    throttle = {"X-Amp-Rate-Limiter-Mode": "throttle"}
    first = await proxied.ask(headers=throttle)
    assert (first.status_code, first.content, first.headers["retry-after"]) == (429, b"slow", "30")
    assert first.headers["x-amp-retry-after"].endswith(" UTC")
    assert first.headers["x-amp-retryable"] == "true"
    second = await proxied.ask(headers=throttle)
    assert (second.status_code, second.json()["type"].rpartition("/")[2]) == (429, "proxy-throttled")
    assert second.headers["x-amp-retryable"] == "true"
    assert len(proxied.upstream.seen) == 1
    usual = await proxied.ask()
    assert (usual.status_code, usual.content) == (429, b"slow")
    assert len(proxied.upstream.seen) == 2
    assert "x-amp-retry-after" not in usual.headers


async def test_paths_of_a_module_are_relative_to_its_base_url(proxied: Proxied) -> None:
    await proxied.deploy(module="crm", proxy={"enabled": True, "useModule": True})
    await proxied.ask(path="/v3/objects/contacts")
    assert proxied.upstream.seen[-1].line == "GET /crm/v3/objects/contacts HTTP/1.1"


async def test_what_was_passed_through_is_told_as_an_operation(proxied: Proxied) -> None:
    for _ in range(3):
        await proxied.ask()
    proxied.upstream.answer = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
    await proxied.ask()
    usage = proxied.platform.services.proxy_usage
    await usage.write()
    [operation] = await proxied.platform.operations()
    assert (operation["actionType"], operation["status"]) == ("proxy", "success")
    assert operation["result"] == "[proxy] 4 requests passed through, 1 answered with an error"
    assert operation["metadata"]["objects"] == []
    await proxied.ask()
    await usage.write()
    [operation] = await proxied.platform.operations()
    assert operation["result"].startswith("[proxy] 5 requests passed through, 2")


async def test_a_caller_who_falls_silent_within_a_body_frees_the_provider(
    proxied: Proxied, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "IDLE_SECONDS", 0.2)
    url = proxied.platform.client.base_url
    headers = {
        **proxied.headers,
        "x-api-key": proxied.platform.client.headers["x-api-key"],
        "content-length": "1000000",
    }
    _, writer = await asyncio.open_connection(url.host, url.port)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join(["POST /proxy/files HTTP/1.1", "host: x", *lines, "", ""]).encode() + bytes(200_000))
    async with asyncio.timeout(10):
        await proxied.upstream.gone.wait()
    writer.close()


async def test_what_could_not_be_written_of_the_usage_is_written_later(proxied: Proxied) -> None:
    usage = proxied.platform.services.proxy_usage
    await proxied.ask()
    async with proxied.platform.services.database.transaction() as session:
        await session.execute(text("ALTER TABLE operation ADD CONSTRAINT none CHECK (action_type <> 'proxy')"))
    try:
        with pytest.raises(SQLAlchemyError):
            await usage.write()
    finally:
        async with proxied.platform.services.database.transaction() as session:
            await session.execute(text("ALTER TABLE operation DROP CONSTRAINT none"))
    await proxied.ask()
    await usage.write()
    [operation] = await proxied.platform.operations()
    assert operation["result"] == "[proxy] 2 requests passed through"


async def test_an_answer_that_breaks_off_counts_once(proxied: Proxied) -> None:
    async def cut(_seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
        await writer.drain()
        writer.transport.abort()

    proxied.upstream.answer = cut
    with pytest.raises(httpx.RemoteProtocolError):
        await proxied.ask()
    await proxied.platform.services.proxy_usage.write()
    [operation] = await proxied.platform.operations()
    assert operation["result"] == "[proxy] 1 requests passed through"


async def test_a_method_that_is_for_proxies_alone_is_refused(proxied: Proxied) -> None:
    assert (await proxied.ask("TRACE")).status_code == 405
    assert proxied.upstream.seen == []
