"""Records: where they stand, exact ids, fields in any letter case, and odd entries that fail alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conjunct.connectors import FailedRecord, Page, ReadQuery, Record
from conjunct.connectors.errors import MalformedAnswer
from conjunct.connectors.records import field_names

from .scripted import Reply, ScriptedProvider, definition, ids, read_all

PLAIN = """
    request: {path: /things}
    records: data.items
"""


async def read(provider: ScriptedProvider, read_rule: str, body: Any, *fields: str) -> Page:
    provider.answers(body)
    return await provider.connector(definition(read=read_rule)).read_page(ReadQuery("things", fields))


def things(*records: Any) -> Any:
    return {"data": {"items": list(records)}}


async def test_a_record_has_its_id_the_requested_fields_in_lower_case_and_the_raw_object(provider: ScriptedProvider):
    raw = {"id": 7, "FirstName": "Ada", "LastName": "L", "age": None}
    page = await read(provider, PLAIN, things(raw), "firstname", "AGE", "missing")
    assert page.records == [Record("7", {"firstname": "Ada", "age": None}, raw)]


async def test_fields_come_in_the_order_asked_for_and_once(provider: ScriptedProvider):
    page = await read(provider, PLAIN, things({"id": 1, "a": 1, "b": 2}), "b", "a", "B")
    assert list(page.records[0].fields.items()) == [("b", 2), ("a", 1)]


async def test_all_fields_are_every_field_in_lower_case(provider: ScriptedProvider):
    page = await read(provider, PLAIN, things({"id": 1, "Name": "x"}), "*")
    assert page.records[0].fields == {"id": 1, "name": "x"}


async def test_records_of_different_shapes_on_one_page_each_give_their_own_fields(provider: ScriptedProvider):
    records = ({"id": 1, "name": "a"}, {"id": 2, "NAME": "b"}, {"id": 3}, {"NAME": "c", "id": 4, "name": "d"})
    page = await read(provider, PLAIN, things(*records), "Name")
    assert [record.fields for record in page.records] == [{"name": "a"}, {"name": "b"}, {}, {"name": "c"}]


async def test_fields_are_looked_for_in_each_place_in_order(provider: ScriptedProvider):
    rule = PLAIN + "    fields_from: [properties, '']\n"
    raw = {"id": 1, "properties": {"name": "in properties", "x": 1}, "name": "at the root", "createdAt": "then"}
    page = await read(provider, rule, things(raw, {"id": 2, "name": "n", "properties": None}), "name", "createdat", "x")
    assert [record.fields for record in page.records] == [
        {"name": "in properties", "createdat": "then", "x": 1},
        {"name": "n"},
    ]


async def test_a_selector_leads_into_nested_objects_in_any_letter_case(provider: ScriptedProvider):
    raw = {"id": 1, "Owner": {"Full Name": "Ada", "team": {"x.y": 5}}, "list": [1]}
    selectors = ("$['owner']['full name']", "$['Owner']['team']['x.y']", "$['owner']['none']", "$['list']['0']")
    page = await read(provider, PLAIN, things(raw), *selectors)
    assert page.records[0].fields == {"$['owner']['full name']": "Ada", "$['owner']['team']['x.y']": 5}


async def test_custom_fields_are_read_as_fields_but_never_hide_one(provider: ScriptedProvider):
    rule = PLAIN + "    custom_fields: {at: custom, name: definition.name, value: value}\n"
    custom = [
        {"definition": {"name": "Colour"}, "value": "red"},
        {"definition": {"name": "name"}, "value": "of the custom field"},
        {"definition": None, "value": 1},
        None,
    ]
    body = things({"id": 1, "name": "own", "custom": custom}, {"id": 2, "custom": None}, {"id": 3, "custom": "odd"})
    page = await read(provider, rule, body, "name", "colour")
    assert [record.fields for record in page.records] == [{"name": "own", "colour": "red"}, {}, {}]
    page = await read(provider, rule, body, "*")
    assert page.records[0].fields == {"id": 1, "name": "own", "colour": "red", "custom": custom}
    rule = PLAIN + "    custom_fields: {at: custom, name: name, value: [shown, text]}\n"
    custom = [{"name": "a", "text": "", "shown": "A"}, {"name": "b", "text": "B", "shown": None}, {"name": "c"}]
    page = await read(provider, rule, things({"id": 1, "custom": custom}), "a", "b", "c")
    assert page.records[0].fields == {"a": "A", "b": "B", "c": None}


async def test_the_record_may_be_wrapped(provider: ScriptedProvider):
    page = await read(provider, PLAIN + "    item: subscription\n", things({"subscription": {"id": "s"}}, {"x": 1}))
    assert [record.id for record in page.records] == ["s"]
    assert [failed.index for failed in page.failed] == [1]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (b"9007199254740993", "9007199254740993"),
        (b"18446744073709551615", "18446744073709551615"),
        (b"123456789012345678901234567890", "123456789012345678901234567890"),
        (b"-99999999999999999999", "-99999999999999999999"),
        (b"7.0", "7"),
        (b'"007"', "007"),
        (b"0", "0"),
    ],
)
async def test_ids_are_exact(provider: ScriptedProvider, written: bytes, expected: str):
    provider.answers(Reply(b'{"data":{"items":[{"id":' + written + b',"other":1.5}]}}'))
    pages = await read_all(provider.connector(definition(read=PLAIN)), ReadQuery("things", ("other",)))
    assert ids(pages) == [expected]
    assert pages[0].records[0].fields == {"other": 1.5}


async def test_odd_entries_fail_alone(provider: ScriptedProvider):
    odd = [None, 5, "text", [1], {"name": "no id"}, {"id": True}, {"id": {"a": 1}}, {"id": ""}]
    page = await read(provider, PLAIN, things({"id": 1}, *odd, {"id": 2}))
    assert [record.id for record in page.records] == ["1", "2"]
    assert [failed.index for failed in page.failed] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [failed.raw for failed in page.failed] == odd
    assert page.failed[0] == FailedRecord(1, "entry 1 of the page is not a record: it is null", None)
    assert "it has no id" in page.failed[4].reason


async def test_an_object_without_ids_may_say_so(provider: ScriptedProvider):
    page = await read(provider, PLAIN + '    id: ""\n', things({"name": "x"}), "name")
    assert page.records == [Record(None, {"name": "x"}, {"name": "x"})]


@pytest.mark.parametrize(
    ("rule", "body", "expected"),
    [
        ("records: data", {"data": {"id": 1}}, ["1"]),
        ("records: data", {"data": None}, []),
        ('records: ""', [{"id": 1}], ["1"]),
        ('records: ""', {"id": 1}, ["1"]),
        ("records: things.0.list", {"things": [{"list": [{"id": 1}]}]}, ["1"]),
        ('records: "{object}"', {"things": [{"id": 1}]}, ["1"]),
        ("records: \"$['odata.value']\"", {"odata.value": [{"id": 1}]}, ["1"]),
        ("records: data\n    records_optional: true", {"total": 0}, []),
    ],
)
async def test_where_records_stand(provider: ScriptedProvider, rule: str, body: Any, expected: list[str]):
    page = await read(provider, f"\n    request: {{path: /x}}\n    {rule}\n", body)
    assert [record.id for record in page.records] == expected


@pytest.mark.parametrize("body", [{"items": []}, {}, [], "text", 5, {"data": "x"}, {"data": {"items": 5}}, None])
async def test_an_answer_without_the_list_is_malformed_not_empty(provider: ScriptedProvider, body: Any):
    with pytest.raises(MalformedAnswer):
        await read(provider, PLAIN, body)


KEYS = st.text("abAB", min_size=1, max_size=3)


@settings(deadline=None)
@given(st.lists(st.dictionaries(KEYS, st.integers()), max_size=8), st.lists(KEYS, min_size=1, max_size=5))
def test_projection_is_a_lookup_in_any_letter_case_that_prefers_the_first(raws: list[dict[str, int]], names: list[str]):
    from conjunct.connectors.read_definition import ReadRule
    from conjunct.connectors.records import compile_projector

    project = compile_projector(ReadRule(), names)
    for raw in raws:
        expected = {
            name.lower(): next(value for key, value in raw.items() if key.lower() == name.lower())
            for name in names
            if any(key.lower() == name.lower() for key in raw)
        }
        assert project(raw) == expected


def test_a_selector_is_asked_for_by_the_field_that_it_leads_into():
    from conjunct.connectors.read_definition import ReadRule

    rule = ReadRule(required_fields=["Id"], fields_from=["properties", ""])
    fields = ["name", "$['owner']['id']", "$['properties']['email']", "Id", "*", "owner"]
    assert field_names(rule, fields) == ["Id", "name", "owner", "email"]


class TestClientFilter:
    """Providers that cannot filter by time: we do."""

    SINCE = datetime(2026, 1, 2, 10, 0, 0, 900_000, tzinfo=UTC)
    UNTIL = datetime(2026, 1, 3, tzinfo=UTC)

    @staticmethod
    def text(order: str, style: str = "rfc3339") -> str:
        return definition(
            read=f"""
    request: {{path: /things, query: {{cursor: "{{cursor}}"}}}}
    records: data
    client_filter: {{at: at, format: {style}, order: {order}}}
    page: {{style: cursor, at: next}}
