"""The engine that runs provider definitions: mapping records, building requests, and a long read in constant memory.

Each beside the least that would do the same for one provider by hand: no lookup of names in any letter case, no failed
records, no templates, no checks of where a next page leads. How near the engine comes to that is told without a
verdict: what is promised is the whole way of a read, which `reads` measures, and memory that does not grow.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_network
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import aiohttp
import orjson
from aiohttp import web

from benchmarks.children import Child, cpu_seconds, in_child
from benchmarks.report import Row
from conjunct.connectors import ApiKey, Connector, EgressTransport, ReadQuery, load_definition
from conjunct.connectors.page_tokens import PageToken
from conjunct.connectors.plans import object_plan
from conjunct.connectors.reading import Reader
from conjunct.connectors.records import compile_reader
from conjunct.core.egress import Egress, EgressPolicy

RECORDS = 1_000_000
PAGE = 1_000
WARM = 100_000
"""Records after which memory is what it will be."""

ROOM = 16
"""MB that the memory of a long read may grow by after that: what the allocator keeps, not records."""

NO_BUDGET = "none of its own: it is part of what `reads` measures"

ROUNDS = 9
CALLS = 2_000
"""Records or requests a round."""

NEGLIGIBLE = "none: a provider takes milliseconds to answer it"

NAMES = tuple(f"field{number}" for number in range(10))
SINCE = datetime(2026, 1, 1, tzinfo=UTC)

DEFINITION = """
spec: conjunct/provider@1
name: bench
display: Bench
base_url: https://api.example.com
auth: {type: apiKey, name: X-Key}
anchors: {page: &page {style: cursor, at: next, size: {default: 1000}}}
defaults: {read: {id: id, records: results}}
objects:
  flat:
    read:
      page: *page
      request:
        path: /things
        query: {fields: "{fields|csv}", since: "{since}", limit: "{page_size}", after: "{cursor}"}
  placed: {read: {request: {path: /things}, fields_from: [properties, ""]}}
  customs: {read: {request: {path: /things}, custom_fields: {at: custom, name: name, value: value}}}
  search:
    read:
      page: *page
      request:
        method: POST
        path: /search
        body:
          properties: "{fields}"
          filterGroups: [{filters: [{propertyName: changed, operator: GTE, value: "{since|unix_ms}"}]}]
          limit: "{page_size}"
          after: "{cursor}"
  soql:
    read:
      where: {prefix: " WHERE ", join: " AND ", terms: ["SystemModstamp > {since}", "SystemModstamp <= {until}"]}
      request: {path: /query, query: {q: "SELECT {fields|names} FROM Account{where}"}}
  graphql:
    read:
      page: *page
      request:
        method: POST
        path: /graphql
        body:
          query: >-
            query($first: Int, $after: String) {{ things(first: $first, after: $after) {{ nodes {{ id name }} }} }}
          variables: {first: "{page_size}", after: "{cursor}", since: "{since}"}
