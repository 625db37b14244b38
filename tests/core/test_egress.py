"""The HTTP client: what goes over the wire, what is refused, and how failures are told apart."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import traceback
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest
import structlog

from conjunct.core.egress import AddressRefused, Egress, EgressError, EgressPolicy
from tests.support.names import Names

LOOPBACK = EgressPolicy(allowed_networks=(ip_network("127.0.0.0/8"),))
PUBLIC_ONLY = EgressPolicy()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@dataclass
class Server:
    """A raw server: it records each request's bytes and answers with what it is told."""

    answer: bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] = OK
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
                )
                self.requests.append(head + await reader.readexactly(length))
                if callable(self.answer):
                    await self.answer(reader, writer)
                    break
                writer.write(self.answer)
                await writer.drain()
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    listening.close()


@asynccontextmanager
async def client(
    policy: EgressPolicy = LOOPBACK, *, resolver: Names | None = None, connections_per_host: int = 32
) -> AsyncIterator[Egress]:
    async with Egress(
        policy=policy, user_agent="Conjunct/test", resolver=resolver, connections_per_host=connections_per_host
    ) as egress:
        yield egress


def answer(body: bytes, **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body


# What goes over the wire


async def test_sends_just_what_it_is_given(server: Server) -> None:
    async with client() as egress:
        response = await egress.request(
            "POST", f"{server.url}/a%2Fb?c=%7E", headers={"X-One": "1", "Content-Type": "text/x"}, body=b"body"
        )
    assert (response.status, response.body, response.headers["content-length"]) == (200, b"hi", "2")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == b"body"
    assert head.split(b"\r\n")[0] == b"POST /a%2Fb?c=%7E HTTP/1.1"
    assert set(head.split(b"\r\n")[1:]) == {
        f"Host: 127.0.0.1:{server.port}".encode(),
        b"User-Agent: Conjunct/test",
        b"Accept-Encoding: gzip, deflate",
        b"Accept: */*",
        b"X-One: 1",
        b"Content-Type: text/x",
        b"Content-Length: 4",
    }


async def test_a_large_body_arrives_whole(server: Server) -> None:
    body = bytes(range(256)) * 8192
    async with client() as egress:
        await egress.request("PUT", server.url, body=body)
    assert server.requests[0].partition(b"\r\n\r\n")[2] == body


async def test_connections_are_used_again(server: Server) -> None:
    async with client() as egress:
        for _ in range(3):
            await egress.request("GET", server.url)
    assert (len(server.requests), server.connections) == (3, 1)


async def test_connections_to_one_host_are_limited(server: Server) -> None:
    async with client(connections_per_host=2) as egress:
        await asyncio.gather(*(egress.request("GET", server.url) for _ in range(10)))
    assert (len(server.requests), server.connections) == (10, 2)


async def test_a_redirect_is_an_answer(server: Server) -> None:
    server.answer = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    async with client() as egress:
        response = await egress.request("GET", server.url)
    assert (response.status, response.headers["Location"]) == (302, "http://169.254.169.254/")
    assert len(server.requests) == 1


async def test_cookies_are_not_kept(server: Server) -> None:
    server.answer = answer(b"", Set_Cookie="session=1; Path=/")
    async with client() as egress:
        await egress.request("GET", server.url)
        await egress.request("GET", server.url)
    assert b"cookie" not in server.requests[1].lower()


async def test_a_proxy_in_the_environment_is_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with client() as egress:
        assert (await egress.request("GET", server.url)).status == 200


async def test_an_answer_can_be_streamed_as_it_comes(server: Server) -> None:
    packed = gzip.compress(b"streamed")
    server.answer = answer(packed, Content_Encoding="gzip")

    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async with client() as egress, egress.stream("GET", server.url) as response:
        assert response.status == 200
        assert await response.content.read() == packed
    async with client() as egress, egress.stream("POST", server.url, headers={"Content-Length": "6"}, body=parts()):
        pass
    assert server.requests[1].endswith(b"\r\n\r\nonetwo")


# The guard


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "[::ffff:127.0.0.1]"])
async def test_a_literal_private_address_is_refused_before_anything_is_sent(server: Server, host: str) -> None:
    async with client(PUBLIC_ONLY) as egress:
        with pytest.raises(EgressError) as refused:
            await egress.request("GET", f"http://{host}:{server.port}/")
    assert (refused.value.reason, refused.value.sent) == ("refused_address", False)
    assert server.connections == 0


async def test_a_name_of_a_private_address_is_refused(server: Server) -> None:
    async with client(PUBLIC_ONLY) as egress:
        with pytest.raises(EgressError) as refused:
            await egress.request("GET", f"http://localhost:{server.port}/")
    assert (refused.value.reason, refused.value.sent, server.connections) == ("refused_address", False, 0)


