"""Providers of very different kinds in the format: each sends what the provider documents and reads to the end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from conjunct.connectors import Bearer, ReadNotSupported, ReadQuery
from conjunct.connectors.formats import UnusableValue

from .scripted import Reply, ScriptedProvider, ids, read_all

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = datetime(2026, 2, 1, tzinfo=UTC)
HEAD = """
spec: conjunct/provider@1
name: worked
display: Worked
base_url: https://api.worked.test
auth: {type: oauth2, token_url: https://api.worked.test/token}
"""

SALESFORCE = (
    HEAD
    + """
defaults:
  vars: {api: /services/data/v60.0, stamp: SystemModstamp}
  read:
    required_fields: [Id]
    where:
      prefix: " WHERE "
      terms:
        - "{stamp} > {since}"
        - "{stamp} <= {until}"
        - {$each: filter, $term: "{field|name} = {value|soql}"}
    request: {path: "{api}/query", query: {q: "SELECT {fields|names} FROM {object|name}{where}"}}
    variants:
      - when: [deleted]
        request: {path: "{api}/queryAll", query: {q: "SELECT {fields|names} FROM {object|name}{where}"}}
    records: records
    id: Id
    page: {style: next_url, at: nextRecordsUrl, total_at: totalSize}
  count: {request: {path: "{api}/query", query: {q: "SELECT COUNT() FROM {object|name}{where}"}}, at: totalSize}
objects: {"*": {}, Log: {vars: {stamp: CreatedDate}}}
"""
)


class TestSalesforce:
    async def test_reads_by_soql_with_bounds_and_quoted_filters(self, provider: ScriptedProvider):
        provider.answers(
            {
                "records": [{"Id": "001", "Name": "a"}],
                "nextRecordsUrl": "/services/data/v60.0/query/01g-2000",
                "done": True,
            },
            {"records": [{"Id": "002", "Name": "b"}], "done": True, "totalSize": 2},
        )
        query = ReadQuery("Account", ("Name", "Owner__c"), SINCE, UNTIL, filters=(("Name", "O'Hara"), ("Open", True)))
        pages = await read_all(provider.connector(SALESFORCE), query)
        assert ids(pages) == ["001", "002"]
        assert pages[0].records[0].fields == {"name": "a"}
        assert provider.received[0].query["q"] == (
            "SELECT Id,Name,Owner__c FROM Account WHERE SystemModstamp > 2026-01-01T00:00:00Z"
            r" AND SystemModstamp <= 2026-02-01T00:00:00Z AND Name = 'O\'Hara' AND Open = true"
        )
        assert provider.received[1].path == "/services/data/v60.0/query/01g-2000"

    async def test_without_bounds_there_is_no_where(self, provider: ScriptedProvider):
        provider.answers({"records": []})
        await read_all(provider.connector(SALESFORCE), ReadQuery("Account"))
        assert provider.received[0].query["q"] == "SELECT Id FROM Account"

    async def test_deleted_records_and_another_stamp(self, provider: ScriptedProvider):
        connector = provider.connector(
            SALESFORCE.replace('"{stamp} > {since}"', '"{stamp} > {since}"\n        - "IsDeleted = {deleted}"')
        )
        provider.answers({"records": []})
        await connector.read_page(ReadQuery("Log", since=SINCE, deleted=True))
        assert provider.received[0].path.endswith("/queryAll")
        assert provider.received[0].query["q"].endswith("CreatedDate > 2026-01-01T00:00:00Z AND IsDeleted = true")

    async def test_counts(self, provider: ScriptedProvider):
        provider.answers({"totalSize": 12345, "records": []})
        assert await provider.connector(SALESFORCE).count(ReadQuery("Account", since=SINCE)) == 12345
        assert provider.received[0].query["q"].startswith("SELECT COUNT() FROM Account WHERE SystemModstamp >")

    @pytest.mark.parametrize(
        "query",
        [
            ReadQuery("Account WHERE (1=1)"),
            ReadQuery("Account", ("Name FROM User--",)),
            ReadQuery("Account", filters=(("a = 'b' OR c", "d"),)),
        ],
    )
    async def test_names_cannot_smuggle_soql(self, provider: ScriptedProvider, query: ReadQuery):
        with pytest.raises(UnusableValue):
            await provider.connector(SALESFORCE).read_page(query)
        assert provider.received == []


INTERCOM = (
    HEAD
    + """
headers: {Intercom-Version: "2.11"}
defaults:
  time: unix
  read:
    request: {path: "/{object}", query: {per_page: "{page_size}", starting_after: "{cursor}"}}
    records: data
    page: {style: cursor, at: pages.next.starting_after, size: {default: 60}}
objects:
  contacts: {}
  conversations:
    read:
      records: conversations
      variants:
        - when: [since, until]
          request:
            method: POST
            path: /conversations/search
            body:
              query:
                operator: AND
                value:
                  - {field: updated_at, operator: ">", value: "{since}"}
                  - {field: updated_at, operator: "<", value: "{until}"}
              pagination: {per_page: "{page_size}", starting_after: "{cursor}"}
"""
)


async def test_intercom_lists_or_searches_with_times_as_numbers(provider: ScriptedProvider):
    connector = provider.connector(INTERCOM)
    provider.answers(
        {"conversations": [{"id": 1}], "pages": {"next": {"starting_after": "c2"}}},
        {"conversations": [{"id": 2}], "pages": {"next": None}},
        {"conversations": [{"id": 3}]},
        {"data": [{"id": 4}]},
    )
    assert ids(await read_all(connector, ReadQuery("conversations", since=SINCE))) == ["1", "2"]
    assert ids(await read_all(connector, ReadQuery("conversations"))) == ["3"]
    assert ids(await read_all(connector, ReadQuery("contacts"))) == ["4"]
    searched, again, listed, _ = provider.received
    assert searched.json == {
        "query": {"operator": "AND", "value": [{"field": "updated_at", "operator": ">", "value": 1767225600}]},
        "pagination": {"per_page": 60},
    }
    assert again.json["pagination"] == {"per_page": 60, "starting_after": "c2"}
    assert (listed.method, listed.path, listed.body) == ("GET", "/conversations", b"")
    assert {each.headers["Intercom-Version"] for each in provider.received} == {"2.11"}
    assert "Content-Type" not in listed.headers


CAPSULE = (
    HEAD
    + """
defaults:
  read:
    request: {path: "/api/v2/{object}", query: {perPage: "{page_size}", since: "{since}", embed: fields}}
    records: "{object}"
    custom_fields: {at: fields, name: definition.name, value: value}
    page: {style: link_header, size: {default: 100}}
objects:
  parties: {}
  projects: {read: {request: {path: /api/v2/kases}, records: kases}}
"""
)


async def test_capsule_follows_link_headers_and_flattens_custom_fields(provider: ScriptedProvider):
    party = {"id": 11, "lastName": "Hopper", "fields": [{"definition": {"name": "Rank"}, "value": "Admiral"}]}
    provider.answers(
        Reply({"parties": [party]}, headers={"Link": f'<{provider.url}/api/v2/parties?page=2>; rel="next"'}),
        {"parties": []},
        {"kases": [{"id": 5}]},
    )
    connector = provider.connector(CAPSULE)
    pages = await read_all(connector, ReadQuery("parties", ("lastname", "rank"), since=SINCE))
    assert pages[0].records[0].fields == {"lastname": "Hopper", "rank": "Admiral"}
    assert provider.received[0].query == {"perPage": "100", "since": "2026-01-01T00:00:00Z", "embed": "fields"}
    assert ids(await read_all(connector, ReadQuery("projects"))) == ["5"]


SQUARE = (
    HEAD
    + """
defaults:
  read:
    request: {path: "/v2/{object}", query: {limit: "{page_size}", cursor: "{cursor}"}}
    records: "{object}"
    records_optional: true
    page: {style: cursor, at: cursor, size: {default: 100}}
objects:
  customers: {}
  payments: {read: {request: {query: {begin_time: "{since}", end_time: "{until}"}}}}
"""
)


async def test_square_leaves_the_list_out_when_it_is_empty(provider: ScriptedProvider):
    provider.answers({"payments": [{"id": "p"}], "cursor": "c"}, {"payments": [{"id": "q"}]}, {})
    connector = provider.connector(SQUARE)
    assert ids(await read_all(connector, ReadQuery("payments", since=SINCE, until=UNTIL))) == ["p", "q"]
    assert provider.received[1].query == {
        "limit": "100",
        "cursor": "c",
        "begin_time": "2026-01-01T00:00:00Z",
        "end_time": "2026-02-01T00:00:00Z",
    }
    assert ids(await read_all(connector, ReadQuery("customers"))) == []
    with pytest.raises(ReadNotSupported):
        await connector.read_page(ReadQuery("customers", filters=(("a", 1),)))
    with pytest.raises(ReadNotSupported):
        await connector.read_page(ReadQuery("customers", deleted=True))


INSIGHTLY = (
    HEAD.replace("https://api.worked.test\n", '"https://api.{pod}.worked.test"\n')
    + """
inputs: [{name: pod, kind: subdomain}]
defaults:
  read:
    request:
      path: "/v3.1/{object}/Search"
      query: {top: "{page_size}", skip: "{offset}", updated_after_utc: "{since}"}
    records: ""
    id: RECORD_ID
    custom_fields: {at: CUSTOMFIELDS, name: FIELD_NAME, value: FIELD_VALUE}
    page: {style: offset, size: {default: 2}, advance: page_size, stop: empty}
objects: {Leads: {read: {id: LEAD_ID}}, Fruit__c: {}}
"""
)


async def test_insightly_counts_offsets_over_a_bare_array(provider: ScriptedProvider):
    provider.answers([{"LEAD_ID": 1}, {"LEAD_ID": 2}], [{"LEAD_ID": 3}], [])
    connector = provider.connector(INSIGHTLY)
    assert ids(await read_all(connector, ReadQuery("Leads", since=SINCE))) == ["1", "2", "3"]
    assert [each.query["skip"] for each in provider.received] == ["0", "2", "4"]


MICROSOFT = (
    HEAD
    + """
defaults:
  time: rfc3339ms
  read:
    where: {join: " and ", terms: ["changed ge {since}", "changed le {until}"]}
    request: {path: "/v1.0/{object}", query: {$top: "{page_size}", $filter: "{where}"}}
    records: value
    page: {style: next_url, at: "$['@odata.nextLink']", size: {default: 100}}
objects: {users: {}, me/messages: {}}
"""
)


async def test_microsoft_has_names_with_slashes_and_dots(provider: ScriptedProvider):
    provider.answers(
        {"value": [{"id": "a"}], "@odata.nextLink": f"{provider.url}/v1.0/me/messages?$skiptoken=x"},
        {"value": [{"id": "b"}]},
        {"value": []},
    )
    connector = provider.connector(MICROSOFT)
    assert ids(await read_all(connector, ReadQuery("me/messages", since=SINCE, until=UNTIL))) == ["a", "b"]
    await read_all(connector, ReadQuery("users"))
    assert provider.received[0].path == "/v1.0/me/messages"
    assert provider.received[0].query["$filter"] == (
        "changed ge 2026-01-01T00:00:00.000Z and changed le 2026-02-01T00:00:00.000Z"
    )
    assert provider.received[2].query == {"$top": "100"}


async def test_a_form_body_and_repeated_parameters(provider: ScriptedProvider):
    text = (
        HEAD
        + """
objects:
  things:
    read:
      request:
        method: POST
        path: /things
        query: {field: {$list: fields}}
        encode: form
        body: {since: "{since}", all: true, page: "{page}"}
      page: {style: page}
"""
    )
    provider.answers([{"id": 1}], [])
    await read_all(provider.connector(text, Bearer("t")), ReadQuery("things", ("a b", "c&d"), since=SINCE))
    first: Any = provider.received[0]
    assert first.raw_path == "/things?field=a%20b&field=c%26d"
    assert first.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert first.body == b"since=2026-01-01T00%3A00%3A00Z&all=true&page=1"
