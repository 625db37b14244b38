"""Records by their ids, and what belongs to them."""

from __future__ import annotations

from typing import Any

import pytest

from conjunct.connectors import Associated, ReadNotSupported, ReadQuery, object_support, support
from conjunct.connectors.errors import AccessForbidden, AuthInvalid, CursorLoop, MalformedAnswer
from conjunct.connectors.loader import load_definition

from .scripted import Received, Reply, ScriptedProvider, definition, ids, read_all

READ = """
    request: {path: "/{object}", query: {fields: "{fields|names}"}}
    records: data
"""
OBJECTS = """  contacts:
    by_ids:
      request:
        method: POST
        path: "/{object}/batch"
        body: {inputs: [{$each: ids, id: "{id}"}], fields: {$list: fields}}
      max: 2
      records: found
    associations:
      companies:
        in_record: {at: companyId, fields: [companyId]}
      Deals:
        in_record: {at: "{other}.records", id: Id, metadata: kind, fields: ["(SELECT Id FROM {other|name})"]}
      "*":
        request:
          request: {method: POST, path: "/links/{object}/{other}", body: {inputs: [{$each: ids, id: "{id}"}]}}
          max: 2
          results: results
          from: from.id
          to: to
          id: toId
          metadata: types
  queries:
    by_ids: {request: {path: /q, query: {q: "Id IN ({ids|soql})"}}}
  tickets:
    by_ids: {request: {path: "/tickets/{id}"}, records: ticket}
    associations:
      users: {request: {request: {path: "/tickets/{id}/{other}"}, results: data}}
"""
TEXT = definition(OBJECTS, read=READ)


def echoed(request: Received) -> Any:
    """Tells of every id that it is asked for, except of those that are gone."""
    return {"found": [{"id": int(each["id"])} for each in request.json["inputs"] if each["id"] != "404"]}


async def test_many_are_asked_for_at_once_and_come_in_order(provider: ScriptedProvider):
    provider.answer = echoed
    big = str(2**60 + 1)
    found = await provider.connector(TEXT).get_by_ids("contacts", ["5", "404", big, "5", "1"], ("name",))
    assert [record.id for record in found] == ["5", big, "1"]
    assert sorted((each.json for each in provider.received), key=str) == [
        {"inputs": [{"id": big}, {"id": "1"}], "fields": ["name"]},
        {"inputs": [{"id": "5"}, {"id": "404"}], "fields": ["name"]},
    ]
    assert await provider.connector(TEXT).get_by_ids("contacts", []) == []
    assert len(provider.received) == 2


async def test_one_that_is_gone_does_not_hide_the_others(provider: ScriptedProvider):
    provider.answer = lambda request: Reply(status=404) if b'"404"' in request.body else echoed(request)
    found = await provider.connector(TEXT).get_by_ids("contacts", ["404", "2"])
    assert [record.id for record in found] == ["2"]


async def test_one_by_one_and_in_a_query(provider: ScriptedProvider):
    provider.answer = lambda request: (
        Reply(status=404) if request.path.endswith("/2") else {"ticket": {"id": int(request.path[-1])}}
    )
    found = await provider.connector(TEXT).get_by_ids("tickets", ["3", "2", "1"])
    assert [record.id for record in found] == ["3", "1"]
    provider.answers({"data": []})
    assert await provider.connector(TEXT).get_by_ids("queries", ["a'b", "c"]) == []
    assert provider.received[-1].query == {"q": "Id IN ('a\\'b','c')"}


async def test_what_cannot_be_is_refused(provider: ScriptedProvider):
    connector = provider.connector(definition(read=READ))
    with pytest.raises(ReadNotSupported, match="by their ids"):
        await connector.get_by_ids("things", ["1"])
    with pytest.raises(ReadNotSupported, match="companies"):
        await connector.read_page(ReadQuery("things", associations=("companies",)))
    assert provider.received == []
    provider.answer = lambda _: Reply({"message": "no"}, 403)
    with pytest.raises(AccessForbidden):
        await provider.connector(TEXT).get_by_ids("contacts", ["1"])
    loaded = load_definition(TEXT)
    assert object_support(loaded, "contacts").associations == ("companies", "Deals", "*")
    assert (object_support(loaded, "tickets").by_ids, support(loaded).by_ids) == (True, True)
    plain = support(load_definition(definition(read=READ)))
    assert (plain.by_ids, plain.associations) == (False, False)


