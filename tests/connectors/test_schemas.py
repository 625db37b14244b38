"""Fields from several sources, from GraphQL, from definitions of custom fields; and what stands beside them."""

from __future__ import annotations

from typing import Any

import pytest

from conjunct.connectors import FieldMetadata, FieldValue, ReadQuery
from conjunct.connectors.errors import AccessForbidden, ObjectMissing, ResourceNotFound, ServerFailed

from .scripted import Received, Reply, ScriptedProvider, definition, read_all

READ = """
    request: {path: "/{object}", query: {cursor: "{cursor}"}}
    records: data
    page: {style: cursor, at: next}
"""


def text(schema: str, read: str = "") -> str:
    return definition(f"  things: {{read: {{{read}}}, schema: {{{schema}}}}}", read=READ)


def paths(**answers: Any) -> Any:
    """A provider that answers by the first part of the path."""

    def answer(request: Received) -> Any:
        return answers[request.path.strip("/").split("/")[0]]

    return answer


SEVERAL = "source: [describe, sample], request: {path: /meta}, fields_at: f, fields: {c: {type: date}, id: {}}"


class TestSeveralSources:
    async def test_all_are_asked_and_the_first_that_knows_a_field_counts(self, provider: ScriptedProvider):
        told = {"f": [{"name": "a", "type": "x"}, {"name": "id", "label": "The id"}]}
        provider.answer = paths(meta=told, things={"data": [{"id": 1, "a": 5, "b": 1.5, "c": "text"}]})
        fields = (await provider.connector(text(SEVERAL)).describe("things")).fields
        assert {name: field.value_type for name, field in fields.items()} == {
            "a": "other",
            "b": "float",
            "c": "date",
            "id": "other",
        }
        assert fields["id"].display_name == "The id"

    @pytest.mark.parametrize("status", [403, 404])
    async def test_one_that_is_out_of_reach_leaves_the_others(self, provider: ScriptedProvider, status: int):
        provider.answer = paths(meta=Reply({"message": "no"}, status), things={"data": [{"id": 1}]})
        fields = (await provider.connector(text(SEVERAL)).describe("things")).fields
        assert set(fields) == {"id", "c"}
        with pytest.raises(AccessForbidden if status == 403 else ResourceNotFound):
            await provider.connector(text("source: describe, request: {path: /meta}")).describe("things")

    async def test_one_that_fails_fails(self, provider: ScriptedProvider):
        provider.answer = paths(meta=Reply({"message": "no"}, 500), things={"data": []})
        with pytest.raises(ServerFailed):
            await provider.connector(text(SEVERAL)).describe("things")


async def test_a_description_may_have_pages(provider: ScriptedProvider):
    provider.answers(
        {"f": [{"name": "a"}], "more": "2"},
        {"f": {"b": {"type": "t"}}, "more": "3"},
        {"f": [{"name": "a", "type": "t"}]},
    )
    schema = (
        'source: describe, fields_at: f, types: {t: int}, request: {path: /meta, query: {at: "{cursor}"}}, '
        "page: {style: cursor, at: more}"
    )
    fields = (await provider.connector(text(schema)).describe("things")).fields
    assert {name: field.value_type for name, field in fields.items()} == {"a": "other", "b": "int"}
    assert [each.query for each in provider.received] == [{}, {"at": "2"}, {"at": "3"}]


