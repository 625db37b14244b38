"""Fields of an object: told by the provider, sampled from records, known to the definition."""

from __future__ import annotations

from typing import Any

import pytest

from conjunct.connectors import FieldMetadata, FieldValue, ObjectSchema, UnknownObject
from conjunct.connectors.errors import MalformedAnswer

from .scripted import ScriptedProvider, definition

READ = """
    request: {path: "/{object}", query: {limit: "{page_size}"}}
    records: data
    custom_fields: {at: extra, name: name, value: value}
    page: {style: none, size: {default: 50}}
"""
DESCRIBED = """  things:
    display: My things
    schema:
      source: describe
      request: {path: "/meta/{object}"}
      fields_at: fields
      name: name
      display: label
      type_at: type
      subtype_at: sub
      types: {text: string, num: float, enum: {one: singleSelect, many: multiSelect, "true": multiSelect}}
      options: {at: choices, value: v, label: l}
      read_only_at: flags.fixed
      required_at: flags.needed
      custom_at: custom
      refs_at: target
      refs: {THING: things}
      fields: {id: {type: int, read_only: true}}
"""


async def describe(provider: ScriptedProvider, objects: str, body: Any) -> ObjectSchema:
    provider.answers(body)
    return await provider.connector(definition(objects, read=READ)).describe("things")


async def test_what_the_provider_tells(provider: ScriptedProvider):
    told = [
        {"name": "a", "label": "The A", "type": "text", "flags": {"fixed": True, "needed": False}, "custom": True},
        {"name": "b", "type": "enum", "sub": "many", "choices": [{"v": "x", "l": "X"}, {"v": 5, "l": None}, None]},
        {"name": "c", "label": "", "type": "num", "target": "THING", "choices": [{"v": 1}]},
        {"name": "d", "type": "geo", "target": ["OTHER", 5]},
        {"name": "e", "type": {"odd": 1}, "flags": []},
        {"name": "f", "type": "enum", "sub": True},
        {"name": "g", "type": "enum", "sub": False},
        {"label": "nameless"},
        None,
    ]
    schema = await describe(provider, DESCRIBED, {"fields": told})
    assert provider.received[0].path == "/meta/things"
    assert schema.display_name == "My things"
    assert schema.fields == {
        "id": FieldMetadata("id", "Id", "int", read_only=True, is_custom=False),
        "a": FieldMetadata("a", "The A", "string", "text", read_only=True, is_custom=True, is_required=False),
        "b": FieldMetadata("b", "b", "multiSelect", "enum", values=(FieldValue("x", "X"), FieldValue("5", "5"))),
        "c": FieldMetadata("c", "c", "reference", "num", reference_to=("things",)),
        "d": FieldMetadata("d", "d", "reference", "geo", reference_to=("OTHER",)),
        "e": FieldMetadata("e", "e", "other"),
        "f": FieldMetadata("f", "f", "multiSelect", "enum"),
        "g": FieldMetadata("g", "g", "other", "enum"),
    }


@pytest.mark.parametrize("body", [{}, {"fields": None}, {"fields": 5}, [], None])
async def test_an_answer_that_does_not_describe_is_malformed(provider: ScriptedProvider, body: Any):
    with pytest.raises(MalformedAnswer, match="fields"):
        await describe(provider, DESCRIBED, body)


async def test_a_map_of_fields_by_name_is_a_list_of_them(provider: ScriptedProvider):
    schema = await describe(provider, DESCRIBED, {"fields": {"a": {"type": "text"}, "b": {"type": "num"}}})
    assert {name: field.value_type for name, field in schema.fields.items()} == {
        "id": "int",
        "a": "string",
        "b": "float",
    }


async def test_sampled_fields_have_the_type_of_their_values(provider: ScriptedProvider):
    records = [
        {
            "id": 1,
            "name": "x",
            "day": "2026-01-01",
            "at": "2026-01-01T10:00:00Z",
            "ok": True,
            "n": 1,
            "mix": 1,
            "no": None,
        },
        {"id": 2, "late": [1], "owner": {"id": 5, "Full Name": "A"}, "n": 1.5, "mix": "x", "day": "2026-01-01T10:00Z"},
        {"id": 3, "extra": [{"name": "My colour", "value": "red"}]},
    ]
    objects = "  things: {schema: {source: sample, fields: {name: {display: Its name, required: true}}}}"
    schema = await describe(provider, objects, {"data": records})
    types = {name: field.value_type for name, field in schema.fields.items()}
    assert types == {
        "id": "int",
        "name": "string",
        "day": "string",
        "at": "datetime",
        "ok": "boolean",
        "n": "float",
        "mix": "other",
        "no": "other",
        "late": "other",
        "owner": "other",
        "$['owner']['id']": "int",
        "$['owner']['Full Name']": "string",
        "My colour": "string",
    }
    assert schema.fields["name"] == FieldMetadata("name", "Its name", "string", is_custom=False, is_required=True)
    assert schema.fields["$['owner']['id']"].display_name == "Owner id"
    assert {name for name, field in schema.fields.items() if field.is_custom} == {"My colour"}
    assert provider.received[0].query == {"limit": "25"}


async def test_without_a_record_the_fields_of_the_definition_stand(provider: ScriptedProvider):
    schema = await describe(provider, "  things: {schema: {source: sample, fields: {a: {}}}}", {"data": []})
    assert schema == ObjectSchema("things", "Things", {"a": FieldMetadata("a", "A", "string", is_custom=False)})


async def test_static_fields_need_no_request(provider: ScriptedProvider):
    schema = await describe(provider, "  things: {schema: {fields: {a_b: {references: [x]}}}}", {})
    assert schema.fields["a_b"].display_name == "A b"
    assert provider.received == []


async def test_an_object_that_is_not_there(provider: ScriptedProvider):
    with pytest.raises(UnknownObject, match="nothing"):
        await provider.connector(definition(read=READ)).describe("nothing")


def test_metadata_goes_over_the_wire_as_the_specification_says():
    metadata = FieldMetadata("a", "A", "singleSelect", "enum", False, True, None, ("x",), (FieldValue("v", "V"),))
    schema = ObjectSchema("things", "Things", {"a": metadata, "b": FieldMetadata("b", "B")})
    assert schema.to_wire() == {
        "name": "things",
        "displayName": "Things",
        "fields": {
            "a": {
                "fieldName": "a",
                "displayName": "A",
                "valueType": "singleSelect",
                "providerType": "enum",
                "readOnly": False,
                "isCustom": True,
                "referenceTo": ["x"],
                "values": [{"value": "v", "displayValue": "V"}],
            },
            "b": {"fieldName": "b", "displayName": "B", "valueType": "other"},
        },
    }
