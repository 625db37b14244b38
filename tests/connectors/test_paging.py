"""Paging: each style to its end over HTTP, its stop rules, and the ways in which providers lead one astray."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conjunct.connectors import BadPageToken, LoopGuard, ReadQuery
from conjunct.connectors.errors import BadRequest, CursorLoop, ForeignUrl, MalformedAnswer
from conjunct.connectors.page_tokens import PageToken
from conjunct.connectors.paging import next_link
from conjunct.kit.clock import ManualClock

from .scripted import Received, Reply, ScriptedProvider, definition, ids, read_all

THINGS = ReadQuery("things")


def rows(first: int, last: int) -> list[dict[str, int]]:
    return [{"id": number} for number in range(first, last + 1)]


def read_section(page: str, query: str = "", records: str = "data") -> str:
    return definition(
        read=f"""
    request: {{path: /things, query: {{{query}}}}}
    records: "{records}"
    page: {{{page}}}
"""
    )


async def all_ids(provider: ScriptedProvider, text: str) -> list[str | None]:
    return ids(await read_all(provider.connector(text), THINGS))


async def test_none_is_one_page(provider: ScriptedProvider):
    provider.answers({"data": rows(1, 3), "next": "/more"})
    assert await all_ids(provider, read_section("style: none")) == ["1", "2", "3"]


class TestNextUrl:
    TEXT = read_section("style: next_url, at: links.next", 'limit: "2"')

    async def test_follows_absolute_and_relative_urls_with_their_own_query(self, provider: ScriptedProvider):
        provider.answers(
            {"data": rows(1, 2), "links": {"next": f"{provider.url}/things?page=b%2F2"}},
            {"data": rows(3, 4), "links": {"next": "/things?page=c"}},
            {"data": rows(5, 5), "links": {"next": "?page=d"}},
            {"data": rows(6, 6), "links": {"next": None}},
        )
        assert await all_ids(provider, self.TEXT) == ["1", "2", "3", "4", "5", "6"]
        assert [each.raw_path for each in provider.received] == [
            "/things?limit=2",
            "/things?page=b%2F2",
            "/things?page=c",
            "/things?page=d",
        ]
        assert all(each.headers["X-Key"] == "key-1" for each in provider.received)

    async def test_an_empty_page_with_a_next_url_goes_on(self, provider: ScriptedProvider):
        provider.answers({"data": [], "links": {"next": "/things?p=2"}}, {"data": rows(1, 1)})
        assert await all_ids(provider, self.TEXT) == ["1"]

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.test/things",
            "//evil.test/things",
            "http://127.0.0.1:1/things",
            "http://127.0.0.1@evil.test/",
            "http://evil.test\\@127.0.0.1/",
            "ftp://127.0.0.1/x",
            "javascript:alert(1)",
            "http://[::1/x",
        ],
    )
    async def test_a_url_on_another_host_is_refused(self, provider: ScriptedProvider, url: str):
        provider.answers({"data": rows(1, 2), "links": {"next": url}})
        with pytest.raises(ForeignUrl):
            await provider.connector(self.TEXT).read_page(THINGS)
        assert len(provider.received) == 1

    async def test_a_kept_token_with_another_host_is_refused(self, provider: ScriptedProvider):
        with pytest.raises(ForeignUrl):
            await provider.connector(self.TEXT).read_page(THINGS, PageToken(url="https://evil.test/x").encode())
        assert provider.received == []

    async def test_what_is_no_url_is_malformed(self, provider: ScriptedProvider):
        provider.answers({"data": rows(1, 2), "links": {"next": {"href": "/x"}}})
        with pytest.raises(MalformedAnswer, match=r"links\.next"):
            await provider.connector(self.TEXT).read_page(THINGS)

    async def test_the_same_url_again_is_a_loop(self, provider: ScriptedProvider):
        provider.answer = lambda _: {"data": rows(1, 2), "links": {"next": "/things?p=2"}}
        with pytest.raises(CursorLoop):
            await all_ids(provider, self.TEXT)
        assert len(provider.received) == 2

    async def test_a_circle_of_urls_is_a_loop(self, provider: ScriptedProvider):
        def answer(request: Received) -> Any:
            here = int(request.query.get("p", "0"))
            return {"data": rows(1, 2), "links": {"next": f"/things?p={(here + 1) % 5}"}}

        provider.answer = answer
        with pytest.raises(CursorLoop):
            await all_ids(provider, self.TEXT)
        assert len(provider.received) < 20

    async def test_a_key_in_the_query_is_sent_with_each_page_but_kept_in_no_token(self, provider: ScriptedProvider):
        text = self.TEXT.replace("{type: apiKey, name: X-Key}", "{type: apiKey, in: query, name: api_key}")
        provider.answers({"data": [], "links": {"next": "/things?p=2&api_key=key-1"}}, {"data": rows(1, 1)})
        connector = provider.connector(text)
        page = await connector.read_page(THINGS)
        assert page.next is not None
        assert "key-1" not in page.next
        await connector.read_page(THINGS, page.next)
        assert [each.query["api_key"] for each in provider.received] == ["key-1", "key-1"]
        assert provider.received[1].raw_path.count("api_key") == 1


class TestLinkHeader:
    TEXT = read_section("style: link_header", records="")

    async def test_follows_rel_next(self, provider: ScriptedProvider):
        provider.answers(
            Reply(rows(1, 2), headers={"Link": f'<{provider.url}/things?p=2,3>; rel="next", </a>; rel="last"'}),
            Reply(rows(3, 3), headers={"Link": '</things?p=1>; rel="prev"'}),
        )
        assert await all_ids(provider, self.TEXT) == ["1", "2", "3"]
        assert provider.received[1].query == {"p": "2,3"}

    async def test_a_link_to_another_host_is_refused(self, provider: ScriptedProvider):
        provider.answers(Reply(rows(1, 2), headers={"Link": '<https://evil.test/x>; rel="next"'}))
        with pytest.raises(ForeignUrl):
            await all_ids(provider, self.TEXT)

    @pytest.mark.parametrize(
        ("header", "target"),
        [
            ('<https://a/2>; rel="next"', "https://a/2"),
            ("<https://a/2>;rel=next", "https://a/2"),
            ('<https://a/0>; rel="prev", <https://a/2>; title="x"; rel="next"', "https://a/2"),
            ('<https://a/2>; REL="last Next"', "https://a/2"),
            ('<https://a/2>; rel="nextish"', None),
            ("", None),
            ("rubbish, <", None),
        ],
    )
    def test_reads_headers_as_rfc_8288_writes_them(self, header: str, target: str | None):
        assert next_link(header) == target


class TestCursor:
    TEXT = read_section(
        "style: cursor, at: next, size: {default: 2, max: 5}", 'limit: "{page_size}", cursor: "{cursor}"'
    )

    async def test_sends_the_cursor_until_there_is_none(self, provider: ScriptedProvider):
        provider.answers({"data": rows(1, 2), "next": "b&/="}, {"data": rows(3, 3), "next": ""})
        assert await all_ids(provider, self.TEXT) == ["1", "2", "3"]
        assert [each.query for each in provider.received] == [{"limit": "2"}, {"limit": "2", "cursor": "b&/="}]

    async def test_a_parameter_of_a_url_that_is_not_followed(self, provider: ScriptedProvider):
        text = self.TEXT.replace("at: next", "at: next, parameter: token")
        provider.answers({"data": rows(1, 2), "next": "https://elsewhere.test/x?a=1&token=b%26"}, {"data": rows(3, 3)})
        assert await all_ids(provider, text) == ["1", "2", "3"]
        assert [each.query.get("cursor") for each in provider.received] == [None, "b&"]
        provider.answer = lambda _: {"data": rows(1, 2), "next": "https://elsewhere.test/x?a=1"}
        with pytest.raises(MalformedAnswer, match="parameter 'token'"):
            await all_ids(provider, text)

    async def test_a_number_is_a_cursor_too(self, provider: ScriptedProvider):
        provider.answers({"data": rows(1, 2), "next": 2**60}, {"data": [], "next": 0})
        assert await all_ids(provider, self.TEXT) == ["1", "2"]
        assert provider.received[1].query["cursor"] == str(2**60)

    @pytest.mark.parametrize("cursor", [{"a": 1}, [1], 1.5, True])
    async def test_anything_else_is_malformed(self, provider: ScriptedProvider, cursor: Any):
        provider.answers({"data": rows(1, 2), "next": cursor})
        with pytest.raises(MalformedAnswer, match="cursor"):
            await all_ids(provider, self.TEXT)

    @pytest.mark.parametrize(("wish", "sent"), [(None, "2"), (3, "3"), (500, "5")])
    async def test_a_page_size_is_a_wish_within_the_limit(
        self, provider: ScriptedProvider, wish: int | None, sent: str
    ):
        await provider.connector(self.TEXT.replace("records", "records_optional: true\n    records")).read_page(
            ReadQuery("things", page_size=wish)
        )
        assert provider.received[0].query["limit"] == sent

    async def test_more_at_false_ends_the_read_whatever_the_cursor(self, provider: ScriptedProvider):
        provider.answers({"data": rows(1, 2), "next": "x", "has_more": False})
        assert await all_ids(provider, self.TEXT.replace("at: next", "at: next, more_at: has_more")) == ["1", "2"]

    async def test_stop_if_ends_the_read(self, provider: ScriptedProvider):
        provider.answers({"data": rows(1, 2), "next": "x", "last": True})
        assert await all_ids(provider, self.TEXT.replace("at: next", "at: next, stop_if: last")) == ["1", "2"]

    async def test_a_list_that_the_provider_cuts_short_does_not_pass_for_whole(self, provider: ScriptedProvider):
        text = self.TEXT.replace("at: next", "at: next, cut_if: {status.type: incomplete}")
        provider.answers({"data": rows(1, 2), "status": {"type": "complete"}})
        assert await all_ids(provider, text) == ["1", "2"]
        provider.answers({"data": rows(1, 2), "status": {"type": "incomplete"}})
        with pytest.raises(BadRequest, match="does not list all records"):
            await all_ids(provider, text)

    async def test_the_same_cursor_again_is_a_loop(self, provider: ScriptedProvider):
        provider.answer = lambda _: {"data": rows(1, 2), "next": "same"}
        with pytest.raises(CursorLoop):
            await all_ids(provider, self.TEXT)

    async def test_restarts_behind_the_last_record_and_the_bound_sticks(self, provider: ScriptedProvider):
        text = definition(
            read="""
    request: {path: /things, query: {cursor: "{cursor}", above: "{above}"}}
    records: data
    page: {style: cursor, at: next, restart: {when_cursor_ge: 4, var: above, from: id}}
