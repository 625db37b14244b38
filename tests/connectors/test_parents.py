"""Records that are listed under each record of another object: all of them, whatever happens to the parents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from conjunct.connectors import BadPageToken, LoopGuard, ReadNotSupported, ReadQuery
from conjunct.connectors.errors import AccessForbidden, CursorLoop

from .scripted import Received, Reply, ScriptedProvider, definition, ids, read_all

READ = """
    request: {path: "/{object}", query: {cursor: "{cursor}", limit: "{page_size}", since: "{since}"}}
    records: data
    page: {style: cursor, at: next, size: {default: 3, max: 200}}
"""
OBJECTS = """  boards: {}
  items:
    read:
      parent: {object: boards, take: {key: slug}, into: board_id}
      request: {path: "/boards/{parent_id}/{key}"}
  notes:
    read:
      parent: {object: items, take: {board: board_id}}
      request: {path: "/boards/{board}/items/{parent_id}/notes"}
  changes:
    read:
      parent: {object: boards, bounded: true}
      request: {path: "/changes", query: {board: "{parent_id}"}}
      client_filter: {at: at, order: desc}
"""
TEXT = definition(OBJECTS, read=READ)
ITEMS = ReadQuery("items", ("name", "board_id"))


class Boards:
    """Boards b0, b1, …, so many on a page; each has as many items as `sizes` says, two on a page. None: it is gone."""

    def __init__(self, *sizes: int | None, page: int = 3, fields: Any = None) -> None:
        self.sizes = sizes
        self.page = page
        self.fields = fields or {}

    def __call__(self, request: Received) -> Any:
        start = int(request.query.get("cursor", 0))
        match request.path.strip("/").split("/"):
            case ["boards"]:
                rows = [{"id": f"b{n}", "slug": f"s{n}", **self.fields} for n in range(len(self.sizes))]
                return self.paged(rows, start, self.page)
            case ["boards", board, slug]:
                number = int(board[1:])
                assert slug == f"s{number}"
                size = self.sizes[number]
                if size is None:
                    return Reply({"message": "gone"}, 404)
                return self.paged([{"id": number * 100 + n, "name": f"n{n}"} for n in range(size)], start, 2)
            case ["boards", board, "items", item, "notes"]:
                return {"data": [{"id": f"{board}/{item}"}]}
        raise AssertionError(request.path)

    @staticmethod
    def paged(rows: list[Any], start: int, size: int) -> Any:
        following = start + size
        return {"data": rows[start:following], "next": following if following < len(rows) else None}

    @property
    def expected(self) -> list[str]:
        return sorted(str(b * 100 + n) for b, size in enumerate(self.sizes) for n in range(size or 0))


@pytest.mark.parametrize(
    "boards",
    [
        Boards(),
        Boards(1),
        Boards(0, 0, 0, 0, 0, 5, 0, 1),
        Boards(3, None, 2, 0, 7, None, 1),
        Boards(*[0] * 90, 1, *[None] * 30, page=7),
        Boards(*[1] * 9, page=450),
    ],
)
async def test_all_are_read_and_a_read_can_be_taken_up_after_each_page(provider: ScriptedProvider, boards: Boards):
    provider.answer = boards
    pages = await read_all(provider.connector(TEXT), ITEMS)
    assert sorted(str(each) for each in ids(pages)) == boards.expected
    assert all(record.fields["board_id"] == f"b{record.raw['id'] // 100}" for page in pages for record in page.records)
    assert [page.total for page in pages] == [None] * len(pages)
    for cut in range(1, len(pages)):
        rest = [page async for page in provider.connector(TEXT).pages(ITEMS, pages[cut - 1].next)]
        assert ids(pages[:cut]) + ids(rest) == ids(pages)


async def test_a_page_that_lists_very_many_parents_is_asked_for_again_and_its_token_stays_small(
    provider: ScriptedProvider,
):
    boards = provider.answer = Boards(*[1] * 430, page=430)
    pages = await read_all(provider.connector(TEXT), ITEMS)
    assert sorted(str(each) for each in ids(pages)) == boards.expected
    assert sum(request.path == "/boards" for request in provider.received) == 3
    assert max(len(page.next or "") for page in pages) < 12_000
    # The last parent that was taken is gone: the page begins again, so that none is left out.
    cut = next(page for page in pages if page.next and '"left":[]' in page.next)
    provider.answer = lambda request: (
        {"data": [{"id": "b1", "slug": "s1"}]} if request.path == "/boards" else boards(request)
    )
    assert ids([page async for page in provider.connector(TEXT).pages(ITEMS, cut.next)]) == ["100"]


async def test_parents_that_change_meanwhile_do_not_move_the_place(provider: ScriptedProvider):
    provider.answer = Boards(3, 3, 3, 3, 3, page=5)
    first = await provider.connector(TEXT).read_page(ITEMS)
    provider.answer = Boards(3, None, 3, 3, 3, page=5)  # the second is deleted, and its second page with it
    rest = [page async for page in provider.connector(TEXT).pages(ITEMS, first.next)]
    assert sorted(map(str, ids([first, *rest]))) == sorted(
        str(b * 100 + n) for b in range(5) for n in range(3) if (b, n) != (1, 2)
    )


async def test_two_levels(provider: ScriptedProvider):
    boards = provider.answer = Boards(3, None, 2, 0, 5)
    pages = await read_all(provider.connector(TEXT), ReadQuery("notes"))
    assert sorted(map(str, ids(pages))) == sorted(f"b{int(each) // 100}/{each}" for each in boards.expected)
    for cut in range(1, len(pages)):
        rest = [page async for page in provider.connector(TEXT).pages(ReadQuery("notes"), pages[cut - 1].next)]
        assert ids(pages[:cut]) + ids(rest) == ids(pages)


async def test_many_parents_without_records_give_empty_pages_that_keep_the_place(provider: ScriptedProvider):
    provider.answer = Boards(*[0] * 100, 2, page=200)
    pages = await read_all(provider.connector(TEXT), ITEMS)
    assert [len(page.records) for page in pages] == [0, 0, 2]
    guard = LoopGuard()
    for page in pages[:-1]:
        guard.check(page.next or "")


async def test_bounds_go_to_the_records_and_only_the_beginning_to_bounded_parents(provider: ScriptedProvider):
    times = ["2026-01-05T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-01T00:00:00Z"]

    def answer(request: Received) -> Any:
        if request.path == "/boards":
            return {"data": [{"id": "b0"}, {"id": "b1"}]}
        number = int(request.query.get("cursor", 0))
        return {"data": [{"id": f"{request.query['board']}.{number}", "at": times[number]}], "next": number + 1}

    provider.answer = answer
    bounds: dict[str, Any] = {"since": datetime(2026, 1, 2, tzinfo=UTC), "until": datetime(2026, 1, 4, tzinfo=UTC)}
    pages = await read_all(provider.connector(TEXT), ReadQuery("changes", **bounds))
    assert ids(pages) == ["b0.1", "b1.1"]
    assert provider.received[0].query == {"limit": "100", "since": "2026-01-02T00:00:00Z"}
    assert len(provider.received) == 7  # each list ends at its first older record
    provider.received.clear()
    provider.answer = Boards(1)
    await read_all(provider.connector(TEXT), ReadQuery("items", **bounds))
    assert [request.query for request in provider.received] == [
        {"limit": "100"},
        {"limit": "3", "since": "2026-01-02T00:00:00Z"},
    ]


@pytest.mark.parametrize("identifier", ["..", ".", "a//b", "/"])
async def test_a_parent_whose_id_cannot_stand_in_an_address_is_told_of(provider: ScriptedProvider, identifier: str):
    provider.answers({"data": [{"id": identifier, "slug": "s"}, {"id": "b", "slug": "s"}]}, {"data": [{"id": 1}]})
    pages = await read_all(provider.connector(TEXT), ITEMS)
    assert ids(pages) == ["1"]
    assert [failed.raw["id"] for page in pages for failed in page.failed] == [identifier]
    assert [request.path for request in provider.received] == ["/boards", "/boards/b/s"]


async def test_an_id_is_one_segment_of_the_address(provider: ScriptedProvider):
    provider.answers(
        {"data": [{"id": "a b?", "slug": "ü"}, {"id": 2**60, "slug": 7}, {"id": 5}]}, {"data": []}, {"data": []}
    )
    pages = await read_all(provider.connector(TEXT), ITEMS)
    assert {each.raw_path for each in provider.received} >= {
        "/boards/a%20b%3F/%C3%BC?limit=3",
        f"/boards/{2**60}/7?limit=3",
    }
    assert [failed.raw for page in pages for failed in page.failed] == [{"id": 5}]  # it lacks what the address needs


async def test_other_errors_end_the_read_and_a_circle_is_seen(provider: ScriptedProvider):
    provider.answers({"data": [{"id": "b", "slug": "s"}]}, Reply({"message": "no"}, 403))
    with pytest.raises(AccessForbidden):
        await read_all(provider.connector(TEXT), ITEMS)
    provider.answer = lambda _: {"data": [{"id": 1, "slug": "s"}], "next": "same"}
    with pytest.raises(CursorLoop):
        await read_all(provider.connector(TEXT), ITEMS)


async def test_what_cannot_be_read_is_refused_before_the_parents_are_asked(provider: ScriptedProvider):
    connector = provider.connector(TEXT)
    with pytest.raises(ReadNotSupported):
        await connector.read_page(ReadQuery("items", filters=(("a", 1),)))
    assert await connector.count(ITEMS) is None
    assert provider.received == []


@pytest.mark.parametrize(
    "token",
    ['{"tour":5}', '{"tour":{}}', '{"tour":{"left":[5]}}', '{"tour":{"left":[{"id":5}]}}',
     '{"tour":{"left":[],"further":5}}', '{"tour":{"left":[],"after":5}}', '{"tour":{"left":[{"id":"a","take":[]}]}}',
     '{"tour":{"left":[{"id":"a","at":{"vars":5}}]}}'],
)  # fmt: skip
async def test_a_token_of_other_make_is_refused(provider: ScriptedProvider, token: str):
    with pytest.raises(BadPageToken):
        await provider.connector(TEXT).read_page(ITEMS, token)