async def test_only_the_allowed_addresses_of_a_name_are_connected_to(server: Server) -> None:
    names = Names(mixed=[["10.0.0.1", "127.0.0.1", "169.254.169.254"]])
    async with client(resolver=names) as egress:
        assert (await egress.request("GET", f"http://mixed.example:{server.port}/")).status == 200


async def test_a_name_that_turns_private_after_its_check_is_refused_at_connect_time(server: Server) -> None:
    names = Names(rebind=[["93.184.216.34"], ["127.0.0.1"]])
    url = f"http://rebind.example:{server.port}/"
    async with client(PUBLIC_ONLY, resolver=names) as egress:
        await egress.check_url(url)
        with pytest.raises(EgressError) as refused:
            await egress.request("GET", url)
    assert (refused.value.reason, server.connections, names.lookups) == ("refused_address", 0, 2)


async def test_the_checked_address_is_the_connected_one(server: Server) -> None:
    names = Names(rebind=[["127.0.0.1"], ["10.0.0.1"]])
    async with client(resolver=names) as egress:
        assert (await egress.request("GET", f"http://rebind.example:{server.port}/")).status == 200
    assert names.lookups == 1


async def test_a_call_may_be_let_through_to_private_addresses(server: Server) -> None:
    async with client(PUBLIC_ONLY) as egress:
        assert (await egress.request("GET", server.url, allow_private=True)).status == 200


async def test_a_connection_of_such_a_call_does_not_serve_others(server: Server) -> None:
    names = Names(inside=[["127.0.0.1"]])
    url = f"http://inside.example:{server.port}/"
    async with client(PUBLIC_ONLY, resolver=names) as egress:
        await egress.request("GET", url, allow_private=True)
        with pytest.raises(EgressError, match="may not go to"):
            await egress.request("GET", url)
    assert len(server.requests) == 1


async def test_a_url_can_be_checked_before_it_is_kept() -> None:
    names = Names(public=[["93.184.216.34"]], private=[["10.0.0.1"]])
    async with client(PUBLIC_ONLY, resolver=names) as egress:
        await egress.check_url("https://public.example/hook")
        await egress.check_url("https://unknown.example/hook")
        for url in ("https://private.example/hook", "https://[::1]/hook", "ftp://public.example/hook"):
            with pytest.raises(AddressRefused):
                await egress.check_url(url)


async def test_a_refusal_does_not_tell_the_private_address() -> None:
    async with client(PUBLIC_ONLY, resolver=Names(private=[["10.11.12.13"]])) as egress:
        with pytest.raises(AddressRefused) as refused:
            await egress.check_url("https://private.example/hook")
    assert "10.11.12.13" not in str(refused.value.to_wire())


# Failures


async def failure(egress: Egress, url: str, **options: float | int) -> tuple[str, bool]:
    with pytest.raises(EgressError) as failed:
        await egress.request("POST", url, body=b"x", **options)  # type: ignore[arg-type]
    assert egress.counts[failed.value.reason] == 1
    return failed.value.reason, failed.value.sent


async def test_an_unknown_name_fails_unsent() -> None:
    async with client(resolver=Names()) as egress:
        assert await failure(egress, "http://nowhere.example/") == ("dns", False)


async def test_a_name_without_addresses_fails_unsent() -> None:
    async with client(resolver=Names(empty=[[]])) as egress:
        assert await failure(egress, "http://empty.example/") == ("dns", False)


async def test_a_closed_port_fails_unsent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        async with client() as egress:
            assert await failure(egress, f"http://127.0.0.1:{taken.getsockname()[1]}/") == ("connect", False)


