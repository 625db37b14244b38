"""A read that gets nowhere ends with a reason, in every way in which a provider lists its records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from conjunct.actions.read.guarding import EMPTY_PAGES, Guard, check_amount
from conjunct.actions.read.messages import Envelope, pack
from conjunct.connectors import CursorLoop, Page, ReadQuery
from conjunct.delivery import Message
from tests.connectors.scripted import Received, Reply, ScriptedProvider, definition, scripted_provider

THINGS = ReadQuery("things")
ENVELOPE = Envelope("p", "d", "o", b"{")
ROWS = [{"id": 1}, {"id": 2}]


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with scripted_provider() as server:
        yield server


def listed(page: str, query: str, records: str = "data") -> str:
    """A definition that lists its things so."""
    return definition(
        read=f"""
    request: {{path: /things, query: {{{query}}}}}
    records: "{records}"
    page: {{{page}}}
"""
    )


def _next(received: Received) -> int:
    return int(received.query.get("at", "0")) + 1


# What a provider that names new pages for ever, all with the same records, answers in each style.
ENDLESS: dict[str, tuple[str, Callable[[Received], Any]]] = {
    "next_url": (
        listed("style: next_url, at: next", ""),
        lambda received: {"data": ROWS, "next": f"/things?at={_next(received)}"},
    ),
    "link_header": (
        listed("style: link_header", "", records=""),
        lambda received: Reply(ROWS, headers={"Link": f'</things?at={_next(received)}>; rel="next"'}),
    ),
    "cursor": (
        listed("style: cursor, at: next", 'at: "{cursor}"'),
        lambda received: {"data": ROWS, "next": str(_next(received))},
    ),
    "keyset": (
        listed("style: keyset, from_last: id", 'at: "{after}"'),
        lambda _received: {"data": ROWS},
    ),
    "offset": (listed("style: offset", 'at: "{offset}"'), lambda _received: {"data": ROWS}),
    "page": (listed("style: page", 'at: "{page}"'), lambda _received: {"data": ROWS}),
}


UNDER_BOARDS = definition(
    """  boards: {}
  things:
    read:
      parent: {object: boards}
      request: {path: "/boards/{parent_id}"}
""",
    read="""
    request: {path: "/{object}", query: {at: "{cursor}"}}
    records: data
    page: {style: cursor, at: next}
""",
)


@pytest.mark.parametrize("style", ENDLESS)
async def test_pages_with_the_same_records_over_and_over_end_a_read(provider: ScriptedProvider, style: str) -> None:
    text, provider.answer = ENDLESS[style]
    with pytest.raises(CursorLoop) as raised:
        await follow(provider, text)
    assert len(provider.received) <= 8
    assert any(words in str(raised.value) for words in ("same records", "same page"))


async def test_pages_that_come_round_in_a_large_circle_end_a_read_however_often_it_was_interrupted(
    provider: ScriptedProvider,
) -> None:
    provider.answer = lambda received: {"data": [{"id": _next(received) % 30}], "next": str(_next(received))}
    with pytest.raises(CursorLoop, match="same records"):
        await follow(provider, ENDLESS["cursor"][0])
    assert len(provider.received) < 30 * 8


async def test_cursors_that_come_round_end_a_read(provider: ScriptedProvider) -> None:
    asked = iter(range(10**6))
    provider.answer = lambda received: {"data": [{"id": next(asked)}], "next": str(_next(received) % 7)}
    with pytest.raises(CursorLoop, match="round in a circle"):
        await follow(provider, ENDLESS["cursor"][0])
    assert len(provider.received) < 7 * 4


async def test_the_same_records_under_many_parents_are_read_to_the_end(provider: ScriptedProvider) -> None:
    """A task may stand in many projects, and be all that has changed in each of them."""
    boards = [{"id": f"b{number}"} for number in range(40)]
    provider.answer = lambda received: {"data": boards if received.path == "/boards" else [{"id": "task"}]}
    assert await follow(provider, UNDER_BOARDS) == 10


async def test_the_same_records_of_one_parent_over_and_over_end_a_read(provider: ScriptedProvider) -> None:
    def answer(received: Received) -> Any:
        if received.path == "/boards":
            return {"data": [{"id": "b0"}, {"id": "b1"}]}
        return {"data": [{"id": "task"}], "next": str(_next(received)) if received.path == "/boards/b1" else None}

    provider.answer = answer
    with pytest.raises(CursorLoop, match="same records"):
        await follow(provider, UNDER_BOARDS)


async def test_new_records_on_every_page_are_read_to_the_end(provider: ScriptedProvider) -> None:
    provider.answer = lambda received: {
        "data": [{"id": _next(received)}],
        "next": str(_next(received)) if _next(received) < 200 else None,
    }
    assert await follow(provider, ENDLESS["cursor"][0]) == 200


def test_a_page_may_come_twice_for_records_move_while_they_are_listed() -> None:
    guard = Guard()
    for number, content in enumerate(["a", "b", "b", "c", "d", "d", "e"]):
        guard = guard.after(Page([], next=str(number)), [message(content)])


def test_pages_without_a_record_end_a_read_when_there_are_ten_thousand_in_a_row() -> None:
    guard = Guard(empty=EMPTY_PAGES - 1)
    seen = guard.after(Page([], next="1", filtered=3), [])
    assert seen.empty == 0  # the provider did list some, which were none of ours
    last = guard.after(Page([], next="1"), [])
    with pytest.raises(CursorLoop, match="10,000 pages in a row"):
        Guard.of(last.to_json()).after(Page([], next="2"), [])


def test_far_more_records_than_the_provider_told_of_end_a_read() -> None:
    check_amount(109_999, 1000, beginnings=1)
    check_amount(10**9, None, beginnings=1)
    check_amount(10**9, 0, beginnings=1)
    check_amount(210_000, 1000, beginnings=2)
    with pytest.raises(CursorLoop, match="told of 1,000 records and has given 110,001"):
        check_amount(110_001, 1000, beginnings=1)


async def follow(provider: ScriptedProvider, text: str) -> int:
    """Read to the end as runs do, keeping and opening the guard at every page; gives the number of pages."""
    connector = provider.connector(text)
    guard, token, pages = Guard(), None, 0
    while True:
        page = await connector.read_page(THINGS, token)
        entries = ({"raw": record.raw} for record in page.records)
        messages = [each for each in pack(ENVELOPE, pages, entries) if isinstance(each, Message)]
        guard = Guard.of(guard.after(page, messages).to_json())
        pages += 1
        token = page.next
        if token is None:
            return pages


def message(content: str) -> Message:
    """A message of one record."""
    return ENVELOPE.message(0, 0, [b'"%s"' % content.encode()], 1)
