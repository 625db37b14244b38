"""Searches by equal values: what is sent, what comes of the answer, and what cannot be searched."""

from __future__ import annotations

import pytest

from conjunct.connectors import (
    InvalidDefinition,
    ProviderError,
    SearchNotSupported,
    SearchQuery,
    UnknownObject,
    load_definition,
    object_support,
    support,
)
from conjunct.connectors.errors import FieldMissing
from conjunct.connectors.formats import UnusableValue

from .scripted import Reply, ScriptedProvider, definition

READ = """
    request: {path: "/{object}"}
    records: "{object}"
    fields_from: [values, ""]
"""
SOQL_LIKE = """
    where: {prefix: " WHERE ", terms: ["changed > {since}", {$each: filter, $term: "{field|name} = {value|soql}"}]}
    request: {path: /query, query: {q: "SELECT {fields|names} FROM {object|name}{where}"}}
    records: records
"""


def searchable(search: str, *, read: str = READ) -> str:
    """A definition whose `things` have that search section, and whose `others` have none."""
    return definition(f"  things: {{search: {search}}}\n  others: {{}}", read=read)


class TestWhatIsSent:
    async def test_filters_in_a_body(self, provider: ScriptedProvider):
        body = "{fields: {$list: fields}, match: [{$each: filter, name: '{field}', is: '{value}'}], top: '{limit}'}"
        text = searchable(f"{{request: {{method: POST, path: '/{{object}}/find', body: {body}}}, limit: 7}}")
        provider.answers({"things": [{"id": 1, "values": {"Name": "a"}}, None]})
        page = await provider.connector(text).search(
            SearchQuery("things", ("name",), (("name", "a"), ("open", True), ("size", 1.5)))
        )
        [sent] = provider.received
        assert (sent.method, sent.path) == ("POST", "/things/find")
        assert sent.json == {
            "fields": ["name"],
            "match": [{"name": "name", "is": "a"}, {"name": "open", "is": True}, {"name": "size", "is": 1.5}],
            "top": 7,
        }
        assert [(record.id, record.fields) for record in page.records] == [("1", {"name": "a"})]
        assert [failed.index for failed in page.failed] == [1]
        assert page.next is None

    async def test_a_field_that_the_provider_passes_over_is_refused(self, provider: ScriptedProvider):
        text = searchable("{request: {path: /find}, filter_parameter: '{value|text}', ignores_unknown: true}")
        provider.answers({"things": [{"id": 1, "name": "a"}, {"id": 2, "size": None}, 3]}, {"things": []})
        connector = provider.connector(text)
        found = await connector.search(SearchQuery("things", (), (("name", "a"), ("size", "1"), ("owner.name", "b"))))
        assert [record.id for record in found.records] == ["1", "2"]
        assert (await connector.search(SearchQuery("things", (), (("nmae", "a"),)))).records == []
        provider.answers({"things": [{"id": 1, "name": "a"}]})
        with pytest.raises(FieldMissing, match="nmae"):
            await connector.search(SearchQuery("things", (), (("nmae", "a"),)))

    async def test_without_filters_there_is_no_list_of_them(self, provider: ScriptedProvider):
        body = "{match: [{$each: filter, name: '{field}', is: '{value}'}], top: '{limit}'}"
        provider.answers({"things": []})
        text = searchable(f"{{request: {{method: POST, path: /find, body: {body}}}}}")
        assert (await provider.connector(text).search(SearchQuery("things"))).records == []
        assert provider.received[0].json == {"top": 100}

    async def test_filters_in_the_where_of_reads(self, provider: ScriptedProvider):
        search = (
            "{request: {path: /query, query: {q: 'SELECT {fields|names} FROM {object|name}{where} LIMIT {limit}'}}}"
        )
        provider.answers({"records": []})
        query = SearchQuery("things", ("Id",), (("Name", "O'Hara"), ("Open", True)))
        await provider.connector(searchable(search, read=SOQL_LIKE)).search(query)
        assert provider.received[0].query["q"] == (
            r"SELECT Id FROM things WHERE Name = 'O\'Hara' AND Open = true LIMIT 100"
        )

    async def test_filters_as_parameters_of_their_own(self, provider: ScriptedProvider):
        search = (
            "{request: {path: '/{object}', query: {state: any, max: '{limit}'}}, filter_parameter: '={value|text}', "
            "fields: {state: state, Owner: owner_id}}"
        )
        provider.answers({"things": []})
        await provider.connector(searchable(search)).search(
            SearchQuery("things", filters=(("state", "a&b=c"), ("Owner", 5)))
        )
        assert provider.received[0].query == {"state": "=a&b=c", "max": "100", "owner_id": "=5"}

    async def test_records_may_stand_elsewhere_than_in_a_read(self, provider: ScriptedProvider):
        search = "{request: {path: /find, query: {q: '{where}'}}, records: 'found.{object}'}"
        provider.answers({"found": {"things": [{"id": "x"}]}})
        page = await provider.connector(searchable(search, read=SOQL_LIKE)).search(SearchQuery("things"))
        assert [record.id for record in page.records] == ["x"]

    async def test_an_error_may_say_that_there_are_none(self, provider: ScriptedProvider):
        read = READ + "    empty_if: {status: 404, match: no such}\n"
        text = searchable("{request: {path: /find}, filter_parameter: '{value}'}", read=read)
        provider.answers(Reply({"message": "No such thing"}, 404), Reply({"message": "No such page"}, 400))
        assert (await provider.connector(text).search(SearchQuery("things"))).records == []
        with pytest.raises(ProviderError):
            await provider.connector(text).search(SearchQuery("things"))

    async def test_a_provider_that_answers_bad_keys_is_asked_whether_they_are_good(self, provider: ScriptedProvider):
        text = searchable("{request: {path: /find}, filter_parameter: '{value}'}") + (
            "\ncheck: {path: /me, guards_reads: true}\n"
        )
        provider.answers({"things": [{"id": 1}]}, Reply(status=401))
        with pytest.raises(ProviderError):
            await provider.connector(text).search(SearchQuery("things"))
        assert [each.path for each in provider.received] == ["/find", "/me"]


