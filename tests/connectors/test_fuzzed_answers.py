"""Whatever a provider answers, a connector gives records or raises a classed error, soon and in little memory.

Bodies are made of the names that a definition looks for, so that what is wrong is where it matters. Recorded answers
with something wrong in them are in `tests/providers/test_wrong_answers.py`.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict
from pydantic import BaseModel

from conjunct.connectors import (
    ALL_FIELDS,
    ApiKey,
    Basic,
    Bearer,
    Connector,
    Credentials,
    CustomSecrets,
    Definition,
    ProviderError,
    ReadQuery,
    Record,
    SearchQuery,
    object_support,
    support,
)
from conjunct.connectors.answers import read_json
from conjunct.connectors.errors import MalformedAnswer
from conjunct.connectors.page_tokens import PageToken
from conjunct.connectors.paths import parse_path
from conjunct.connectors.plans import object_plan
from conjunct.connectors.write_query import WriteEntry, WriteInterrupted, WriteQuery, WriteType
from conjunct.core.problems import Problem
from conjunct.providers import Catalog

from .scripted import definition, scripted_provider

CATALOG = Catalog()
READABLE = [name for name in CATALOG.names() if support(CATALOG.get(name)).read]
BASE = "https://stand-in.test"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
MOST_REQUESTS = 500

TEXTS = [
    "",
    " ",
    "0",
    "-1",
    "false",
    "id",
    "a\x00b",
    "\ud800",
    "x" * 3000,
    "9" * 400,
    "9" * 5000,
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-01-31T09:30:00Z",
    "9999-99-99",
]
ADDRESSES = [
    "https://evil.test/next",
    "//evil.test",
    "http://[::1",
    "\\\\evil.test",
    "?page=2",
    "/next",
    f"{BASE}/next",
]
NUMBERS = [0, 1, -1, 2**53 + 1, 2**63, 2**200, 10**400, 1.5, -0.0, 1e308, float("nan"), float("inf")]
LEAVES = st.sampled_from([None, True, False, *TEXTS, *ADDRESSES, *NUMBERS])
DEEP = json.loads("[" * 400 + "]" * 400)
HEADERS = [
    "0",
    "-5",
    "nan",
    "inf",
    "1e400",
    "9" * 30,
    "Wed, 99 Foo 2026 99:99:99 GMT",
    "Mon, 01 Jan 0001 00:00:00 +9999",
]


@dataclass(frozen=True)
class Told:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Fuzzed:
    """A transport whose provider gives these answers in turn, over and over; requests leave for no other host."""

    answers: list[Told]
    asked: int = 0
    foreign: list[str] = field(default_factory=list)

    async def request(self, _method: str, url: str, **_options: Any) -> Told:
        if not url.startswith(BASE):
            self.foreign.append(url)
        self.asked += 1
        assert self.asked < MOST_REQUESTS, "it asks without end"
        return self.answers[(self.asked - 1) % len(self.answers)]


def paths_in(value: Any) -> Iterator[tuple[str, ...]]:
    """Texts of a definition that may be paths into an answer."""
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields if name != "request"}
    if isinstance(value, str):
        steps = tuple(value.replace("$['", "").replace("']['", ".").replace("']", "").split("."))
        if 0 < len(value) < 60 and all(steps) and len(steps) < 6:
            yield steps
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        yield from paths_in(inner)


def put(body: Any, steps: tuple[str, ...], value: Any) -> Any:
    """The body with the value at that path, as far as what is there lets it be put."""
    if not steps:
        return value
    body = body if isinstance(body, dict) else {}
    step = "data" if steps[0] == "*" else steps[0]
    return {**body, step: put(body.get(step), steps[1:], value)}


def values_of(paths: list[tuple[str, ...]]) -> st.SearchStrategy[Any]:
    """Anything; often something with the definition's own names."""
    named = st.lists(st.tuples(st.sampled_from(paths), LEAVES), max_size=4).map(_assembled)
    anything = st.one_of(LEAVES, named, st.lists(LEAVES, max_size=3), st.just(DEEP))
    entries = st.lists(st.one_of(named.map(lambda entry: {"id": "7", **entry}), anything), max_size=5)
    return st.one_of(entries, entries, anything)


