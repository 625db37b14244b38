"""Every object of every provider, read from a mirror of its own definition: all pages, and every record once."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from conjunct.connectors import Connector, Definition, Page, ReadQuery, object_support, support
from conjunct.connectors.formats import TIMES, UnusableValue
from conjunct.connectors.searching import SearchQuery
from conjunct.providers import Catalog
from tests.connectors.scripted import ScriptedProvider, scripted_provider
from tests.providers.mirror import FIELD, FIRST_DAY, Mirror, on_the_wire

CATALOG = Catalog()
READ = [name for name in CATALOG.names() if support(CATALOG.get(name)).read]


@pytest.mark.parametrize("provider", READ)
async def test_every_object_is_read_whole_from_a_mirror_of_its_definition(provider: str):
    definition = CATALOG.get(provider)
    faults: dict[str, Any] = {}
    async with scripted_provider() as server:
        for listed in definition.objects:
            name = re.sub(r"\[(.)[^]]*\]", r"\1", listed).replace("*", "Widget")
            if not object_support(definition, name).read:
                continue
            try:
                found = await _faults(server, definition, name)
            except Exception as error:  # noqa: BLE001 - told with the object that it is about
                found = [repr(error)]
            if found:
                faults[name] = found
    assert faults == {}


async def _faults(server: ScriptedProvider, definition: Definition, name: str) -> list[str]:
    connector = server.connector(definition)
    mirror = Mirror(definition, name, connector._exchange.inputs, url=server.url)
    server.answer = mirror.answer
    can = object_support(definition, name)
    found = [*await _reads(server, mirror, ReadQuery(name, (FIELD,), page_size=2))]
    if can.incremental:
        found += await _incremental(server, mirror)
    if can.deleted:
        found += await _reads(server, mirror, ReadQuery(name, (FIELD,), page_size=2, deleted=True))
    if can.filter:
        server.received.clear()
        await connector.read_page(ReadQuery(name, (FIELD,), filters=(("name", "needle-1"),), page_size=2))
        found += [] if _was_said(server, "needle-1") else ["the filter is not sent"]
    found += await _others(server, connector, mirror)
    return [*found, *mirror.faults]


async def _reads(server: ScriptedProvider, mirror: Mirror, query: ReadQuery) -> list[str]:
    """What is odd about a read, and about going on from each of its pages with another connector."""
    connector = server.connector(mirror.definition)
    pages = [page async for page in connector.pages(query)]
    wanted = Counter(each.number for each in mirror.everything())
    found = _differences(mirror, pages, wanted)
    found += [f"failed: {each.reason}" for page in pages for each in page.failed]
    if mirror.plan.rule.id:
        ids = {record.id for page in pages for record in page.records}
        found += [] if ids == {each.id for each in mirror.everything()} else [f"{query}: other ids {ids}"]
    for page, following in pairwise(pages):
        again = await server.connector(mirror.definition).read_page(query, page.next)
        same = [each.fields for each in again.records] == [each.fields for each in following.records]
        found += [] if same else [f"{query}: the page at {page.next} is another one when it is read again"]
    return found


async def _incremental(server: ScriptedProvider, mirror: Mirror) -> list[str]:
    can, rule = object_support(mirror.definition, mirror.name), mirror.plan.rule
    since = FIRST_DAY + timedelta(days=2)
    server.received.clear()
    pages = [
        page
        async for page in server.connector(mirror.definition).pages(
            ReadQuery(mirror.name, (FIELD,), since=since, page_size=2)
        )
    ]
    limits = rule.client_filter is not None or "since" in mirror.moved
    bound = since - timedelta(seconds=rule.lookback or 0)
    wanted = Counter(each.number for each in mirror.everything() if each.day >= bound or not limits)
    found = _differences(mirror, pages, wanted)
    if can.pushed:
        moments = [bound + timedelta(seconds=step) for step in (-1, 0, 1)]
        texts = {str(style(moment)) for style in TIMES.values() for moment in moments}
        found += [] if any(_was_said(server, text) for text in texts) else ["since is not sent"]
    return found


def _differences(mirror: Mirror, pages: list[Page], wanted: Counter[int]) -> list[str]:
    told = Counter(record.fields[FIELD] for page in pages for record in page.records)
    if mirror.repeats:  # the last of a page begins the next one
        told = Counter(told.keys())
    return [] if told == wanted else [f"read {sorted(told.items())}, not {sorted(wanted.items())}"]


async def _others(server: ScriptedProvider, connector: Connector, mirror: Mirror) -> list[str]:
    can, known, found = object_support(mirror.definition, mirror.name), mirror.plan.definition, list[str]()
    every = mirror.everything()
    if known.search is not None:
        mirror.kinds = frozenset({"search"})
        server.received.clear()
        field, value = next(iter(known.search.fields), FIELD), "needle-1"
        try:
            page = await connector.search(SearchQuery(mirror.name, (FIELD,), ((field, value),)))
        except UnusableValue:
            value = "4711"
            page = await connector.search(SearchQuery(mirror.name, (FIELD,), ((field, value),)))
        found += [] if page.records and _was_said(server, value) else ["search: the value is not sent"]
    if known.count is not None:
        mirror.kinds = frozenset({"count" if known.count.request is not None else "read"})
        total = await connector.count(ReadQuery(mirror.name))
        found += [] if total == len(every) else [f"count: {total}, not {len(every)}"]
    if can.by_ids:
        mirror.kinds = frozenset({"by_ids"})
        asked = [every[1].id, every[0].id]
        records = await connector.get_by_ids(mirror.name, asked, (FIELD,))
        found += [] if [each.id for each in records] == asked else [f"by_ids: {[each.id for each in records]}"]
    return found


def _was_said(server: ScriptedProvider, text: str) -> bool:
    return any(text in on_the_wire(received) for received in server.received)