"""
        )
        provider.answers(
            {"data": rows(1, 2), "next": "2"},
            {"data": rows(3, 4), "next": "4"},
            {"data": rows(5, 6), "next": "2"},
            {"data": rows(7, 8), "next": "4"},
            {"data": rows(9, 9)},
        )
        assert await all_ids(provider, text) == [str(number) for number in range(1, 10)]
        assert [each.query for each in provider.received] == [
            {},
            {"cursor": "2"},
            {"above": "4"},
            {"cursor": "2", "above": "4"},
            {"above": "8"},
        ]

    async def test_pages_by_time_begin_anew_each_time_and_go_on_within_a_moment_that_fills_one(
        self, provider: ScriptedProvider
    ):
        text = definition(
            read="""
    request: {path: /things, query: {page: "{page}", since: "{begin}"}}
    records: data
    page: {style: page, size: {default: 2}, restart: {each_page: true, var: begin, from: at}}
"""
        )
        times = {1: "a", 2: "b", 3: "b", 4: "b", 5: "c"}

        def answer(request: Received) -> Any:
            listed = [{"id": i, "at": at} for i, at in times.items() if at >= request.query.get("since", "")]
            start = 2 * int(request.query["page"]) - 2
            return {"data": listed[start : start + 2]}

        provider.answer = answer
        assert await all_ids(provider, text) == ["1", "2", "2", "3", "4", "5", "5"]
        asked = [(each.query.get("since"), each.query["page"]) for each in provider.received]
        assert asked == [(None, "1"), ("b", "1"), ("b", "2"), ("c", "1"), ("c", "2")]

    async def test_a_cursor_that_does_not_last_is_used_only_within_a_value_that_fills_a_page(
        self, provider: ScriptedProvider
    ):
        text = definition(
            read="""
    request: {path: /things, query: {cursor: "{cursor}", above: "{above}"}}
    records: data
    page: {style: cursor, at: next, restart: {each_page: true, var: above, from: at}}