def _assembled(parts: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    body: Any = {}
    for steps, value in parts:
        body = put(body, steps, value)
    return dict(body)


def _with_records(known: Definition, name: str, body: Any, contents: list[Any]) -> Any:
    """The body with records where a read looks for them, each with an id and such contents, and what means success."""
    if known.objects[name].read is None:
        return body
    plan = object_plan(known, "things" if name == "*" else name)
    item = parse_path(plan.rule.item).steps
    entries = []
    for number, content in enumerate(contents):
        record = dict(content) if isinstance(content, dict) else {"content": content}
        if plan.rule.id:
            record = put(record, parse_path(plan.rule.id).steps, f"r{number}")
        entries.append(put({}, item, record))
    body = put(body, plan.primary.records.steps, entries)
    ok = known.errors.fail_unless
    return put(body, parse_path(ok).steps, True) if ok else body


@st.composite
def answers(draw: st.DrawFn, known: Definition, name: str) -> list[Told]:
    """Some answers to what is asked of an object."""
    paths = sorted(set(paths_in([known.objects[name], known.errors]))) or [("data",)]
    values = values_of(paths)
    given: list[Told] = []
    for _ in range(draw(st.integers(1, 3))):
        parts = draw(st.lists(st.tuples(st.sampled_from(paths), values), max_size=6))
        body: Any = _assembled(parts) if draw(st.booleans()) else draw(values)
        if draw(st.integers(0, 2)):
            body = _with_records(known, name, body, draw(st.lists(values, min_size=1, max_size=4)))
        text = json.dumps(body).encode()
        if draw(st.integers(0, 9)) == 0:
            text = text[: draw(st.integers(0, len(text)))]
        status = draw(st.sampled_from([200] * 60 + [201, 204, 207, 302, 400, 401, 404, 409, 429, 500]))
        names = ["Retry-After", "Link", known.rate_limit.remaining or "A", known.rate_limit.reset or "B"]
        headers = draw(
            st.dictionaries(st.sampled_from(names), st.sampled_from([*HEADERS, "<x>; rel=next"]), max_size=2)
        )
        given.append(Told(status, CIMultiDict(headers), text))
    return given


def connector(known: Definition, transport: Any) -> Connector:
    credentials: dict[str, Credentials] = {
        "oauth2": Bearer("t"),
        "apiKey": ApiKey("k"),
        "basic": Basic("u", "p"),
        "custom": CustomSecrets({each.name: "s" for each in getattr(known.auth, "inputs", [])}),
    }
    inputs = {each.name: BASE if each.kind == "url" else each.default or "acme" for each in known.inputs}
    return Connector(
        known, transport=transport, credentials=credentials[known.auth.type], inputs=inputs, base_url_override=BASE
    )


async def everything(known: Definition, name: str, told: list[Told], number: int) -> None:
    """Do with an object what can be done; each thing begins with another of the answers."""
    asked = "things" if name == "*" else name
    can = object_support(known, name)
    jobs: list[Any] = []
    if can.read:
        since = SINCE if can.incremental else None
        jobs += [_read(ReadQuery(asked, (ALL_FIELDS,))), _read(ReadQuery(asked, ("id", "$['a']['b']"), since=since))]
        jobs.append(lambda connector: connector.count(ReadQuery(asked)))
        jobs.append(lambda connector: connector.search(SearchQuery(asked, ("id",), (("id", "7"),))))
        jobs.append(lambda connector: connector.get_by_ids(asked, ["7", "8", "9"], ("id",)))
        jobs.append(lambda connector: connector.describe(asked))
        others = tuple("others" if other == "*" else other for other in can.associations)
        if others:
            jobs.append(_read(ReadQuery(asked, ("id",), associations=others[:1])))
    kinds: tuple[WriteType, ...] = ("create", "update", "upsert", "delete")
    for kind in kinds:
        if getattr(can, kind):
            entry = WriteEntry(id="7", record={"a": 1}, external_id="x")
            for entries in ((entry,), (entry,) * 3):
                query = WriteQuery(asked, kind, entries, external_id_field="email")
                jobs.append(lambda connector, query=query: _write(connector, query))
    for place in {number % len(jobs), (number // 7) % len(jobs)} if jobs else ():
        transport = Fuzzed(told)
        try:
            async with asyncio.timeout(20):
                sound(await jobs[place](connector(known, transport)))
        except ProviderError as error:
            helpful(error)
        except Problem:
            pass  # what was asked cannot be done
        assert not transport.foreign


def _read(query: ReadQuery) -> Any:
    async def read(connector: Connector) -> list[Record]:
        records: list[Record] = []
        number = 0
        async for page in connector.pages(query):
            records += page.records
            storable(page.next or "", *(failed.reason for failed in page.failed))
            assert page.total is None or isinstance(page.total, int)
            if page.next is not None:
                assert len(page.next) < 20_000
                PageToken.decode(page.next)
            number += 1
            if number == 5:
                break
        return records

    return read


async def _write(connector: Connector, query: WriteQuery) -> None:
    try:
        results = await connector.write(query)
    except WriteInterrupted as interrupted:
        results = list(interrupted.results)
    assert len(results) == len(query.entries)
    for each in results:
        storable(each.id or "", *(part for fault in each.faults for part in (fault.message, fault.code or "")))
        assert each.success or each.faults or each.state == "untried"


def helpful(error: ProviderError) -> None:
    storable(str(error), error.code or "")
    assert error.message.strip()
    assert len(str(error)) < 2100
    assert error.retry_after is None or 0 <= error.retry_after < 1e10


def storable(*texts: str) -> None:
    """Postgres keeps no NUL, nothing keeps half of a character."""
    for text in texts:
        assert "\x00" not in text
        text.encode()


def sound(found: Any) -> None:
    """What was found can be written as JSON, and its ids are texts."""
    records = found if isinstance(found, list) else getattr(found, "records", [])
    for record in records:
        assert record.id is None or (isinstance(record.id, str) and record.id)
        assert all(isinstance(name, str) for name in record.fields)
        json.dumps(record.raw, allow_nan=False).encode()


@pytest.mark.parametrize("name", READABLE)
def test_any_answer_gives_records_or_a_classed_error(name: str) -> None:
    known = CATALOG.get(name)
    objects = list(known.objects)

    @settings(max_examples=8, deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck))
    @given(st.data(), st.sampled_from(objects), st.integers(0, 10_000))
    def check(data: st.DataObject, chosen: str, number: int) -> None:
        told = data.draw(answers(known, chosen))
        loop.run_until_complete(everything(known, chosen, told, number))

    loop = asyncio.new_event_loop()
    try:
        check()
    finally:
        loop.close()


RECORDS = b'{"things": [{"id": 1, "name": "%s"}]}'
LONG = "x" * 200_000


def http(body: bytes, head: str = "", status: str = "200 OK", length: int | None = None) -> bytes:
    """An answer as bytes on the wire."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{head}\r\n".encode("latin-1") + body


def charset(name: str, body: bytes) -> bytes:
    return http(body, f"Content-Type: application/json; charset={name}\r\n")


ADA = "Ada \u20ac \u00e9"
WIRE: dict[str, tuple[bytes, str | None]] = {
    # Bytes, and the name of the record that they give; or None, where they are an error.
    "plain": (http(RECORDS % ADA.encode()), ADA),
    "BOM": (http(b"\xef\xbb\xbf" + RECORDS % ADA.encode()), ADA),
    "UTF-16": (http((RECORDS % ADA.encode()).decode().encode("utf-16")), ADA),
    "UTF-16, no BOM": (http((RECORDS % ADA.encode()).decode().encode("utf-16-le")), ADA),
    "UTF-16, told": (charset("utf-16", (RECORDS % ADA.encode()).decode().encode("utf-16")), ADA),
    "UTF-32": (http((RECORDS % ADA.encode()).decode().encode("utf-32")), ADA),
    "Latin-1, told": (charset("ISO-8859-1", RECORDS % b"caf\xe9"), "caf\u00e9"),
    "Latin-1, not told": (http(RECORDS % b"caf\xe9"), None),
    "wrong charset": (charset("utf-8", RECORDS % b"caf\xe9"), None),
    "unknown charset": (charset("klingon", RECORDS % b"caf\xe9"), None),
    "no text encoding": (charset("base64", RECORDS % b"caf\xe9"), None),
    "half a character": (http(RECORDS % b"a\\ud800b\\u20ac"), "a\ufffdb\u20ac"),
    "NUL": (http(RECORDS % b"a\\u0000b"), "a\x00b"),
    "a pair of halves": (http(RECORDS % b"\\ud83d\\ude00 \\udead"), "\U0001f600 \ufffd"),
    "duplicate keys": (http(b'{"things": 1, "things": [{"id": 1, "id": 2, "name": "two"}]}'), "two"),
    "gzip": (http(gzip.compress(RECORDS % b"zip"), "Content-Encoding: gzip\r\n"), "zip"),
    "gzip, broken": (http(gzip.compress(RECORDS % b"zip")[:-12], "Content-Encoding: gzip\r\n"), None),
    "gzip, none": (http(RECORDS % b"zip", "Content-Encoding: gzip\r\n"), None),
    "unknown encoding": (http(RECORDS % b"zip", "Content-Encoding: zz\r\n"), None),
    "a bomb": (http(gzip.compress(b"[" + b" " * 30_000_000 + b"]"), "Content-Encoding: gzip\r\n"), None),
    "too long a length": (http(RECORDS % b"x", length=9999), None),
    "too short a length": (http(RECORDS % b"x", length=12), None),
    "no length": (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + RECORDS % b"x", "x"),
    "length of words": (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", None),
    "broken chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello", None),
    "half a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhello", None),
    "an enormous header": (http(RECORDS % b"x", f"X-Long: {LONG}\r\n"), None),
    "thousands of headers": (http(RECORDS % b"x", "X-One: 1\r\n" * 20_000), None),
    "a broken header": (http(RECORDS % b"x", "no header at all\r\n"), None),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", None),
    "nothing": (b"", None),
    "half a status": (b"HTTP/1.1 2", None),
    "a status of its own": (http(RECORDS % b"x", status="999 Whatever"), None),
    "a web page": (http(b"<!DOCTYPE html><html><body>Please log in</body></html>"), None),
    "an empty body": (http(b""), None),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", None),
    "NaN": (http(b'{"things": [{"id": 1, "name": NaN}]}'), None),
    "deep": (http(b'{"things": [{"id": 1, "name": ' + b"[" * 300 + b"]" * 300 + b"}]}"), None),
    "deeper": (http(b"[" * 100_000), None),
    "an error of any length": (http(b'{"message": "%s"}' % LONG.encode(), status="400 Bad"), None),
    "an error with NUL": (http(b'{"message": "a\\u0000\\ud800b"}', status="500 Oh"), None),
    "an error in a list": (http(b'[["no", {"message": 7}]]', status="422 No"), None),
}
SMALL = definition(
    read="""
    request: {path: /things}
    records: things
    id: id
"""
)


async def test_whatever_comes_over_the_wire_gives_records_or_a_classed_error() -> None:
    sending = [b""]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sending[0])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, scripted_provider() as provider:
        provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        found: dict[str, str | None] = {}
        for name, (sent, _) in WIRE.items():
            sending[0] = sent
            try:
                connector = provider.connector(SMALL, timeout=5, max_bytes=1_000_000)
                [record] = (await connector.read_page(ReadQuery("things", ("name",)))).records
                found[name] = record.fields["name"]
            except ProviderError as error:
                helpful(error)
                found[name] = None
    assert found == {name: expected for name, (_, expected) in WIRE.items()}


@pytest.mark.parametrize(
    ("number", "exact"),
    [("9007199254740993", 2**53 + 1), ("1" * 400, "1" * 400), ("-1e400", "-1e400"), ("1.5e300", 1.5e300)],
)
def test_a_number_of_any_size_is_kept_in_any_encoding(number: str, exact: Any) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        told = Told(200, CIMultiDict(), f'{{"n": {number}}}'.encode(encoding))
        assert read_json(told) == {"n": exact}


def test_brackets_in_texts_are_no_depth() -> None:
    for text in ("{" * 500, "}" * 500, "[{" * 300 + "]}" * 300):
        told = Told(200, CIMultiDict(), orjson.dumps({"text": text, "list": [[{}]]}))
        assert read_json(told) == {"text": text, "list": [[{}]]}
    deep = json.loads('{"a": [' * 150 + "]}" * 150)
    with pytest.raises(MalformedAnswer, match="nested deeper than 200"):
        read_json(Told(200, CIMultiDict(), json.dumps([deep, "{"]).encode()))
