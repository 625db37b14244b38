"""A provider that repeats every secret that it is sent, in all the ways in which an answer can."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

Answer = tuple[int, Mapping[str, str], bytes]
UNINTERESTING = frozenset({"host", "accept", "accept-encoding", "content-type", "content-length", "user-agent"})


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, and the values in it that are the sender's: of its query, its headers, its body."""

    method: str
    path: str
    form: Mapping[str, str]
    values: tuple[str, ...]

    @property
    def echo(self) -> str:
        return "refused: " + " ".join(self.values)


def _json(status: int, body: Any, **headers: str) -> Answer:
    return status, {"Content-Type": "application/json", **headers}, json.dumps(body).encode()


def _told(sent: Sent, words: str, status: int = 400) -> Answer:
    return _json(status, {"error": "invalid_request", "error_description": words, "message": words})


def _coded(encode: Callable[[bytes], str]) -> Callable[[Sent], Answer]:
    return lambda sent: _told(sent, " ".join(encode(each.encode()) for each in sent.values))


def _cut(sent: Sent) -> Answer:
    return _told(sent, " ".join(f"{each[: len(each) // 2]} | {each[len(each) // 2 :]}" for each in sent.values))


def _page(sent: Sent) -> Answer:
    trace = f'Traceback (most recent call last):\n  File "app.py", line 1\nValueError: {escape(sent.echo)}'
    return 500, {"Content-Type": "text/html"}, f"<html><h1>Oops</h1><pre>{trace}</pre></html>".encode()


def _in_headers(sent: Sent) -> Answer:
    headers = dict.fromkeys(("WWW-Authenticate", "Retry-After", "X-Error", "Location", "Set-Cookie"), sent.echo)
    return _json(401, {"message": "see the headers"}, **headers)


def _misshaped(sent: Sent) -> Answer:
    keys = ("access_token", "refresh_token", "things", "total", "key", "me", "plan", "expires_in", "scope", "id")
    return _json(200, {each: {sent.echo: [sent.echo]} for each in keys} | {"total": sent.echo, "things": sent.echo})


REFUSALS: Mapping[str, Callable[[Sent], Answer]] = {
    "plain": lambda sent: _told(sent, sent.echo),
    "denied": lambda sent: _told(sent, sent.echo, 401),
    "percent-encoded": lambda sent: (403, {"Content-Type": "text/plain"}, quote(sent.echo, safe="").encode()),
    "escaped": lambda sent: (400, {"Content-Type": "text/plain"}, json.dumps(sent.echo).encode()[:-1]),
    "base64": _coded(lambda value: base64.b64encode(value).decode()),
    "hex": _coded(bytes.hex),
    "cut": _cut,
    "too long": lambda sent: _told(sent, ("." * 480 + sent.echo)),
    "code": lambda sent: _json(400, {"error": sent.values[-1][:90], "code": sent.echo, "message": sent.values[-1]}),
    "page": _page,
    "redirect": lambda sent: (302, {"Location": f"https://elsewhere.example.com/?{quote(sent.echo)}"}, b""),
    "headers": _in_headers,
    "encoding": lambda sent: _json(200, {}, **{"Content-Encoding": sent.values[-1]}),
    "malformed": lambda sent: (200, {"Content-Type": "application/json"}, f'{{"access_token": {sent.echo}'.encode()),
    "misshaped": _misshaped,
    "grant": lambda sent: _json(400, {"error": "invalid_grant", "error_description": sent.echo}),
}
"""Answers that refuse, by what is special about them."""

BREAKS = ("status line", "header line", "broken off", "reset", "silent")
"""Ways to give no answer that is one."""


@dataclass
class Provider:
    """The server. `answer` gives what is said while nothing is `wrong`; `on_request` hears of each before that."""

    answer: Callable[[Sent], Any]
    url: str = ""
    wrong: str | None = None
    wrong_at: str = ""
    on_request: Callable[[Sent], object] = lambda _sent: None
    seen: list[Sent] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection."""
        try:
            sent = await _read(reader)
            self.seen.append(sent)
            self.on_request(sent)
            wrong = self.wrong if sent.path.startswith(self.wrong_at) else None
            if wrong == "reset":
                writer.transport.abort()
            elif wrong == "silent":
                await reader.read()  # until the other side has had enough
            else:
                writer.write(_broken(wrong, sent) if wrong in BREAKS else _written(self._answer_to(wrong, sent)))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer_to(self, wrong: str | None, sent: Sent) -> Answer:
        if wrong is not None:
            return REFUSALS[wrong](sent)
        said = self.answer(sent)
        return _json(404, {"message": "nothing here"}) if said is None else _json(200, said)


async def _read(reader: asyncio.StreamReader) -> Sent:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
    parts = urlsplit(target)
    query, form = dict(parse_qsl(parts.query)), _form(body)
    values = [*query.values(), *form.values()]
    for name, value in headers.items():
        if name not in UNINTERESTING:
            values += [value, *_within(value)]
    return Sent(method, parts.path, form, tuple(each for each in values if len(each) > 3))


def _form(body: str) -> dict[str, str]:
    try:
        found = json.loads(body)
    except ValueError:
        return dict(parse_qsl(body))
    return {name: str(value) for name, value in found.items()}


def _within(header: str) -> Iterator[str]:
    scheme, _, rest = header.partition(" ")
    yield rest
    if scheme == "Basic":
        yield base64.b64decode(rest).decode()


def _written(answer: Answer) -> bytes:
    status, headers, body = answer
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {_one_line(value)}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _broken(how: str, sent: Sent) -> bytes:
    echo = _one_line(sent.echo).encode()
    if how == "status line":
        return b"HTTP/1.1 " + echo + b"\r\n\r\n"
    if how == "header line":
        return b"HTTP/1.1 200 OK\r\n" + echo + b"\r\nContent-Length: x" + echo + b"\r\n\r\n"
    return b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nContent-Type: application/json\r\n\r\n{" + echo


def _one_line(text: str) -> str:
    return " ".join(text.split())


@asynccontextmanager
async def echoing_provider(answer: Callable[[Sent], Any]) -> AsyncIterator[Provider]:
    """The provider, for the length of the block."""
    provider = Provider(answer)
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0, limit=1024 * 1024)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield provider
    finally:
        server.close()