"""
        )
        provider.answers(
            {"data": [{"id": 1, "at": "a"}, {"id": 2, "at": "b"}], "next": "x"},
            {"data": [{"id": 2, "at": "b"}, {"id": 3, "at": "b"}], "next": "y"},
            {"data": [{"id": 4, "at": "b"}]},
        )
        assert await all_ids(provider, text) == ["1", "2", "2", "3", "4"]
        assert [each.query for each in provider.received] == [{}, {"above": "b"}, {"cursor": "y", "above": "b"}]

    async def test_a_restart_that_comes_back_to_itself_is_a_loop(self, provider: ScriptedProvider):
        text = definition(
            read="""
    request: {path: /things, query: {cursor: "{cursor}", above: "{above}"}}
    records: data
    page: {style: cursor, at: next, restart: {when_cursor_ge: 4, var: above, from: id}}
"""
        )
        provider.answer = lambda _: {"data": rows(1, 4), "next": "4"}
        with pytest.raises(CursorLoop):
            await all_ids(provider, text)


def sliced(total: int, page: int = 2) -> Callable[[Received], Any]:
    """A provider with so many records, read by offset."""

    def answer(request: Received) -> Any:
        start = int(request.query["offset"])
        return {"data": rows(1, total)[start : start + page], "total": total, "more": start + page < total}

    return answer


class TestOffset:
    QUERY = 'limit: "{page_size}", offset: "{offset}"'

    @pytest.mark.parametrize(
        ("rule", "requests"),
        [
            ("size: {default: 2}", 4),
            ("size: {default: 2}, stop: short_page", 3),
            ("size: {default: 2}, total_at: total", 3),
            ("size: {default: 2}, more_at: more", 3),
            ("size: {default: 2}, advance: page_size", 4),
        ],
    )
    async def test_goes_on_until_a_stop_rule_holds(self, provider: ScriptedProvider, rule: str, requests: int):
        provider.answer = sliced(5)
        assert await all_ids(provider, read_section(f"style: offset, {rule}", self.QUERY)) == ["1", "2", "3", "4", "5"]
        assert len(provider.received) == requests
        assert [each.query["offset"] for each in provider.received][:3] == ["0", "2", "4"]

    async def test_a_server_that_gives_less_than_asked_loses_nothing(self, provider: ScriptedProvider):
        provider.answer = sliced(7, page=3)
        text = read_section("style: offset, size: {default: 50}, total_at: total", self.QUERY)
        assert await all_ids(provider, text) == [str(number) for number in range(1, 8)]

    async def test_the_provider_may_name_the_next_offset(self, provider: ScriptedProvider):
        provider.answers({"data": rows(1, 2), "offset": 40, "more": True}, {"data": rows(3, 3), "more": False})
        text = read_section("style: offset, at: offset, more_at: more", self.QUERY)
        assert await all_ids(provider, text) == ["1", "2", "3"]
        assert provider.received[1].query["offset"] == "40"

    async def test_an_offset_that_does_not_grow_is_a_loop(self, provider: ScriptedProvider):
        provider.answer = lambda _: {"data": rows(1, 2), "offset": 0, "more": True}
        with pytest.raises(CursorLoop):
            await all_ids(provider, read_section("style: offset, at: offset, more_at: more", self.QUERY))

    async def test_a_provider_that_ignores_the_offset_is_a_loop(self, provider: ScriptedProvider):
        provider.answer = lambda _: {"data": rows(1, 2)}
        with pytest.raises(CursorLoop, match="same page twice"):
            await all_ids(provider, read_section("style: offset, size: {default: 2}", self.QUERY))

    async def test_the_total_is_told_on_the_first_page_only(self, provider: ScriptedProvider):
        provider.answer = sliced(5)
        pages = await read_all(provider.connector(read_section("style: offset, total_at: total", self.QUERY)), THINGS)
        assert [page.total for page in pages] == [5, None, None]


class TestPage:
    QUERY = 'page: "{page}", per: "{page_size}"'

    @pytest.mark.parametrize(
        ("rule", "requests"),
        [("", 4), ("last_at: last", 3), ("stop: short_page, size: {default: 2}", 3), ("more_at: more", 3)],
    )
    async def test_counts_pages_until_a_stop_rule_holds(self, provider: ScriptedProvider, rule: str, requests: int):
        def answer(request: Received) -> Any:
            page = int(request.query["page"])
            return {"data": rows(1, 5)[(page - 1) * 2 : page * 2], "last": 3, "more": page < 3}

        provider.answer = answer
        text = read_section(", ".join(filter(None, ["style: page", rule])), self.QUERY)
        assert await all_ids(provider, text) == ["1", "2", "3", "4", "5"]
        assert [each.query["page"] for each in provider.received] == [str(n + 1) for n in range(requests)]

    async def test_pages_may_begin_at_zero(self, provider: ScriptedProvider):
        provider.answers({"data": rows(1, 2)}, {"data": []})
        await all_ids(provider, read_section("style: page, start: 0", self.QUERY))
        assert [each.query["page"] for each in provider.received] == ["0", "1"]

    async def test_a_provider_that_ignores_the_page_is_a_loop(self, provider: ScriptedProvider):
        provider.answer = lambda _: {"data": rows(1, 2)}
        with pytest.raises(CursorLoop):
            await all_ids(provider, read_section("style: page", self.QUERY))


class TestKeyset:
    TEXT = read_section("style: keyset, from_last: id, total_at: left", 'after: "{after}", from: "{after|next}"')

    async def test_goes_on_from_the_last_record(self, provider: ScriptedProvider):
        provider.answers({"data": rows(1, 2), "left": 3}, {"data": rows(7, 7), "left": 1})
        assert await all_ids(provider, self.TEXT) == ["1", "2", "7"]
        assert [each.query for each in provider.received] == [{}, {"after": "2", "from": "3"}]

    async def test_without_a_total_an_empty_page_is_the_end(self, provider: ScriptedProvider):
        provider.answers({"data": rows(1, 2)}, {"data": []})
        assert await all_ids(provider, self.TEXT.replace(", total_at: left", "")) == ["1", "2"]

    async def test_a_last_record_without_the_key_is_malformed(self, provider: ScriptedProvider):
        provider.answers({"data": [{"id": 1}, {"name": "x"}]})
        with pytest.raises(MalformedAnswer, match="'id'"):
            await all_ids(provider, self.TEXT)

    async def test_a_provider_that_ignores_the_key_is_a_loop(self, provider: ScriptedProvider):
        provider.answer = lambda _: {"data": rows(1, 2)}
        with pytest.raises(CursorLoop):
            await all_ids(provider, self.TEXT)


class TestGraphql:
    TEXT = definition(
        read="""
    request:
      method: POST
      path: /graphql
      body:
        query: {$literal: "query($after: String) { things(after: $after) { nodes { id } pageInfo { endCursor } } }"}
        variables: {after: "{cursor}", first: "{page_size}", since: "{since}"}
    records: data.things.nodes
    page:
      style: graphql
      at: data.things.pageInfo.endCursor
      more_at: data.things.pageInfo.hasNextPage
      size: {default: 2}