"""
        )

    async def read(self, provider: ScriptedProvider, order: str, *pages: list[Any], style: str = "rfc3339") -> Any:
        provider.answers(
            *(
                {"data": [{"id": f"{number}.{row}", "at": at} for row, at in enumerate(page)], "next": number}
                for number, page in enumerate(pages, start=1)
            )
        )
        query = ReadQuery("things", since=self.SINCE, until=self.UNTIL)
        found: list[Page] = []
        token = None
        for _ in pages:
            found.append(await provider.connector(self.text(order, style)).read_page(query, token))
            token = found[-1].next
            if token is None:
                break
        return found

    async def test_keeps_what_is_within_the_bounds_both_inclusive_to_the_second(self, provider: ScriptedProvider):
        times = [
            "2026-01-02T09:59:59Z",
            "2026-01-02T10:00:00Z",
            "2026-01-02T12:00:00+02:00",
            "2026-01-03T00:00:00Z",
            "2026-01-03T00:00:01Z",
        ]
        pages = await self.read(provider, "none", times)
        assert ids(pages) == ["1.1", "1.2", "1.3"]
        assert pages[0].filtered == 2

    async def test_a_record_whose_time_cannot_be_read_is_kept(self, provider: ScriptedProvider):
        assert ids(await self.read(provider, "none", [None, "soon", 5, {}])) == ["1.0", "1.1", "1.2", "1.3"]

    @pytest.mark.parametrize(
        ("style", "times"),
        [
            ("unix", [1767347999, 1767348000, "1767348001", 1767398401]),
            ("unix_ms", [1767347999999, 1767348000000, 1767348001000, 1767398400001]),
            ("date", ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]),
            ("rfc3339, grain: 86400", [f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3, 4)]),
            ("datetime", ["2026-01-02 09:59:59", "2026-01-02 10:00:00", "2026-01-02 10:00:01", "2026-01-04 00:00:00"]),
        ],
    )
    async def test_reads_the_times_of_the_provider(self, provider: ScriptedProvider, style: str, times: list[Any]):
        assert ids(await self.read(provider, "none", times, style=style)) == ["1.1", "1.2"]

    async def test_descending_order_ends_at_the_first_older_record(self, provider: ScriptedProvider):
        pages = await self.read(provider, "desc", ["2026-01-02T11:00:00Z"], ["2026-01-01T00:00:00Z"], ["x"])
        assert (len(pages), ids(pages)) == (2, ["1.0"])

    async def test_ascending_order_ends_at_the_first_later_record(self, provider: ScriptedProvider):
        pages = await self.read(provider, "asc", ["2026-01-01T00:00:00Z"], ["2026-02-01T00:00:00Z"], ["x"])
        assert (len(pages), ids(pages)) == (2, [])

    async def test_without_an_order_an_empty_filtered_page_goes_on(self, provider: ScriptedProvider):
        pages = await self.read(provider, "none", ["2026-01-01T00:00:00Z"], ["2026-01-02T11:00:00Z"])
        assert (len(pages), ids(pages)) == (2, ["2.0"])