class TestWhatCannotBeSearched:
    @pytest.mark.parametrize("value", ["5|6", "x", 5.5, ""])
    async def test_a_value_that_the_parameter_cannot_hold(self, provider: ScriptedProvider, value: object):
        text = searchable("{request: {path: /find}, filter_parameter: '{value|int}'}")
        with pytest.raises(UnusableValue):
            await provider.connector(text).search(SearchQuery("things", filters=(("owner", value),)))
        assert provider.received == []

    async def test_other_fields_than_those_that_are_named(self, provider: ScriptedProvider):
        text = searchable("{request: {path: /find}, filter_parameter: '{value}', fields: {a: b, c: d}}")
        with pytest.raises(SearchNotSupported) as refused:
            await provider.connector(text).search(SearchQuery("things", filters=(("b", 1), ("a", 1), ("e", 1))))
        assert [issue.name for issue in refused.value.issues] == ["b", "e"]
        assert "a, c" in str(refused.value.remedy)
        assert provider.received == []

    async def test_objects_without_a_search_and_unknown_ones(self, provider: ScriptedProvider):
        connector = provider.connector(searchable("{request: {path: /find}, filter_parameter: '{value}'}"))
        with pytest.raises(SearchNotSupported):
            await connector.search(SearchQuery("others"))
        with pytest.raises(UnknownObject):
            await connector.search(SearchQuery("nothing"))
        assert provider.received == []

    def test_support_is_derived(self):
        known = load_definition(searchable("{request: {path: /find}, filter_parameter: '{value}'}"))
        assert object_support(known, "things").search
        assert not object_support(known, "others").search
        assert support(known).search
        assert not support(known).write
        assert not support(load_definition(definition(read=READ))).search


@pytest.mark.parametrize(
    ("search", "path", "words"),
    [
        ("{request: {query: {a: '{filter}'}}}", "request.path", "needs a path"),
        ("{request: {path: /find}}", "search", "nothing carries the filters"),
        ("{request: {path: /find, query: {a: '{where}'}}}", "request.query.a", "no variable 'where'"),
        ("{request: {path: '/{since}'}, filter_parameter: '{value}'}", "request.path", "no variable 'since'"),
        ("{request: {path: /find}, filter_parameter: '{other}'}", "filter_parameter", "no variable 'other'"),
        ("{request: {path: /find}, filter_parameter: '{value}', records: 'a..b'}", "records", "not a path"),
        ("{request: {path: /find}, filter_parameter: '{value}', limit: 0}", "limit", "greater than 0"),
        ("{request: {path: /find}, filter_parameter: '{value}', page: {style: keyset}}", "page", "needs 'from_last'"),
        ("{request: {path: /find}, filter_parameter: '{value}', operators: {gt: {a: 1}}}", "operators.gt", "is a text"),
        (
            "{request: {path: /find}, filter_parameter: '{value}', operators: {gt: '>{v}'}}",
            "operators.gt",
            "no variable 'v'",
        ),
        (
            "{request: {path: /find, body: [{$each: filter, a: '{value}'}]}, operators: {gt: {a: 1}}}",
            "operators.gt",
            "{conditions}",
        ),
    ],
)
def test_a_search_that_could_not_work_is_refused_with_the_definition(search: str, path: str, words: str):
    with pytest.raises(InvalidDefinition) as refused:
        load_definition(searchable(search))
    assert any(issue.name.endswith(path) and words in issue.detail for issue in refused.value.issues)
