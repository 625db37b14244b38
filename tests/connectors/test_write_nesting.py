"""Writing customers' fields as they are read: flat, wherever the provider wants them."""

from __future__ import annotations

from typing import Any

import pytest

from conjunct.connectors import InvalidDefinition, WriteEntry, WriteQuery, load_definition
from conjunct.connectors.errors import AccessForbidden
from conjunct.connectors.formats import UnusableValue

from .scripted import Reply, ScriptedProvider

TEXT = """
spec: conjunct/provider@1
name: small
display: Small
base_url: https://api.small.test
auth: {type: apiKey, name: X-Key}
defaults:
  read: {request: {path: "/{object}"}}
  schema: {source: static, fields: {id: {type: int}, name: {type: string}, extra: {type: other}}}
  write:
    create: {request: {method: POST, path: "/{object}", body: {it: "{record}", of: "{owner}"}}}
    apart: [owner]
objects:
  patterned: {write: {nest: {extra: {match: "cf_.+"}}}}
  unknown: {write: {nest: {extra: {unknown: true, match: "[^.]+", except: [photo]}}}}
  listed: {write: {nest: {extra: {match: ".+__c", name: NAME, value: VALUE}}}}
  defined:
    read: &read
      custom_fields: {at: extra, name: id, value: value, definitions: {request: {path: /fields}}}
    write:
      nest: {extra: {defined: true, except: [photo], name: id}}
      batch:
        create:
          request: {method: POST, path: /many, body: {all: [{$each: records, it: "{record}"}]}}
  keyed: {read: *read, write: {nest: {extra: {defined: true}}}}
"""
DEFINITION = load_definition(TEXT)
FIELDS = [{"id": 2**60 + 1, "name": "Size"}, {"id": "k-2", "name": "Hue"}] + [
    {"id": key, "name": name} for key, name in ((3, "Twice"), (4, "Twice"), (5, "name"), (None, "Lost"))
]


def create(name: str, *records: dict[str, Any]) -> WriteQuery:
    return WriteQuery(name, "create", tuple(WriteEntry(record) for record in records))


async def sent(provider: ScriptedProvider, name: str, record: dict[str, Any]) -> Any:
    """What is sent for a record, without what stands around it."""
    provider.answers({"id": 1})
    await provider.connector(DEFINITION).write(create(name, record))
    return provider.received[-1].json["it"]


class TestKeysByTheirNames:
    async def test_a_pattern_takes_whole_names(self, provider: ScriptedProvider):
        record = {"cf_a": 1, "cf_b": None, "CF_a": 2, "cf_": 3, "x_cf_a": 4, "owner": 5}
        assert await sent(provider, "patterned", record) == {
            "CF_a": 2,
            "cf_": 3,
            "x_cf_a": 4,
            "extra": {"cf_a": 1, "cf_b": None},
        }
        assert provider.received[-1].json["of"] == 5
        assert await sent(provider, "patterned", {"cf_a": 1, "extra": {"cf_a": 2, "b": 3}}) == {
            "extra": {"cf_a": 1, "b": 3}
        }
        assert await sent(provider, "patterned", {"cf_a": 1, "extra": None}) == {"extra": {"cf_a": 1}}
        # What needs no moving stays as it is, whatever it is.
        assert await sent(provider, "patterned", {"a": 1, "extra": "text"}) == {"a": 1, "extra": "text"}

    async def test_unknown_is_what_neither_the_schema_nor_the_exceptions_name(self, provider: ScriptedProvider):
        record = {"Name": "Ada", "photo": 1, "Anything at all": 2, "a.b": 3, "extra": {"kept": 4}}
        assert await sent(provider, "unknown", record) == {
            "Name": "Ada",
            "photo": 1,
            "a.b": 3,
            "extra": {"kept": 4, "Anything at all": 2},
        }

    async def test_a_list_has_an_entry_for_each(self, provider: ScriptedProvider):
        there = [{"NAME": "A__c", "VALUE": 0}, {"NAME": "B__c", "VALUE": 1}, "odd"]
        assert await sent(provider, "listed", {"A__c": 2, "extra": there}) == {
            "extra": [{"NAME": "B__c", "VALUE": 1}, "odd", {"NAME": "A__c", "VALUE": 2}]
        }

    @pytest.mark.parametrize(("name", "key", "there"), [("patterned", "cf_a", [1]), ("listed", "A__c", {"a": 1})])
    async def test_what_is_there_must_be_of_the_kind(self, provider: ScriptedProvider, name: str, key: str, there: Any):
        with pytest.raises(UnusableValue, match="'extra' is no"):
            await provider.connector(DEFINITION).write(create(name, {key: 1, "extra": there}))
        assert provider.received == []


class TestFieldsByTheirIds:
    async def test_the_definitions_are_asked_for_once_and_only_when_they_matter(self, provider: ScriptedProvider):
        connector = provider.connector(DEFINITION)
        provider.answers({"id": 1}, FIELDS, {"id": 1}, {"id": 1})
        await connector.write(create("defined", {"Name": "Ada", "photo": 1, "owner": 5, "extra": []}))
        records: list[dict[str, Any]] = [
            {"name": "Ada", "Size": 7, "size": 8, "Lost": 9},
            {"Hue": None, "extra": [{"id": 3, "value": 0}]},
        ]
        for record in records:
            await connector.write(create("defined", record))
        assert [each.path for each in provider.received] == ["/defined", "/fields", "/defined", "/defined"]
        assert [each.json["it"] for each in provider.received[2:]] == [
            {"name": "Ada", "size": 8, "Lost": 9, "extra": [{"id": 2**60 + 1, "value": 7}]},
            {"extra": [{"id": 3, "value": 0}, {"id": "k-2", "value": None}]},
        ]
        provider.answers(FIELDS, {"id": 1})
        await connector.write(create("keyed", {"Size": 7, "Hue": "red"}))
        assert provider.received[-1].json["it"] == {"extra": {str(2**60 + 1): 7, "k-2": "red"}}

    async def test_a_name_of_two_fields_is_refused_alone(self, provider: ScriptedProvider):
        provider.answers(FIELDS, [{"id": 1}])
        written = await provider.connector(DEFINITION).write(create("defined", {"Twice": 1}, {"Size": 2}))
        assert [each.state for each in written] == ["refused", "done"]
        assert "Several fields" in written[0].faults[0].message
        assert provider.received[-1].json == {"all": [{"it": {"extra": [{"id": 2**60 + 1, "value": 2}]}}]}

    async def test_nothing_is_written_where_they_cannot_be_had(self, provider: ScriptedProvider):
        provider.answers(Reply({"message": "no"}, 403))
        with pytest.raises(AccessForbidden):
            await provider.connector(DEFINITION).write(create("defined", {"Size": 1}))
        assert [each.method for each in provider.received] == ["GET"]


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        ('{match: "cf_.+"}', '{match: "cf_("}', "regular expression"),
        ('{match: "cf_.+"}', "{except: [a]}", "nothing says which keys"),
        ('{match: "cf_.+"}', "{defined: true}", "no read.custom_fields.definitions"),
        ('nest: {extra: {match: "cf_.+"}}', "nest: {owner: {unknown: true}}", "left out of the record"),
        (
            "schema: {source: static, fields: {id: {type: int}, name: {type: string}, extra: {type: other}}}",
            "",
            "fields",
        ),
    ],
)
def test_what_cannot_be_is_told(good: str, bad: str, words: str):
    with pytest.raises(InvalidDefinition, match=words):
        load_definition(TEXT.replace(good, bad, 1))
