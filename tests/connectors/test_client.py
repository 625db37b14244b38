"""The connector: counting, checking credentials, unknown objects, slow and vanishing providers."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest

from conjunct.connectors import ErrorKind, ProviderError, ReadQuery, UnknownObject
from conjunct.connectors.auth import ApiKey, Credentials
from conjunct.connectors.errors import AuthInvalid, BadRequest, MalformedAnswer, TimedOut
from conjunct.connectors.transport import EgressTransport
from conjunct.core.egress import Egress, EgressPolicy

from .scripted import Received, Reply, ScriptedProvider, definition, ids, read_all

READ = """
    request: {path: /things, query: {limit: "{page_size}", offset: "{offset}", since: "{since}"}}
    records: data
    page: {style: offset, total_at: total, size: {default: 50}}
"""
COUNTED = definition("  things: {count: {via: read, at: total}}\n  others: {}", read=READ)
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("told", "expected"), [(0, 0), (12, 12), ("12", 12)])
async def test_counting_by_a_read_of_one_record(provider: ScriptedProvider, told: Any, expected: int):
    provider.answers({"data": [], "total": told})
    assert await provider.connector(COUNTED).count(ReadQuery("things", since=SINCE)) == expected
    assert provider.received[0].query == {"limit": "1", "offset": "0", "since": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize("told", [None, "many", -1, True, 1.5, {}])
async def test_a_count_that_is_none_is_malformed(provider: ScriptedProvider, told: Any):
    provider.answers({"data": [], "total": told})
    with pytest.raises(MalformedAnswer, match="total"):
        await provider.connector(COUNTED).count(ReadQuery("things"))


async def test_what_cannot_be_counted_is_unknown_without_a_request(provider: ScriptedProvider):
    connector = provider.connector(COUNTED)
    assert await connector.count(ReadQuery("others")) is None
    assert await connector.count(ReadQuery("things", until=SINCE)) is None
    assert provider.received == []


async def test_each_page_of_several_reads_is_asked_for_by_its_own_query(provider: ScriptedProvider):
    provider.answer = lambda _: {"data": [{"id": 1}], "total": 9}
    connector = provider.connector(COUNTED)
    every, changed = ReadQuery("things"), ReadQuery("things", since=SINCE)
    first = await connector.read_page(every)
    other = await connector.read_page(changed)
    await connector.read_page(every, first.next)
    await connector.read_page(changed, other.next)
    since = SINCE.isoformat().replace("+00:00", "Z")
    asked = [(each.query["offset"], each.query.get("since")) for each in provider.received]
    assert asked == [("0", None), ("0", since), ("1", None), ("1", since)]


async def test_a_read_begins_earlier_where_the_provider_tells_of_changes_late(provider: ScriptedProvider):
    late = READ + "    lookback: 60\n    client_filter: {at: changed, format: rfc3339}\n"
    provider.answer = lambda _: {
        "data": [{"id": 1, "changed": "2025-12-31T23:59:00Z"}, {"id": 2, "changed": "2025-12-31T23:58:59Z"}],
        "total": 2,
    }
    connector = provider.connector(definition(read=late))
    assert ids(await read_all(connector, ReadQuery("things", since=SINCE))) == ["1"]
    assert ids(await read_all(connector, ReadQuery("things"))) == ["1", "2"]
    assert ids(await read_all(connector, ReadQuery("things", since=datetime.min.replace(tzinfo=UTC)))) == ["1", "2"]
    assert [each.query.get("since") for each in provider.received][:2] == ["2025-12-31T23:59:00Z", None]


async def test_checking_the_credentials(provider: ScriptedProvider):
    connector = provider.connector(definition(read=READ, top="check: {path: /me}"))
    provider.answers({"id": 1}, Reply({"message": "who?"}, 401))
    await connector.check()
    with pytest.raises(AuthInvalid, match=r"who\?"):
        await connector.check()
    assert [each.path for each in provider.received] == ["/me", "/me"]
    await provider.connector(definition(read=READ)).check()
    assert len(provider.received) == 2


async def test_a_provider_that_answers_anyone_is_asked_about_the_credentials_with_each_read(provider: ScriptedProvider):
    read = """
    request: {path: "/{object}", query: {offset: "{offset}"}}
    page: {style: offset, size: {default: 1, max: 1}}"""
    connector = provider.connector(definition(read=read, top="check: {path: /me, guards_reads: true}"))
    me = {"id": 1}
    provider.answers([{"id": 1}], me, [{"id": 2}], [], me)
    assert ids(await read_all(connector, ReadQuery("things"))) == ["1", "2"]
    assert [each.path for each in provider.received] == ["/things", "/me", "/things", "/things", "/me"]

    provider.answers([{"id": 1}], me, [], Reply({"message": "no such key"}, 401))
    pages = connector.pages(ReadQuery("things"))
    assert [record.id for record in (await anext(pages)).records] == ["1"]
    with pytest.raises(AuthInvalid, match="no such key"):
        await anext(pages)


class Listening:
    """A keeper of credentials that are what they are, which notes what it hears of them."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self.heard: list[str] = []

    async def fresh(self) -> Credentials:
        return self.credentials

    async def renewed(self, _refused: Credentials) -> Credentials | None:
        return None

    async def accepted(self, _credentials: Credentials) -> None:
        self.heard.append("accepted")

    async def refused(self, _credentials: Credentials, error: ProviderError) -> None:
        self.heard.append(error.message)


