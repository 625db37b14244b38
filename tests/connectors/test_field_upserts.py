"""Fields created and changed through a definition, on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from conjunct.connectors import FieldDraft, FieldsNotSupported, InvalidDefinition, UnknownObject, load_definition
from conjunct.connectors.errors import Conflict
from conjunct.connectors.field_upserts import is_within
from tests.connectors.scripted import Reply, ScriptedProvider

SECTION = """
    upsert_fields:
      name: "{field|lower}"
      name_pattern: "[A-Za-z_]+"
      types:
        string: {kind: text}
        boolean: {kind: choice, options: [{value: "1", label: "Yes"}]}
        singleSelect: {kind: choice}
      find: FIND
      create:
        method: POST
        path: /{object}/fields
        body: {field: {key: "{field}", title: "{display}", kind: "{kind}", max: "{length}", only: "{unique}",
          choices: [{$each: options, id: "{value}", text: "{label}", at: "{order}"}]}}
      update:
        method: PUT
        path: /{object}/fields/{field}
        body: {title: "{display}", note: "{description}", choices: [{$each: options, id: "{value}", text: "{label}"}]}
      at: data
      fixed_at: meta.fixed
"""
LISTED = "{request: {path: '/{object}/fields'}, fields_at: data.all, name: key}"
EACH = "{request: {path: '/{object}/fields/{field}'}, fields_at: data, name: key}"
HEAD = """
spec: conjunct/provider@1
name: acme
display: Acme
base_url: https://acme.example
auth: {type: apiKey}
objects:
  plain:
    read: {request: {path: /plain}}
  things:
    read: {request: {path: /things}}
    schema: {source: describe, request: {path: /x}, type_at: kind}
"""


def definition(find: str = LISTED, section: str = SECTION) -> str:
    return HEAD + section.replace("FIND", find)


def text(name: str = "mood", display: str = "Mood", **facts: Any) -> FieldDraft:
    return FieldDraft(name, display, "string", facts)


def choice(*values: str, **facts: Any) -> FieldDraft:
    options = [{"value": value, "label": value.upper(), "order": place} for place, value in enumerate(values, 1)]
    return FieldDraft("mood", "Mood", "singleSelect", {"options": options, **facts})


def listed(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"all": list(fields)}}


def sent(provider: ScriptedProvider) -> list[tuple[str, str]]:
    return [(each.method, each.path) for each in provider.received]


async def test_a_field_that_is_not_there_is_created(provider: ScriptedProvider):
    made = {"key": "mood", "title": "Mood", "kind": "choice"}
    provider.answers(listed({"key": "other"}), {"data": made})
    fields = provider.connector(definition()).fields_of("things")
    draft = choice("fine", "bad")
    await fields.load([draft])
    result = await fields.upsert(draft)
    assert (result.name, result.action, result.metadata, result.warnings) == ("mood", "create", made, ())
    assert sent(provider) == [("GET", "/things/fields"), ("POST", "/things/fields")]
    choices = [{"id": "fine", "text": "FINE", "at": 1}, {"id": "bad", "text": "BAD", "at": 2}]
    field = {"key": "mood", "title": "Mood", "kind": "choice", "choices": choices}
    assert provider.received[1].json == {"field": field}


async def test_what_is_as_it_should_be_is_not_sent(provider: ScriptedProvider):
    there = {"key": "MOOD", "title": "Mood", "note": "n", "choices": [{"id": "fine", "text": "FINE", "at": 7}]}
    provider.answers(listed(there))
    fields = provider.connector(definition()).fields_of("things")
    await fields.load([choice("fine")])
    result = await fields.upsert(choice("fine"))
    assert (result.name, result.action, result.metadata) == ("MOOD", "none", there)
    assert sent(provider) == [("GET", "/things/fields")]


@pytest.mark.parametrize(
    ("draft", "body"),
    [
        (
            choice("fine", "bad"),
            {"title": "Mood", "choices": [{"id": "fine", "text": "FINE"}, {"id": "bad", "text": "BAD"}]},
        ),
        (FieldDraft("Mood", "Temper", "string"), {"title": "Temper"}),
        (text(description="Of the day"), {"title": "Mood", "note": "Of the day"}),
        (
            FieldDraft("mood", "Mood", "boolean", {"options": [{"value": "no"}]}),
            {"title": "Mood", "choices": [{"id": "1", "text": "Yes"}]},
        ),
    ],
)
async def test_what_differs_is_changed(provider: ScriptedProvider, draft: FieldDraft, body: dict[str, Any]):
    provider.answers(listed({"key": "mood", "title": "Mood", "kind": "x"}), {"data": {"key": "mood", "kind": "y"}})
    fields = provider.connector(definition()).fields_of("things")
    await fields.load([draft])
    result = await fields.upsert(draft)
    assert result.action == "update"
    assert sent(provider)[1] == ("PUT", "/things/fields/mood")
    assert provider.received[1].json == body
    assert result.warnings[-1] == "Its type at the provider was 'x' and is now 'y'."


async def test_each_field_may_be_asked_for_by_itself(provider: ScriptedProvider):
    provider.answers(
        {"data": {"key": "mood", "title": "Mood"}}, Reply({}, 404), {"data": {"key": "score", "title": "Score"}}
    )
    fields = provider.connector(definition(EACH)).fields_of("things")
    drafts = [text(), text("score", "Score")]
    await fields.load(drafts)
    assert [(await fields.upsert(each)).action for each in drafts] == ["none", "create"]
    assert sent(provider) == [
        ("GET", "/things/fields/mood"),
        ("GET", "/things/fields/score"),
        ("POST", "/things/fields"),
    ]


async def test_who_comes_second_changes_what_the_first_has_made(provider: ScriptedProvider):
    there = listed({"key": "mood", "title": "Mine"})
    provider.answers(listed(), Reply({"message": "there is one"}, 409), there, {"data": {"key": "mood"}})
    fields = provider.connector(definition()).fields_of("things")
    await fields.load([text()])
    assert (await fields.upsert(text())).action == "update"
    assert [method for method, _ in sent(provider)] == ["GET", "POST", "GET", "PUT"]


async def test_a_conflict_with_something_else_stands(provider: ScriptedProvider):
    provider.answers(listed(), Reply({"message": "the name is reserved"}, 409), listed())
    fields = provider.connector(definition()).fields_of("things")
    await fields.load([text()])
    with pytest.raises(Conflict, match="the name is reserved"):
        await fields.upsert(text())


async def test_what_no_template_mentions_was_left_out(provider: ScriptedProvider):
    provider.answers(listed(), {"data": {"key": "mood"}}, {"data": {"key": "mood", "title": "M"}})
    fields = provider.connector(definition()).fields_of("things")
    draft = text(length=5, unique=True, required=True, description="d")
    await fields.load([draft])
    created = await fields.upsert(draft)
    assert (created.action, created.left_out) == ("create", ("required", "description"))
    assert provider.received[1].json["field"] == {
        "key": "mood",
        "title": "Mood",
        "kind": "text",
        "max": 5,
        "only": True,
    }
    changed = await fields.upsert(draft)
    assert (changed.action, changed.left_out) == ("update", ("length", "unique", "required"))


GROUP = """
      before:
        find: {path: "/{object}/groups/ours"}
        create: {method: POST, path: "/{object}/groups", body: {name: ours}}