""",
        top="errors: {fail_if: errors, message_at: errors.0.message}",
    )

    @staticmethod
    def reply(first: int, last: int, cursor: str | None, more: bool) -> Any:
        info = {"endCursor": cursor, "hasNextPage": more}
        return {"data": {"things": {"nodes": rows(first, last), "pageInfo": info}}}

    async def test_sends_the_cursor_as_a_variable(self, provider: ScriptedProvider):
        provider.answers(self.reply(1, 2, "c1", True), self.reply(3, 3, "c2", False))
        assert await all_ids(provider, self.TEXT) == ["1", "2", "3"]
        assert [each.json["variables"] for each in provider.received] == [{"first": 2}, {"first": 2, "after": "c1"}]
        assert provider.received[0].json["query"].startswith("query($after: String) { things")

    async def test_errors_within_a_200_are_errors(self, provider: ScriptedProvider):
        provider.answers({"data": None, "errors": [{"message": "no such field"}]})
        with pytest.raises(Exception, match="no such field"):
            await all_ids(provider, self.TEXT)


async def test_the_end_of_a_read_is_frozen_when_the_provider_wants_both_bounds(provider: ScriptedProvider):
    text = definition(
        read="""
    freeze_until: true
    request: {path: /things, query: {from: "{since}", to: "{until}", cursor: "{cursor}"}}
    records: data
    page: {style: cursor, at: next}