async def test_flags_options_and_required_names(provider: ScriptedProvider):
    schema = """
source: describe, request: {path: /meta}, fields_at: f, types: {pick: singleSelect},
writable_at: [create, update], required_if: {create: true, null: false, default: false},
options_of: {
  stage: {request: {path: "/pipelines/{object}"}, at: results.*.stages, value: id, label: label},
  plain: {request: {path: "/options"}, at: "", value: "", label: ""},
  absent: {request: {path: "/never"}, at: ""}, closed: {request: {path: "/closed"}, at: ""}}"""
    told = [
        {"name": "stage", "type": "pick", "create": True, "update": False, "null": False, "default": False},
        {"name": "plain", "create": False, "update": False, "null": False},
        {"name": "closed", "create": True, "null": False},
        {"name": "silent"},
    ]
    stages = [{"stages": [{"id": "s1", "label": "One"}, {"id": 2}]}, {"stages": []}, {}, {"stages": [{"id": "s3"}]}]
    provider.answer = paths(
        meta={"f": told}, pipelines={"results": stages}, options=["x", "y"], closed=Reply({}, 403), schema={"req": []}
    )
    fields = (await provider.connector(text(schema)).describe("things")).fields
    flags = {name: (field.read_only, field.is_required) for name, field in fields.items()}
    assert flags == {"stage": (False, True), "plain": (True, False), "closed": (False, None), "silent": (None, None)}
    assert fields["stage"].values == (FieldValue("s1", "One"), FieldValue("2", "2"), FieldValue("s3", "s3"))
    assert (fields["plain"].value_type, [each.value for each in fields["plain"].values]) == ("singleSelect", ["x", "y"])
    assert fields["closed"].values == ()
    schema = (
        "source: describe, request: {path: /meta}, fields_at: f, required_from: {request: {path: /schema}, at: req}"
    )
    provider.answer = paths(meta={"f": told[:2]}, schema={"req": ["plain"]})
    fields = (await provider.connector(text(schema)).describe("things")).fields
    assert {name: field.is_required for name, field in fields.items()} == {"stage": False, "plain": True}
    provider.answer = paths(meta={"f": told[:2]}, schema=Reply({}, 403))
    fields = (await provider.connector(text(schema)).describe("things")).fields
    assert {field.is_required for field in fields.values()} == {None}


class TestIntrospection:
    SCHEMA = (
        'source: introspection, request: {path: /graphql}, graphql_type: "{object}Node", '
        'graphql_inputs: [ThingCreate, "{object}Update"], types: {Money: float}, refs: {User: users}'
    )

    @staticmethod
    def field(name: str, *wrapped: str, kind: str = "SCALAR", type_: str = "String", **more: Any) -> dict[str, Any]:
        told: dict[str, Any] = {"kind": kind, "name": type_, "enumValues": more.pop("enum", None), "ofType": None}
        for outer in reversed(wrapped):
            told = {"kind": outer, "name": None, "ofType": told}
        return {"name": name, "args": [], "type": told, **more}

    async def test_types_of_the_providers_schema(self, provider: ScriptedProvider):
        enum = [{"name": "A", "description": "The A"}, {"name": "B", "description": None}, {}]
        need = {"kind": "NON_NULL"}
        fields = [
            self.field("id", "NON_NULL", type_="ID"),
            self.field("count", type_="Int"),
            self.field("price", "NON_NULL", type_="Money"),
            self.field("state", "NON_NULL", kind="ENUM", type_="State", enum=enum),
            self.field("states", "NON_NULL", "LIST", "NON_NULL", kind="ENUM", type_="State", enum=enum),
            self.field("tags", "LIST", type_="String"),
            self.field("owner", kind="OBJECT", type_="User"),
            self.field("parts", kind="OBJECT", type_="PartConnection"),
            self.field("price2", args=[{"type": need, "defaultValue": None}]),
            self.field("price3", args=[{"type": need, "defaultValue": "1"}, {"type": {}}]),
            {"name": 5},
            {"name": "odd", "type": None},
            None,
        ]
        create = [
            {"name": "count", "type": need, "defaultValue": None},
            {"name": "price", "type": need, "defaultValue": "1"},
        ]
        data = {
            "graphql_type": {"fields": fields},
            "graphql_input_0": {"inputFields": create},
            "graphql_input_1": {"inputFields": [{"name": "state", "type": {}}]},
        }
        provider.answers({"data": data})
        told = (await provider.connector(text(self.SCHEMA)).describe("things")).fields
        assert provider.received[0].json["variables"] == {
            "graphql_type": "thingsNode",
            "graphql_input_0": "ThingCreate",
            "graphql_input_1": "thingsUpdate",
        }
        assert provider.received[0].method == "POST"
        assert {name: field.value_type for name, field in told.items()} == {
            "id": "string",
            "count": "int",
            "price": "float",
            "state": "singleSelect",
            "states": "multiSelect",
            "tags": "other",
            "owner": "reference",
            "parts": "other",
            "price3": "string",
            "odd": "other",
        }
        assert told["state"].values == (FieldValue("A", "The A"), FieldValue("B", "B"))
        assert told["owner"].reference_to == ("users",)
        flags = {name: (told[name].read_only, told[name].is_required) for name in ("id", "count", "price", "state")}
        assert flags == {"id": (True, False), "count": (False, True), "price": (False, False), "state": (False, False)}

    @pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {"graphql_type": None}}, [], 5])
    async def test_a_type_that_is_not_there(self, provider: ScriptedProvider, body: Any):
        provider.answers(body)
        with pytest.raises(ObjectMissing, match="thingsNode"):
            await provider.connector(text(self.SCHEMA)).describe("things")


