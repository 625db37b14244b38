"""Records whose list tells too little: each is asked for by itself, a few at a time, in order."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from conjunct.connectors import ReadNotSupported, ReadQuery, SearchQuery
from conjunct.connectors.errors import ServerFailed
from conjunct.connectors.several import AT_ONCE, several

from .scripted import Received, Reply, ScriptedProvider, definition, ids, read_all

READ = """
    request: {path: "/{object}", query: {cursor: "{cursor}", since: "{since}"}}
    records: data
    client_filter: {at: changed, order: desc}
    page: {style: cursor, at: next}
    hydrate:
      request: {path: "/{object}/{id}"}
      at: whole
"""
OBJECTS = """  things: {search: {request: {path: /search, query: {name: "{filter|csv}"}}}}
  merged: {read: {hydrate: {merge: true, take: {kind: type.name}, request: {path: "/{kind}", query: {id: "{id}"}}}}}
  inner: {read: {parent: {object: things, into: thing}, request: {path: "/things/{parent_id}/inner"}}}
"""
TEXT = definition(OBJECTS, read=READ)


def things(listed: list[dict[str, Any]], whole: dict[str, Any]) -> Any:
    """A provider that lists some and has those of `whole`, by the last part of the path or the parameter."""

    def answer(request: Received) -> Any:
        if request.path in ("/things", "/search", "/merged"):
            return {"data": listed}
        key = request.query.get("id") or request.path.rsplit("/", 1)[1]
        return {"whole": whole[key]} if key in whole else Reply({"message": "gone"}, 404)

    return answer


async def test_each_is_asked_for_and_those_that_are_gone_are_left_out(provider: ScriptedProvider):
    big = 2**63 + 1
    provider.answer = things(
        [{"id": 3}, {"id": "gone"}, {"id": big}, {"id": "a/b"}, {"id": ".."}, {"id": "odd"}],
        {"3": {"id": 3, "name": "Ada"}, str(big): {"id": big, "name": "B"}, "b": {"name": "no"}, "odd": [1]},
    )
    query = ReadQuery("things", ("name",))
    pages = await read_all(provider.connector(TEXT), query)
    assert ids(pages) == ["3", str(big), "a/b"]
    assert [record.fields for record in pages[0].records] == [{"name": "Ada"}, {"name": "B"}, {"name": "no"}]
    assert pages[0].records[0].raw == {"id": 3, "name": "Ada"}
    assert [(failed.index, failed.raw["id"]) for failed in pages[0].failed] == [(4, ".."), (5, "odd")]
    assert {each.raw_path for each in provider.received} >= {"/things/3", "/things/a%2Fb", f"/things/{big}"}
    page = await provider.connector(TEXT).search(SearchQuery("things", ("name",), (("name", "x"),)))
    assert [record.fields for record in page.records] == [record.fields for record in pages[0].records]
    assert len(page.failed) == 2


async def test_what_is_told_may_be_laid_over_what_is_listed(provider: ScriptedProvider):
    listed: list[dict[str, Any]] = [{"id": 1, "name": "old", "type": {"name": "cat"}}, {"id": 2, "type": {}}]
    provider.answer = things(listed, {"1": {"name": "new"}})
    pages = await read_all(provider.connector(TEXT), ReadQuery("merged", ("name", "type")))
    assert pages[0].records[0].fields == {"name": "new", "type": {"name": "cat"}}
    assert provider.received[1].raw_path == "/cat?id=1"
    assert [failed.raw for failed in pages[0].failed] == [listed[1]]


async def test_times_count_where_they_are_told_and_save_requests(provider: ScriptedProvider):
    new, old = "2026-01-05T00:00:00Z", "2026-01-01T00:00:00Z"
    listed: list[dict[str, Any]] = [{"id": 1, "changed": new}, {"id": 2}, {"id": 3}, {"id": 4, "changed": old}]
    whole = {str(number): {"id": number, "changed": time} for number, time in ((1, new), (2, new), (3, old), (4, new))}
    provider.answer = lambda request: {**things(listed, whole)(request), "next": "more"}
    query = ReadQuery("things", since=datetime(2026, 1, 2, tzinfo=UTC))
    page = await provider.connector(TEXT).read_page(query)
    assert ids([page]) == ["1", "2"]
    assert (page.filtered, page.next) == (2, None)  # the list is in order: the read ends at its first older record
    assert sorted(request.path for request in provider.received) == ["/things", "/things/1", "/things/2", "/things/3"]


async def test_records_under_parents_are_hydrated_too(provider: ScriptedProvider):
    def answer(request: Received) -> Any:
        match request.path.strip("/").split("/"):
            case ["things"]:
                return {"data": [{"id": "p"}]}
            case ["things", thing]:
                return {"whole": {"id": thing}}
            case ["things", "p", "inner"]:
                return {"data": [{"id": 1}, {"id": 2}]}
            case ["inner", inner]:
                return {"whole": {"id": inner, "name": f"n{inner}"}}
        raise AssertionError(request.path)

    provider.answer = answer
    pages = await read_all(provider.connector(TEXT), ReadQuery("inner", ("name", "thing")))
    assert [record.fields for record in pages[0].records] == [
        {"name": "n1", "thing": "p"},
        {"name": "n2", "thing": "p"},
    ]


async def test_by_ids_uses_the_same_request_where_it_needs_nothing_else(provider: ScriptedProvider):
    provider.answer = things([], {"1": {"id": 1, "name": "A"}})
    found = await provider.connector(TEXT).get_by_ids("things", ["1", "2"], ("name",))
    assert [(record.id, record.fields) for record in found] == [("1", {"name": "A"})]
    with pytest.raises(ReadNotSupported):
        await provider.connector(TEXT).get_by_ids("merged", ["1"])


async def test_an_error_fails_the_page(provider: ScriptedProvider):
    provider.answer = lambda request: (
        {"data": [{"id": 1}, {"id": 2}]} if request.path == "/things" else Reply({"message": "no"}, 500)
    )
    with pytest.raises(ServerFailed):
        await provider.connector(TEXT).read_page(ReadQuery("things"))


async def test_several_at_once_are_few_and_in_order_and_end_with_the_first_error():
    running = most = 0
    done: list[int] = []

    async def work(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(20 - number):
            await asyncio.sleep(0)
        running -= 1
        done.append(number)
        if number == 12:
            raise ServerFailed("no")
        return number * 2

    assert await several(work, range(10)) == [number * 2 for number in range(10)]
    assert (most, running) == (AT_ONCE, 0)
    assert await several(work, []) == []
    done.clear()
    with pytest.raises(ServerFailed):
        await several(work, range(10, 1000))
    assert len(done) < 10