"""


@pytest.mark.parametrize(
    ("replies", "asked"),
    [
        ([{}], ["GET"]),
        ([Reply({}, 404), {}], ["GET", "POST"]),
        ([Reply({}, 404), Reply({}, 409)], ["GET", "POST"]),
    ],
)
async def test_what_a_field_needs_is_made_once_and_only_for_a_new_field(
    provider: ScriptedProvider, replies: list[Any], asked: list[str]
):
    made = {"data": {"key": "x"}}
    provider.answers(listed({"key": "mood", "title": "Old"}), made, *replies, made, made)
    fields = provider.connector(definition(section=SECTION + GROUP)).fields_of("things")
    drafts = [text(), text("score"), text("rank")]
    await fields.load(drafts)
    assert [(await fields.upsert(each)).action for each in drafts] == ["update", "create", "create"]
    assert [method for method, path in sent(provider) if "groups" in path] == asked
    assert [method for method, _ in sent(provider)] == ["GET", "PUT", *asked, "POST", "POST"]


async def test_what_can_be_told_without_the_provider(provider: ScriptedProvider):
    fields = provider.connector(definition()).fields_of("things")
    drafts = [
        text(),
        text("MOOD"),
        text("a b"),
        FieldDraft("when", "When", "date"),
        FieldDraft("pick", "Pick", "singleSelect"),
    ]
    assert [(fault.index, fault.part) for fault in fields.faults(drafts)] == [
        (1, "name"),
        (2, "name"),
        (3, "value_type"),
        (4, "options"),
    ]
    assert provider.received == []


async def test_the_providers_own_fields_cannot_be_changed(provider: ScriptedProvider):
    provider.answers(listed({"key": "mood", "title": "Mood", "meta": {"fixed": True}}))
    fields = provider.connector(definition()).fields_of("things")
    drafts = [text(display="Temper"), text()]
    await fields.load(drafts)
    assert [(fault.index, fault.part) for fault in fields.refused(drafts)] == [(0, "name")]


def test_objects_without_the_section_say_so(provider: ScriptedProvider):
    connector = provider.connector(definition())
    with pytest.raises(FieldsNotSupported, match="'plain'"):
        connector.fields_of("plain")
    with pytest.raises(UnknownObject):
        connector.fields_of("nosuch")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('max: "{length}"', 'max: "{longness}"', "there is no variable 'longness' here"),
        ('id: "{value}"', 'id: "{field_value}"', "there is no variable 'field_value' here"),
        ('name: "{field|lower}"', 'name: "{display}"', "there is no variable 'display' here"),
        ('"[A-Za-z_]+"', '"["', "it is not a regular expression"),
        ("path: /{object}/fields/{field}", "query: {}", "the request needs a path"),
        ("fixed_at: meta.fixed", "fixed_at: meta..fixed", "is not a path"),
        ("string: {kind: text}", "texts: {kind: text}", "'string', 'boolean'"),
    ],
)
def test_a_fault_in_the_section_is_told_where_it_is(old: str, new: str, fault: str):
    broken = definition().replace(old, new)
    assert broken != definition()
    with pytest.raises(InvalidDefinition) as raised:
        load_definition(broken)
    assert any(fault in issue.detail and "upsert_fields" in issue.name for issue in raised.value.issues)


@pytest.mark.parametrize(
    ("wanted", "found", "within"),
    [
        ({}, {}, True),
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"b": 2}, False),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 2, "d": 3}]}}, True),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({"a": []}, {"a": None}, False),
        ({"a": {}}, {"a": 5}, False),
    ],
)
def test_whether_everything_wanted_is_found(wanted: Any, found: Any, within: bool):
    assert is_within(wanted, found) is within