class TestCustomFields:
    """Records that name customer-made fields by id."""

    DEFINITIONS = (
        'definitions: {request: {path: "/defs", query: {page: "{page}"}}, at: d, name: title, type: kind, '
        "page: {style: page}}"
    )
    DEFS: tuple[list[Any], ...] = (
        [{"id": 7, "title": "My Colour", "kind": "text"}, {"id": "x9", "title": "Size"}],
        [{"id": None}, 5, {"id": 3}],
        [],
    )

    def provides(self, *rows: Any) -> Any:
        def answer(request: Received) -> Any:
            if request.path == "/defs":
                return {"d": self.DEFS[int(request.query["page"]) - 1]}
            return {"data": list(rows), "next": None if "cursor" in request.query else "2"}

        return answer

    @pytest.mark.parametrize(
        ("rule", "record", "expected"),
        [
            (
                "at: cf, name: id, value: v",
                {"cf": [{"id": 7, "v": "red"}, {"id": "zz", "v": 1}]},
                {"my colour": "red", "zz": 1},
            ),
            ("at: cf", {"cf": {"7": "red", "x9": None, "zz": 1}}, {"my colour": "red", "size": None, "zz": 1}),
            ("at: cf, value: v", {"cf": {"7": {"v": "red"}}}, {"my colour": "red"}),
            ('at: ""', {"7": "red", "x9": 5, "zz": 1}, {"my colour": "red", "size": 5, "zz": 1}),
            ("at: cf", {"cf": [1]}, {}),
            ("at: cf, name: id", {"cf": {"7": 1}}, {}),
        ],
    )
    async def test_they_are_read_by_their_names_which_are_asked_for_once(
        self, provider: ScriptedProvider, rule: str, record: Any, expected: dict[str, Any]
    ):
        provider.answer = self.provides({"id": 1, **record})
        connector = provider.connector(text("", f"custom_fields: {{{rule}, {self.DEFINITIONS}}}"))
        query = ReadQuery("things", ("my colour", "SIZE", "zz"))
        pages = await read_all(connector, query)
        assert [page.records[0].fields for page in pages] == [expected, expected]
        await read_all(connector, ReadQuery("things", ("size",)))
        assert [each.path for each in provider.received].count("/defs") == 3

    async def test_they_are_described_even_where_no_record_has_them(self, provider: ScriptedProvider):
        provider.answer = self.provides({"id": 1, "7": "red", "name": "Ada"})
        rule = text("source: sample, types: {text: string}", f'custom_fields: {{at: "", {self.DEFINITIONS}}}')
        fields = (await provider.connector(rule).describe("things")).fields
        assert {name: (field.value_type, field.is_custom) for name, field in fields.items()} == {
            "id": ("int", False),
            "name": ("string", False),
            "My Colour": ("string", True),
            "Size": ("other", True),
        }
        assert fields["Size"] == FieldMetadata("Size", "Size", is_custom=True)

    async def test_without_leave_to_see_them_the_others_are_described(self, provider: ScriptedProvider):
        provider.answer = lambda request: Reply({}, 403) if request.path == "/defs" else {"data": [{"id": 1}]}
        rule = text("source: [sample, static]", f"custom_fields: {{at: cf, {self.DEFINITIONS}}}")
        with pytest.raises(AccessForbidden):
            await provider.connector(rule).describe("things")
        rule = text("fields: {id: {}}", f"custom_fields: {{at: cf, {self.DEFINITIONS}}}")
        assert set((await provider.connector(rule).describe("things")).fields) == {"id"}