async def test_a_server_without_tls_fails_unsent(server: Server) -> None:
    server.answer = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    async with client() as egress:
        listening = await asyncio.start_server(_speak_no_tls, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        assert await failure(egress, f"https://127.0.0.1:{port}/") == ("tls", False)
        listening.close()


async def _speak_no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()
    writer.close()


async def test_a_silent_server_times_out_after_sending(server: Server) -> None:
    done = asyncio.Event()

    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()

    server.answer = stay_silent
    async with client() as egress:
        assert await failure(egress, server.url, timeout=0.05) == ("timeout", True)
    done.set()


async def test_a_body_that_trickles_times_out(server: Server) -> None:
    done = asyncio.Event()

    async def send_half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await done.wait()

    server.answer = send_half
    async with client() as egress:
        assert await failure(egress, server.url, timeout=0.05) == ("timeout", True)
    done.set()


async def test_a_connection_reset_after_sending_is_told(server: Server) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        linger = bytes([1, 0, 0, 0, 0, 0, 0, 0])
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    server.answer = reset
    async with client() as egress:
        assert await failure(egress, server.url) == ("reset", True)


async def test_an_answer_cut_short_is_told(server: Server) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await writer.drain()

    server.answer = cut
    async with client() as egress:
        assert await failure(egress, server.url) == ("reset", True)


async def test_an_answer_that_is_not_http_is_told(server: Server) -> None:
    server.answer = b"SSH-2.0-OpenSSH_9.6\r\n\r\n"
    async with client() as egress:
        assert await failure(egress, server.url) == ("protocol", True)


async def test_a_failure_tells_neither_the_request_nor_the_answer(server: Server) -> None:
    for said in (b"HTTP/1.1 x-s3cret\r\n\r\n", answer(b"", Content_Encoding="x-s3cret")):
        server.answer = said
        async with client() as egress:
            with pytest.raises(EgressError) as caught:
                await egress.request("GET", server.url + "/?key=s3cret", headers={"X-Key": "s3cret"})
        assert caught.value.reason == "protocol"
        told = "".join(traceback.format_exception(caught.value, chain=True))
        assert "s3cret" not in told.replace('"/?key=s3cret", headers={"X-Key": "s3cret"}', "")  # the line above
        assert all("s3cret" not in repr(each) for each in chained(caught.value))


def chained(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it came of, shown or not."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("headers", [{"X-A": "1\r\nX-B: 2"}, {"X-A\r\n": "1"}])
async def test_a_header_that_would_break_the_request_is_not_sent(server: Server, headers: dict[str, str]) -> None:
    async with client() as egress:
        with pytest.raises(EgressError) as failed:
            await egress.request("GET", server.url, headers=headers)
    assert (failed.value.reason, failed.value.sent, server.requests) == ("protocol", False, [])


async def test_a_body_over_the_limit_is_refused(server: Server) -> None:
    server.answer = answer(b"x" * 1001)
    async with client() as egress:
        assert await failure(egress, server.url, max_bytes=1000) == ("too_large", True)
        server.answer = answer(b"x" * 1000)
        assert len((await egress.request("GET", server.url, max_bytes=1000)).body) == 1000


# Packed bodies


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        pytest.param("gzip", gzip.compress(b"content"), id="gzip"),
        pytest.param("GZIP", gzip.compress(b"con") + gzip.compress(b"tent"), id="gzip of two members"),
        pytest.param("deflate", zlib.compress(b"content"), id="deflate"),
        pytest.param("deflate", zlib.compress(b"content", wbits=-15), id="deflate without its header"),
        pytest.param("identity", b"content", id="identity"),
    ],
)
async def test_a_packed_body_is_unpacked(server: Server, encoding: str, packed: bytes) -> None:
    server.answer = answer(packed, Content_Encoding=encoding)
    async with client() as egress:
        assert (await egress.request("GET", server.url)).body == b"content"


async def test_a_small_body_that_unpacks_to_a_huge_one_is_refused(server: Server) -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    assert len(bomb) < 100_000
    server.answer = answer(bomb, Content_Encoding="gzip")
    async with client() as egress:
        assert await failure(egress, server.url, max_bytes=1024 * 1024) == ("too_large", True)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        pytest.param("gzip", b"not packed at all", id="not gzip"),
        pytest.param("gzip", gzip.compress(b"content" * 1000)[:-10], id="stops early"),
        pytest.param("br", b"brotli", id="not asked for"),
        pytest.param("gzip, gzip", gzip.compress(gzip.compress(b"twice")), id="packed twice"),
    ],
)
async def test_a_body_that_cannot_be_unpacked_is_told(server: Server, encoding: str, packed: bytes) -> None:
    server.answer = answer(packed, Content_Encoding=encoding)
    async with client() as egress:
        assert await failure(egress, server.url) == ("protocol", True)


async def test_an_empty_answer_may_say_that_it_is_packed(server: Server) -> None:
    server.answer = answer(b"", Content_Encoding="gzip")
    async with client() as egress:
        assert (await egress.request("HEAD", server.url)).body == b""


# What is told of it


async def test_counts_tell_how_requests_ended(server: Server) -> None:
    async with client() as egress:
        await egress.request("GET", server.url)
        server.answer = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
        await egress.request("GET", server.url)
        with pytest.raises(EgressError):
            await egress.request("GET", "http://10.0.0.1/")
    assert egress.counts == {"2xx": 1, "5xx": 1, "refused_address": 1}


async def test_nothing_secret_of_a_request_is_logged_or_in_its_error(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with structlog.testing.capture_logs() as logged, caplog.at_level("DEBUG", "conjunct.core.egress.client"):
        async with client() as egress:
            headers = {"Authorization": "Bearer hunter2"}
            await egress.request("GET", f"{server.url}/hunter2?key=hunter2", headers=headers)
            server.answer = b"hunter2\r\n\r\n"
            with pytest.raises(EgressError) as failed:
                await egress.request("GET", f"{server.url}/hunter2?key=hunter2", headers=headers)
    assert [entry["outcome"] for entry in logged] == ["2xx", "protocol"]
    assert "hunter2" not in str(logged) + str(failed.value)