"""
    )
    clock = ManualClock(datetime(2026, 1, 2, tzinfo=UTC))
    connector = provider.connector(text, clock=clock)
    provider.answers({"data": rows(1, 1), "next": "b"}, {"data": rows(2, 2)})
    query = ReadQuery("things", since=datetime(2026, 1, 1, tzinfo=UTC))
    first = await connector.read_page(query)
    clock.set(datetime(2026, 1, 3, tzinfo=UTC))
    await connector.read_page(query, first.next)
    assert [each.query["to"] for each in provider.received] == ["2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z"]


@pytest.mark.parametrize("token", ["", "x", "[]", "1", '{"url":5}', '{"vars":[]}', '{"vars":{"a":{}}}', '{"first":1}'])
async def test_a_token_that_is_not_ours_is_refused(provider: ScriptedProvider, token: str):
    with pytest.raises(BadPageToken):
        await provider.connector(read_section("style: none")).read_page(THINGS, token)
    assert provider.received == []


SCALARS = st.one_of(st.text(), st.integers(min_value=-(2**63), max_value=2**63 - 1))


@settings(deadline=None)
@given(
    st.dictionaries(st.text(), SCALARS), st.dictionaries(st.text(), SCALARS), st.one_of(st.none(), st.text(min_size=1))
)
def test_a_token_reads_back_as_it_was(variables: dict[str, Any], sticky: dict[str, Any], url: str | None):
    token = PageToken(url, variables, sticky)
    assert PageToken.decode(token.encode()) == token


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 40))
def test_the_guard_notices_a_circle_of_any_length(lead: int, circle: int):
    def read() -> None:
        guard = LoopGuard()
        for step in range(6 * (lead + circle) + 6):
            position = step if step < lead else lead + (step - lead) % circle
            guard = LoopGuard(guard.state)
            guard.check(f"page {position}")

    with pytest.raises(CursorLoop):
        read()


@settings(deadline=None)
@given(st.integers(1, 500))
def test_the_guard_lets_every_straight_read_pass(length: int):
    guard = LoopGuard()
    for step in range(length):
        guard.check(f"page {step}")
