"""Lists that end at some depth, and pointers in headers: nothing is lost where a read begins anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conjunct.connectors import ReadQuery
from conjunct.connectors.errors import BadRequest, CursorLoop, ForeignUrl, MalformedAnswer

from .scripted import Received, Reply, ScriptedProvider, definition, ids, read_all

THINGS = ReadQuery("things")
START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = [
    # Three records a minute, so that bounds fall among records of the same time.
    {"id": number, "at": (START + timedelta(minutes=number // 3)).strftime("%Y-%m-%dT%H:%M:%SZ")}
    for number in range(40)
]


def section(page: str, query: str, more: str = "") -> str:
    return definition(
        read=f"    request: {{path: /things, query: {{{query}}}}}\n    records: data\n    page: {{{page}}}\n{more}"
    )


class Shallow:
    """Pages of four, in order of time, of which it gives three; `since` is inclusive, in seconds since 1970."""

    def __init__(self, position: str) -> None:
        self.position = position

    def __call__(self, request: Received) -> Any:
        since = float(request.query.get("since", 0))
        rows = [row for row in ROWS if datetime.fromisoformat(str(row["at"])).timestamp() >= since]
        here = int(request.query[self.position])
        start = (here - 1) * 4 if self.position == "page" else here
        return Reply({"message": "too deep"}, 400) if start >= 12 else {"data": rows[start : start + 4]}


@pytest.mark.parametrize(
    ("style", "limit", "where"),
    [("page", "when_page_ge: 4", False), ("offset", "when_offset_ge: 12", False), ("page", "when_page_ge: 4", True)],
)
async def test_a_read_begins_anew_at_the_time_of_the_last_record(
    provider: ScriptedProvider, style: str, limit: str, where: bool
):
    restart = f"restart: {{{limit}, var: since, from: at, format: rfc3339}}"
    bound = 'since: "{where}"' if where else 'since: "{since|unix}"'
    more = '    where: {terms: ["{since|unix}"]}\n' if where else ""
    text = section(f"style: {style}, {restart}", f'{style}: "{{{style}}}", {bound}', more)
    provider.answer = Shallow(style)
    pages = await read_all(provider.connector(text), THINGS)
    found = [int(str(each)) for each in ids(pages)]
    assert set(found) == set(range(40))
    assert len(found) < 60  # those of the time at which it began anew are read twice
    for cut in range(1, len(pages)):
        rest = [page async for page in provider.connector(text).pages(THINGS, pages[cut - 1].next)]
        assert ids(pages[:cut]) + ids(rest) == ids(pages)
    # The first page of an incremental read has its own bound; later ones begin after it.
    provider.received.clear()
    await read_all(provider.connector(text), ReadQuery("things", since=START + timedelta(minutes=2)))
    sinces = [float(each.query["since"]) for each in provider.received]
    assert sinces[0] == (START + timedelta(minutes=2)).timestamp()
    assert sinces == sorted(sinces)


async def test_more_records_of_one_time_than_can_be_reached_fail_instead_of_getting_lost(provider: ScriptedProvider):
    text = section(
        "style: page, restart: {when_page_ge: 3, var: since, from: at, format: unix}",
        'page: "{page}", since: "{since|unix}"',
    )

    def answer(request: Received) -> Any:
        page = int(request.query["page"])
        rows = [{"id": f"{page}.{n}", "at": 1767348000} for n in (1, 2)]
        return {"data": rows} if page < 3 else Reply({"message": "too deep"}, 400)

    provider.answer = answer
    with pytest.raises(BadRequest, match="too deep"):
        await read_all(provider.connector(text), THINGS)
    assert [(each.query["page"], each.query.get("since")) for each in provider.received] == [
        ("1", None),
        ("2", None),
        ("1", "1767348000"),
        ("2", "1767348000"),
        ("3", "1767348000"),
    ]
    provider.answers(*({"data": [{"id": page, "at": "soon"}]} for page in (1, 2)))
    with pytest.raises(MalformedAnswer, match="no time"):
        await read_all(provider.connector(text), THINGS)


class TestHeaders:
    async def test_a_page_that_a_header_names(self, provider: ScriptedProvider):
        text = section("style: page, header: X-Next-Page", 'page: "{page}"')
        provider.answers(
            Reply({"data": [{"id": 1}]}, headers={"x-next-page": "2"}),
            Reply({"data": [{"id": 2}]}, headers={"X-Next-Page": "5"}),
            Reply({"data": [{"id": 3}]}, headers={"X-Next-Page": ""}),
        )
        assert ids(await read_all(provider.connector(text), THINGS)) == ["1", "2", "3"]
        assert [each.query["page"] for each in provider.received] == ["1", "2", "5"]

    @pytest.mark.parametrize(
        ("next_page", "error"), [("1", CursorLoop), ("x", MalformedAnswer), ("-1", MalformedAnswer)]
    )
    async def test_a_page_that_is_none(self, provider: ScriptedProvider, next_page: str, error: type[Exception]):
        provider.answers(Reply({"data": [{"id": 1}]}, headers={"X-Next-Page": next_page}))
        with pytest.raises(error):
            await read_all(provider.connector(section("style: page, header: X-Next-Page", 'page: "{page}"')), THINGS)

    async def test_a_page_that_the_body_names(self, provider: ScriptedProvider):
        text = section("style: page, at: meta.next", 'page: "{page}"')
        provider.answers({"data": [{"id": 1}], "meta": {"next": 3}}, {"data": [{"id": 2}], "meta": {"next": None}})
        assert ids(await read_all(provider.connector(text), THINGS)) == ["1", "2"]
        assert provider.received[1].query == {"page": "3"}

    async def test_cursors_offsets_and_urls(self, provider: ScriptedProvider):
        for style, value in (("cursor", "c&1"), ("offset", "40")):
            provider.received.clear()
            provider.answers(Reply({"data": [{"id": 1}]}, headers={"X-More": value}), {"data": [{"id": 2}]})
            text = section(f"style: {style}, header: X-More", f'{style}: "{{{style}}}"')
            assert ids(await read_all(provider.connector(text), THINGS)) == ["1", "2"]
            assert provider.received[1].query == {style: value}
        text = section("style: next_url, header: X-More", "")
        provider.answers(Reply({"data": []}, headers={"X-More": "/things?p=2"}), {"data": [{"id": 2}]})
        assert ids(await read_all(provider.connector(text), THINGS)) == ["2"]
        provider.answers(Reply({"data": []}, headers={"X-More": "https://evil.test/things"}))
        with pytest.raises(ForeignUrl):
            await read_all(provider.connector(text), THINGS)