"""


class Speed(NamedTuple):
    """CPU seconds of the reader for so many records, and its resident memory in MB after the first and at the end."""

    seconds: float
    records: int
    warm: float
    end: float


async def run(_database_url: str) -> list[Row]:
    """Measure; no database is used."""
    rows = [*_mapping(), *_building()]
    with Child(_serve) as url:
        runs = [(await in_child(_bare, url), await in_child(_ours, url)) for _ in range(2)]
    bare, ours = (min(each) for each in zip(*runs, strict=True))  # the quicker one of each
    rate, bare_rate = ours.records / ours.seconds, bare.records / bare.seconds
    grown = ours.end - ours.warm
    return [
        *rows,
        Row(
            f"read {RECORDS:,} records through a connector",
            f"{rate:,.0f} a CPU second",
            f"{bare_rate:,.0f}",
            rate / bare_rate,
            NO_BUDGET,
            None,
        ),
        Row(
            f"  memory, after {WARM:,} and at the end",
            f"{ours.warm:.0f} and {ours.end:.0f} MB",
            f"{bare.warm:.0f} and {bare.end:.0f} MB",
            None,
            f"≤ {ROOM} MB more",
            grown <= ROOM,
        ),
    ]


def _mapping() -> list[Row]:
    """µs a record, from parsed JSON to the requested fields."""
    values = {name: f"value of {name}" for name in NAMES}
    flat = [{"id": number, "extra": 1, **values} for number in range(PAGE)]
    placed = [{"id": str(number), "createdAt": "x", "properties": {"extra": 1, **values}} for number in range(PAGE)]
    listed = [{"name": name, "value": value} for name, value in values.items()]
    customs = [{"id": number, "custom": listed} for number in range(PAGE)]
    nested = [{"id": number, "owner": {"address": dict(values)}} for number in range(PAGE)]
    selectors = tuple(f"$['owner']['address']['{name}']" for name in NAMES)

    def bare_flat(entries: list[Any]) -> list[Any]:
        return [(str(raw["id"]), {name: raw[name] for name in NAMES}, raw) for raw in entries]

    def bare_placed(entries: list[Any]) -> list[Any]:
        return [(raw["id"], {name: raw["properties"][name] for name in NAMES}, raw) for raw in entries]

    def bare_customs(entries: list[Any]) -> list[Any]:
        return [
            (str(raw["id"]), {name: found[name] for name in NAMES}, raw)
            for raw in entries
            if (found := {each["name"]: each["value"] for each in raw["custom"]})
        ]

    def bare_nested(entries: list[Any]) -> list[Any]:
        return [
            (
                str(raw["id"]),
                {key: raw["owner"]["address"][name] for key, name in zip(selectors, NAMES, strict=True)},
                raw,
            )
            for raw in entries
        ]

    cases: list[tuple[str, str, tuple[str, ...], list[Any], Callable[[list[Any]], list[Any]]]] = [
        ("flat", "flat", NAMES, flat, bare_flat),
        ("in two places", "placed", NAMES, placed, bare_placed),
        ("custom fields", "customs", NAMES, customs, bare_customs),
        ("nested selectors", "flat", selectors, nested, bare_nested),
    ]
    known = load_definition(DEFINITION)
    rows = []
    for what, name, fields, entries, bare in cases:
        reader = compile_reader(object_plan(known, name).rule, fields)
        records, failed = reader.read(entries)
        if failed or [tuple(record)[:3] for record in records] != bare(entries):
            raise RuntimeError(f"{what}: the engine and the bare loop do not agree")
        rows.append(
            _row(
                f"map a record of 10 fields: {what}",
                partial(reader.read, entries),
                partial(bare, entries),
                PAGE,
                NO_BUDGET,
            )
        )
    return rows


def _building() -> list[Row]:
    """µs a request, from a query and a page token to the URL, headers and body."""
    stamp, cursor = "2026-01-01T00:00:00Z", "c-1"
    until = datetime(2026, 2, 1, tzinfo=UTC)
    base, names = "https://api.example.com", ",".join(NAMES)
    typed = {"Content-Type": "application/json"}

    def bare_get() -> Any:
        query = {"fields": names, "since": stamp, "limit": PAGE, "after": cursor}
        return "GET", f"{base}/things?{urlencode(query)}", {}, None

    def bare_search() -> Any:
        filters = [{"propertyName": "changed", "operator": "GTE", "value": int(SINCE.timestamp()) * 1000}]
        body = {"properties": list(NAMES), "filterGroups": [{"filters": filters}], "limit": PAGE, "after": cursor}
        return "POST", f"{base}/search", dict(typed), orjson.dumps(body)

    def bare_soql() -> Any:
        where = f"SystemModstamp > {stamp} AND SystemModstamp <= 2026-02-01T00:00:00Z"
        return "GET", f"{base}/query?{urlencode({'q': f'SELECT {names} FROM Account WHERE {where}'})}", {}, None

    text = "query($first: Int, $after: String) { things(first: $first, after: $after) { nodes { id name } } }"

    def bare_graphql() -> Any:
        body = {"query": text, "variables": {"first": PAGE, "after": cursor, "since": stamp}}
        return "POST", f"{base}/graphql", dict(typed), orjson.dumps(body)

    connector = Connector(load_definition(DEFINITION), transport=_Nowhere(), credentials=ApiKey("k"))
    reader: Reader = connector._reader
    here = PageToken(variables={"cursor": cursor})
    rows = []
    bare_ones = {"flat": ("GET", bare_get), "search": ("search body", bare_search), "soql": ("SOQL", bare_soql)}
    for name, (what, bare) in {**bare_ones, "graphql": ("GraphQL", bare_graphql)}.items():
        query = ReadQuery(name, NAMES, since=SINCE, until=until if name == "soql" else None)
        rows.append(_row(f"build a request: {what}", partial(_built, reader, query, here), bare, 1, NEGLIGIBLE))
    return rows


def _built(reader: Reader, query: ReadQuery, here: PageToken) -> Any:
    return reader.request(reader.turn(query, here))


class _Nowhere:
    async def request(self, *_arguments: Any, **_options: Any) -> Any:
        raise NotImplementedError


def _row(path: str, ours: Callable[[], Any], bare: Callable[[], Any], size: int, budget: str) -> Row:
    """Both in turn, so that whatever else the machine does hits both; the best round of each counts."""
    seconds = {ours: float("inf"), bare: float("inf")}
    for _ in range(ROUNDS):
        for do, best in seconds.items():
            begin = time.perf_counter()
            for _ in range(CALLS // size):
                do()
            seconds[do] = min(best, (time.perf_counter() - begin) / (CALLS // size * size))
    ratio = seconds[bare] / seconds[ours]
    measured, baseline = (f"{each * 1e6:.2f} µs" for each in (seconds[ours], seconds[bare]))
    return Row(path, measured, baseline, ratio, budget, None)


async def _serve(told: Connection) -> None:
    """Pages of records, made when they are asked for."""
    values = orjson.dumps({name: f"value of {name}" for name in NAMES})[1:-1]

    async def page(request: web.Request) -> web.Response:
        start = int(request.query.get("after") or 0)
        records = b",".join(b'{"id":%d,%s}' % (number, values) for number in range(start, start + PAGE))
        following = str(start + PAGE).encode() if start + PAGE < RECORDS else b"null"
        return web.Response(body=b'{"results":[%s],"next":%s}' % (records, following), content_type="application/json")

    app = web.Application()
    app.router.add_get("/things", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    told.send(f"http://127.0.0.1:{runner.addresses[0][1]}")
    await asyncio.Event().wait()


async def _ours(url: str) -> Speed:
    policy = EgressPolicy(allowed_networks=(ip_network("127.0.0.0/8"),))
    async with Egress(policy=policy, user_agent="conjunct-bench") as egress:
        connector = Connector(
            load_definition(DEFINITION),
            transport=EgressTransport(egress),
            credentials=ApiKey("k"),
            base_url_override=url,
        )
        begin, count, warm = cpu_seconds(), 0, 0.0
        async for page in connector.pages(ReadQuery("flat", NAMES)):
            count += len(page.records)
            if count == WARM:
                warm = _resident()
        return Speed(cpu_seconds() - begin, count, warm, _resident())


async def _bare(url: str) -> Speed:
    begin, count, warm, cursor = cpu_seconds(), 0, 0.0, 0
    async with aiohttp.ClientSession() as session:
        while cursor is not None:
            async with session.get(f"{url}/things?after={cursor}") as response:
                body = orjson.loads(await response.read())
            records = [(str(raw["id"]), {name: raw[name] for name in NAMES}, raw) for raw in body["results"]]
            cursor = body["next"]
            count += len(records)
            if count == WARM:
                warm = _resident()
    return Speed(cpu_seconds() - begin, count, warm, _resident())


def _resident() -> float:
    """This process's resident memory in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