@pytest.mark.parametrize(
    ("check", "me", "heard"),
    [
        ("{path: /me, guards_reads: true}", {"id": 1}, ["accepted"]),
        ("{path: /me, guards_reads: true}", Reply({"message": "no such key"}, 401), ["no such key"]),
        ("{path: /me}", None, ["accepted"]),
    ],
)
async def test_what_anyone_may_read_proves_no_credentials(
    provider: ScriptedProvider, check: str, me: Any, heard: list[str]
):
    key = ApiKey("k")
    keeper = Listening(key)
    connector = provider.connector(definition(read=READ, top=f"check: {check}"), key, keeper=keeper)
    provider.answers({"data": [{"id": 1}]}, me)
    with contextlib.suppress(AuthInvalid):
        await connector.read_page(ReadQuery("things"))
    assert keeper.heard == heard


async def test_an_object_that_the_provider_does_not_have(provider: ScriptedProvider):
    with pytest.raises(UnknownObject) as caught:
        await provider.connector(COUNTED).read_page(ReadQuery("nothing"))
    assert caught.value.remedy == "There are: things, others."


async def test_any_other_object_where_the_definition_says_so(provider: ScriptedProvider):
    text = definition('  "*": {}', read=READ.replace("/things", '"/o/{object}"'))
    provider.answers({"data": []})
    await provider.connector(text).read_page(ReadQuery("custom thing"))
    assert provider.received[0].raw_path.startswith("/o/custom%20thing?")


async def test_long_urls_give_way_to_the_variant_for_them(provider: ScriptedProvider):
    text = definition(
        read="""
    max_url: 500
    request: {path: /things, query: {fields: "{fields|csv}"}}
    variants: [{when: [long_url], request: {method: POST, path: /search, body: {fields: {$list: fields}}}}]
    records: data
"""
    )
    provider.answer = lambda _: {"data": []}
    connector = provider.connector(text)
    names = tuple(f"field_{number}" for number in range(100))
    await connector.read_page(ReadQuery("things", ("a", "b")))
    await connector.read_page(ReadQuery("things", names))
    short, long = provider.received
    assert (short.method, short.query) == ("GET", {"fields": "a,b"})
    assert (long.path, long.json) == ("/search", {"fields": list(names)})


def test_bounds_need_a_time_zone():
    with pytest.raises(ValueError, match="time zone"):
        ReadQuery("things", since=datetime(2026, 1, 1))  # noqa: DTZ001


async def test_a_provider_that_does_not_answer_in_time(provider: ScriptedProvider):
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _reader, writer: held.append(writer), "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(TimedOut) as caught:
        await provider.connector(COUNTED, timeout=0.05).read_page(ReadQuery("things"))
    held[0].close()
    server.close()
    assert (caught.value.kind, caught.value.sent, caught.value.retryable) == (ErrorKind.TIMEOUT, True, True)


async def test_private_addresses_are_refused_unless_the_operator_named_the_server(provider: ScriptedProvider):
    provider.answer = lambda _: {"data": [], "total": 0}
    async with Egress(policy=EgressPolicy(), user_agent="test") as egress:
        port = int(provider.url.rpartition(":")[2])
        guarded, other, named = (
            provider.connector(COUNTED, transport=EgressTransport(egress, private_servers=frozenset(servers)))
            for servers in ((), (("127.0.0.1", port + 1),), (("127.0.0.1", port),))
        )
        for refused in (guarded, other):
            with pytest.raises(BadRequest, match="network") as caught:
                await refused.read_page(ReadQuery("things"))
            assert caught.value.hopeless
        assert provider.received == []
        await named.read_page(ReadQuery("things"))
        assert len(provider.received) == 1


async def test_many_reads_at_once_share_a_connector(provider: ScriptedProvider):
    def answer(request: Received) -> Any:
        offset = int(request.query["offset"])
        return {"data": [{"id": f"{request.query['since']}/{offset}"}], "total": 3}

    provider.answer = answer
    connector = provider.connector(COUNTED)

    async def read(year: int) -> list[str | None]:
        query = ReadQuery("things", since=datetime(year, 1, 1, tzinfo=UTC))
        return [record.id async for page in connector.pages(query) for record in page.records]

    found = await asyncio.gather(*(read(year) for year in range(2000, 2020)))
    assert found == [[f"{year}-01-01T00:00:00Z/{n}" for n in range(3)] for year in range(2000, 2020)]


async def test_a_broken_answer_is_a_classed_error(provider: ScriptedProvider):
    provider.answers(Reply(b"x" * 100, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(ProviderError) as caught:
        await provider.connector(COUNTED).read_page(ReadQuery("things"))
    assert caught.value.kind is ErrorKind.MALFORMED