async def test_where_only_the_check_tells_of_bad_credentials_it_is_asked(provider: ScriptedProvider):
    provider.answer = lambda request: Reply(status=401) if request.path == "/me" else echoed(request)
    guarded = definition(OBJECTS, read=READ, top="check: {path: /me, guards_reads: true}")
    with pytest.raises(AuthInvalid):
        await provider.connector(guarded).get_by_ids("contacts", ["1"])


class TestAssociations:
    async def test_in_the_record(self, provider: ScriptedProvider):
        rows = [
            {
                "id": 1,
                "name": "A",
                "companyId": 2**60,
                "Deals": {"records": [{"Id": "d1", "kind": "k"}, {"no": 1}, None]},
            },
            {"id": 2, "name": "B", "companyId": None, "Deals": None},
            {"id": 3, "companyId": [7, "8", {}, True], "Deals": {"records": {"Id": "d2"}}},
            {"id": 4, "companyId": "", "Deals": "odd"},
        ]
        provider.answers({"data": rows})
        query = ReadQuery("contacts", ("name",), associations=("companies", "Deals", "companies"))
        pages = await read_all(provider.connector(TEXT), query)
        assert provider.received[0].query == {"fields": "name,companyId,(SELECT Id FROM Deals)"}
        told = [
            {other: [(each.id, each.metadata) for each in found] for other, found in record.associations.items()}
            for record in pages[0].records
        ]
        assert told == [
            {"companies": [(str(2**60), None)], "Deals": [("d1", "k")]},
            {"companies": [], "Deals": []},
            {"companies": [("7", None), ("8", None)], "Deals": [("d2", None)]},
            {"companies": [], "Deals": []},
        ]
        assert [record.fields for record in pages[0].records] == [{"name": "A"}, {"name": "B"}, {}, {}]

    async def test_by_a_request_for_many(self, provider: ScriptedProvider):
        links = {
            "1": [{"toId": 2**60, "types": [{"label": "x"}]}, {"toId": 5}, {"toId": None}],
            "2": None,
        }

        def answer(request: Received) -> Any:
            if request.path == "/contacts":
                return {"data": [{"id": number} for number in (1, 2, 3, 4, 5)]}
            asked = [each["id"] for each in request.json["inputs"]]
            if "5" in asked:
                return Reply({"message": "none"}, 404)
            results = [{"from": {"id": each}, "to": links[each]} for each in asked if each in links]
            return Reply({"results": [*results, {"from": {}, "to": 5}, None], "errors": []}, 207)

        provider.answer = answer
        pages = await read_all(provider.connector(TEXT), ReadQuery("contacts", associations=("tasks",)))
        records = pages[0].records
        assert records[0].associations["tasks"] == [
            Associated(str(2**60), [{"label": "x"}], links["1"][0]),  # type: ignore[index]
            Associated("5", None, {"toId": 5}),
        ]
        assert [record.associations for record in records[1:]] == [{"tasks": []}] * 4
        assert [request.path for request in provider.received[1:]] == ["/links/contacts/tasks"] * 3
        provider.received.clear()
        provider.answer = lambda request: answer(request) if "links" in request.path else {"found": [{"id": 1}]}
        found = await provider.connector(TEXT).get_by_ids("contacts", ["1"], associations=("tasks",))
        assert [each.id for each in found[0].associations["tasks"]] == [str(2**60), "5"]

    async def test_in_pages_for_each_record(self, provider: ScriptedProvider):
        body = """{inputs: [{$each: ids, id: "{id}", after: "{cursor}"}]}}"""
        text = TEXT.replace(
            """{inputs: [{$each: ids, id: "{id}"}]}}
          max: 2
""",
            body
            + """
          max: 2
          more: paging.after
""",
        )
        told: dict[tuple[str, Any], Any] = {
            ("1", None): {"from": {"id": 1}, "to": [{"toId": 7}], "paging": {"after": "a"}},
            ("1", "a"): {"from": {"id": 1}, "to": [{"toId": 8}], "paging": {"after": "b"}},
            ("1", "b"): {"from": {"id": 1}, "to": [{"toId": 9}], "paging": {"after": None}},
            ("2", None): {"from": {"id": 2}, "to": [{"toId": 7}]},
        }

        def answer(request: Received) -> Any:
            if request.path == "/contacts/batch":
                return echoed(request)
            return {"results": [told[each["id"], each.get("after")] for each in request.json["inputs"]]}

        provider.answer = answer
        connector = provider.connector(text)
        found = await connector.get_by_ids("contacts", ["1", "2"], (), ("tasks",))
        assert [[each.id for each in record.associations["tasks"]] for record in found] == [["7", "8", "9"], ["7"]]
        asked = [each.json["inputs"] for each in provider.received if each.path != "/contacts/batch"]
        assert asked[1:] == [[{"id": "1", "after": "a"}], [{"id": "1", "after": "b"}]]
        told["1", "b"]["paging"] = {"after": "a"}
        with pytest.raises(CursorLoop):
            await connector.get_by_ids("contacts", ["1", "2"], (), ("tasks",))
        told["1", "b"]["paging"] = {"after": {}}
        with pytest.raises(MalformedAnswer):
            await connector.get_by_ids("contacts", ["1", "2"], (), ("tasks",))

    async def test_one_by_one(self, provider: ScriptedProvider):
        def answer(request: Received) -> Any:
            match request.path:
                case "/tickets":
                    return {"data": [{"id": "1"}, {"id": ".."}, {"id": "2"}, {"id": "1"}]}
                case "/tickets/1/users":
                    return {"data": [{"id": 9}, {"id": 9.0}]}
            return Reply(status=404)

        provider.answer = answer
        pages = await read_all(provider.connector(TEXT), ReadQuery("tickets", associations=("users",)))
        assert [[each.id for each in record.associations["users"]] for record in pages[0].records] == [
            ["9", "9"],
            [],
            [],
            ["9", "9"],
        ]
        assert len(provider.received) == 3

    async def test_one_by_one_in_pages(self, provider: ScriptedProvider):
        text = TEXT.replace(
            """{path: "/tickets/{id}/{other}"}, results: data""",
            """{path: "/tickets/{id}/{other}", query: {token: "{cursor}"}}, results: data, more: next, parameter: t""",
        )
        told: dict[str | None, Any] = {
            None: {"data": [{"id": 7}], "next": "https://elsewhere.example.com/?t=a%3D&x=1"},
            "a=": {"data": [{"id": 8}], "next": "/?t=b"},
            "b": {"data": [{"id": 9}], "next": None},
        }
        provider.answer = lambda request: (
            {"data": [{"id": "1"}]} if request.path == "/tickets" else told[request.query.get("token")]
        )
        connector, query = provider.connector(text), ReadQuery("tickets", associations=("users",))
        pages = await read_all(connector, query)
        assert [each.id for each in pages[0].records[0].associations["users"]] == ["7", "8", "9"]
        for wrong, error in (("/?t=a%3D", CursorLoop), ("/?u=1", MalformedAnswer), ({"t": 1}, MalformedAnswer)):
            told["b"]["next"] = wrong
            with pytest.raises(error):
                await read_all(connector, query)

    @pytest.mark.parametrize("body", [{"data": 5}, {"data": "x"}])
    async def test_an_answer_that_lists_nothing_is_malformed(self, provider: ScriptedProvider, body: Any):
        provider.answer = lambda request: {"data": [{"id": "1"}]} if request.path == "/tickets" else body
        with pytest.raises(MalformedAnswer):
            await read_all(provider.connector(TEXT), ReadQuery("tickets", associations=("users",)))

    async def test_records_without_them_cost_nothing(self, provider: ScriptedProvider):
        provider.answers({"data": [{"id": 1}]})
        pages = await read_all(provider.connector(TEXT), ReadQuery("contacts"))
        assert (ids(pages), pages[0].records[0].associations) == (["1"], {})
