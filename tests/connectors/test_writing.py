"""Writing records: what goes over the wire, what is made of each answer, and what is told when it is not known."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conjunct.connectors import (
    InvalidDefinition,
    UnknownObject,
    WriteEntry,
    WriteInterrupted,
    WriteNotSupported,
    WriteQuery,
    Written,
    load_definition,
)
from conjunct.connectors.auth import ApiKey
from conjunct.connectors.errors import (
    AuthInvalid,
    BadRequest,
    Conflict,
    MalformedAnswer,
    ProviderError,
    RateLimited,
    ResourceNotFound,
    ServerFailed,
    TimedOut,
    Unreachable,
)
from conjunct.connectors.formats import UnusableValue
from conjunct.connectors.write_plans import write_plan
from conjunct.connectors.write_results import Answer

from .scripted import Received, Reply, ScriptedProvider

DEFINITION = load_definition("""
spec: conjunct/provider@1
name: small
display: Small
base_url: https://api.small.test
headers: {X-Version: "2"}
auth: {type: apiKey, name: X-Key}
errors:
  rules: [{code: LOCKED, class: retryable}, {code: SLOW, class: rate_limited}]
defaults:
  vars: {kind: "{object|upper}"}
  write:
    create:
      request: {method: POST, path: "/{object}", body: {"{kind}": "{record}", links: "{associations}"}}
      record_at: ""
    update: {request: {method: PATCH, path: "/{object}/{id}", body: "{record}"}}
    upsert:
      request: {method: PUT, path: "/{object}/{external_id_field}/{external_id}", body: "{record}"}
      repeatable: false
    delete: {request: {method: DELETE, path: "/{object}/{id}"}}
objects:
  things: {}
  creations: {write: {update: null, upsert: null, delete: null}}
  keyed:
    write:
      create: {request: {headers: {Idempotency-Key: "{idempotency_key}"}}, id_header: Location, id_at: ""}
  versioned:
    write:
      update:
        before: {request: {path: "/versioned/{id}"}, take: {version: meta.version}}
        request: {body: {$merge: [{Id: "{id}", sparse: true}, "{record}", {v: "{version}"}]}}
        id_at: Item.Id
        record_at: Item
  rpc:
    write:
      create: {request: {path: /rpc.create}, id_at: result.id, ok_at: ok, message_at: why, code_at: error}
      update: {request: {path: "/rpc/{id}"}, errors_at: errors, code_at: code}
  bulky:
    write:
      batch:
        create:
          request:
            method: POST
            path: /batch
            body:
              all: "{all_or_none}"
              rows: [{$each: records, $merge: ["{record}", {links: "{associations}"}]}]
          max: 3
          results: {id_at: id, ok_at: success, errors_at: errors, code_at: code, statuses: [400]}
        update:
          request:
            method: PUT
            path: /batch
            body: [{$each: records, id: "{id|int}", "{kind}": "{record}"}]
          max: 3
          results: {at: items, match: id, key_at: id, record_at: ""}
        delete: {request: {method: POST, path: /batch/delete, query: {ids: "{ids|csv}"}}, results: {told: false}}
  traced:
    write:
      batch:
        create:
          request:
            method: POST
            path: /traced
            body: {rows: [{$each: records, values: "{record}", links: "{associations}", mark: "{trace}"}]}
          max: 10
          all_or_none: untraced
          results:
            at: results
            match: trace
            key_at: mark
            statuses: [400]
            failed: {at: errors, key_at: context.marks, code_at: category}
""")
ADA, GRACE, MARY = ({"Name": name} for name in ("Ada", "Grace", "Mary"))


def create(object_name: str, *records: dict[str, Any], **options: Any) -> WriteQuery:
    return WriteQuery(object_name, "create", tuple(WriteEntry(record) for record in records), **options)


def update(object_name: str, *ids: str, **options: Any) -> WriteQuery:
    return WriteQuery(object_name, "update", tuple(WriteEntry({"a": 1}, id=each) for each in ids), **options)


def states(results: Any) -> list[tuple[str, str | None]]:
    return [(each.state, each.id) for each in results]


def faults(results: Any) -> list[list[str]]:
    return [[fault.message for fault in each.faults] for each in results]


def by_record(answers: dict[str, Any]) -> Any:
    """Answers by the last segment of the path, or the name in the body."""

    def answer(received: Received) -> Any:
        named = received.json["THINGS"]["Name"] if received.method == "POST" else received.path.rpartition("/")[2]
        return answers[named]

    return answer


class TestOneRecord:
    async def test_what_goes_over_the_wire_and_what_is_told(self, provider: ScriptedProvider):
        connector = provider.connector(DEFINITION)
        provider.answers(
            {"id": 2**63 + 1, "n": 1},
            Reply(b"", 204),
            Reply(b'{"id": 90071992547409931234}'),
            {"id": "deletion-1"},
        )
        links = [{"to": {"id": "7"}}]
        entry = WriteEntry({"Name": "Ada", "size": 2**70, "none": None}, associations=links)
        [made] = await connector.write(WriteQuery("things", "create", (entry,)))
        assert made == Written("done", str(2**63 + 1), {"id": 2**63 + 1, "n": 1})
        assert await connector.write(update("things", "a b/c")) == [Written("done", "a b/c", repeatable=True)]
        upsert = WriteQuery("things", "upsert", (WriteEntry(ADA, external_id="x@y"),), external_id_field="mail")
        assert await connector.write(upsert) == [Written("done", "90071992547409931234")]
        delete = WriteQuery("things", "delete", (WriteEntry(id="9"),))
        assert await connector.write(delete) == [Written("done", "9", repeatable=True)]
        assert [(each.method, each.raw_path, each.body) for each in provider.received] == [
            (
                "POST",
                "/things",
                b'{"THINGS":{"Name":"Ada","size":1180591620717411303424,"none":null},"links":[{"to":{"id":"7"}}]}',
            ),
            ("PATCH", "/things/a%20b%2Fc", b'{"a":1}'),
            ("PUT", "/things/mail/x%40y", b'{"Name":"Ada"}'),
            ("DELETE", "/things/9", b""),
        ]

    async def test_headers_of_the_query_replace_none_of_ours(self, provider: ScriptedProvider):
        headers = {"X-Reason": "sync", "x-version": "9", "X-KEY": "mine", "accept": "text/html", "content-TYPE": "a/b"}
        provider.answers({"id": 1})
        await provider.connector(DEFINITION).write(create("things", ADA, headers=headers))
        [sent] = provider.received
        wanted = {"X-Reason": "sync", "X-Version": "2", "X-Key": "key-1", "Content-Type": "application/json"}
        wanted["Accept"] = "application/json"
        received = [
            (name, value) for name, value in sent.headers.items() if name.lower() in set(map(str.lower, wanted))
        ]
        assert sorted(received) == sorted(wanted.items())  # each once
        for name, value in (("X A", "b"), ("X-A", "b\r\nX-Key: c"), ("X-A", "ä")):
            with pytest.raises(UnusableValue):
                await provider.connector(DEFINITION).write(create("things", ADA, headers={name: value}))

    @pytest.mark.parametrize(
        ("location", "expected"),
        [
            ("https://api.small.test/keyed/a%2Fb?x=1", "a/b"),
            ("/keyed/7/", "7"),
            ("https://api.small.test/v9/keyed(00-11)", "00-11"),
            ("urn:li:thing:9", "urn:li:thing:9"),
            ("", None),
        ],
    )
    async def test_an_id_in_a_header(self, provider: ScriptedProvider, location: str, expected: str | None):
        provider.answers(Reply({"id": "other"}, 201, {"Location": location}))
        entry = WriteEntry(ADA, idempotency_key="once")
        [made] = await provider.connector(DEFINITION).write(WriteQuery("keyed", "create", (entry,)))
        assert (made.id, made.repeatable) == (expected, True)
        assert provider.received[0].headers["Idempotency-Key"] == "once"

    async def test_what_the_write_needs_to_know_is_asked_first(self, provider: ScriptedProvider):
        connector = provider.connector(DEFINITION)
        provider.answers({"meta": {"version": 5}}, {"Item": {"Id": 7, "v": 6}}, Reply({"message": "gone"}, 404))
        [done] = await connector.write(update("versioned", "7"))
        assert (done.id, done.record) == ("7", {"Id": 7, "v": 6})
        assert provider.received[1].json == {"Id": "7", "sparse": True, "a": 1, "v": 5}
        with pytest.raises(ResourceNotFound, match="gone"):
            await connector.write(update("versioned", "8"))
        provider.answers(Reply({}, 500))
        with pytest.raises(ServerFailed):  # the question: nothing was written
            await connector.write(update("versioned", "8"))
        assert [each.method for each in provider.received] == ["GET", "PATCH", "GET", "GET"]

    @pytest.mark.parametrize(
        ("query", "body", "error", "words"),
        [
            (create("rpc", ADA), {"ok": False, "error": "taken", "why": "is taken"}, BadRequest, "is taken"),
            (create("rpc", ADA), {"ok": False, "error": "LOCKED"}, ProviderError, "LOCKED"),
            (create("rpc", ADA), {"ok": False, "error": "SLOW", "why": "wait"}, RateLimited, "wait"),
            (update("rpc", "1"), {"errors": [{"message": "a"}, {"message": "b"}]}, BadRequest, "a; b"),
            (
                update("rpc", "1"),
                {"errors": {"mail": ["is taken", "is odd"]}},
                BadRequest,
                "mail: is taken; mail: is odd",
            ),
            (update("rpc", "1"), {"errors": "key-1 is bad"}, BadRequest, r"\[secret\] is bad"),
            (update("rpc", "1"), {"errors": True}, BadRequest, "does not say why"),
        ],
    )
    async def test_a_refusal_within_a_success(
        self, provider: ScriptedProvider, query: WriteQuery, body: Any, error: type[ProviderError], words: str
    ):
        provider.answers(body)
        with pytest.raises(error, match=words) as caught:
            await provider.connector(DEFINITION).write(query)
        assert caught.value.status == 200

    @pytest.mark.parametrize("body", [None, {"ok": "true", "result": {"id": 5}}, {"ok": 1}, []])
    async def test_an_empty_answer_and_a_plain_one_are_successes(self, provider: ScriptedProvider, body: Any):
        provider.answers(Reply(b"", 204) if body is None else body)
        if body == []:
            with pytest.raises(BadRequest):
                await provider.connector(DEFINITION).write(create("rpc", ADA))
        else:
            assert (await provider.connector(DEFINITION).write(create("rpc", ADA)))[0].success

    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            (Reply({"message": "no"}, 400), BadRequest),
            (Reply({"message": "no"}, 409), Conflict),
            (Reply({"message": "no"}, 401), AuthInvalid),
            (Reply({"message": "no"}, 429, {"Retry-After": "7"}), RateLimited),
        ],
    )
    async def test_what_was_refused_raises_its_class(
        self, provider: ScriptedProvider, reply: Reply, error: type[ProviderError]
    ):
        provider.answers(reply)
        with pytest.raises(error):
            await provider.connector(DEFINITION).write(create("things", ADA))

    async def test_what_was_sent_and_not_answered_is_unknown_and_sent_once(self, provider: ScriptedProvider):
        replies = [Reply({"message": "oops"}, 500), Reply(b"<html>", 502), Reply(b'{"id": 1')]
        for reply, cause in zip(replies, (ServerFailed, ServerFailed, MalformedAnswer), strict=True):
            provider.received.clear()
            provider.answers(reply)
            with pytest.raises(WriteInterrupted) as caught:
                await provider.connector(DEFINITION).write(create("things", ADA))
            assert isinstance(caught.value.cause, cause)
            assert states(caught.value.results) == [("unknown", None)]
            assert not caught.value.results[0].may_be_tried_again
            assert len(provider.received) == 1
        provider.answers(Reply({}, 500))
        with pytest.raises(WriteInterrupted) as caught:
            await provider.connector(DEFINITION).write(update("things", "4"))
        assert states(caught.value.results) == [("unknown", "4")]
        assert caught.value.results[0].may_be_tried_again

    async def test_whether_it_was_sent_decides_when_there_is_no_answer(self, provider: ScriptedProvider):
        held: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(lambda _reader, writer: held.append(writer), "127.0.0.1", 0)
        provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(WriteInterrupted) as caught:
            await provider.connector(DEFINITION, timeout=0.05).write(create("things", ADA))
        assert isinstance(caught.value.cause, TimedOut)
        held[0].close()
        server.close()
        await server.wait_closed()
        with pytest.raises(Unreachable) as unsent:
            await provider.connector(DEFINITION).write(create("things", ADA))
        assert not unsent.value.sent


class TestOneByOne:
    async def test_each_has_its_own_fate_in_order(self, provider: ScriptedProvider):
        locked = Reply({"code": "x", "message": "later"}, 423)
        provider.answer = by_record(
            {"Ada": {"id": 1}, "Grace": Reply({"message": "no Grace"}, 422), "Mary": {"id": 3}, "Alan": locked}
        )
        told = await provider.connector(DEFINITION).write(create("things", ADA, GRACE, MARY, {"Name": "Alan"}))
        assert states(told) == [("done", "1"), ("refused", None), ("done", "3"), ("refused", None)]
        assert faults(told) == [[], ["no Grace"], [], ["later"]]
        assert [each.may_be_tried_again for each in told] == [False, False, False, True]
        told = await provider.connector(DEFINITION).write(update("versioned", ".", "..", "/"))
        assert [each.state for each in told] == ["refused"] * 3

    async def test_what_concerns_all_ends_it_and_loses_nothing(self, provider: ScriptedProvider):
        ids = tuple(map(str, range(20)))
        provider.answer = lambda received: (
            Reply({"message": "slow down"}, 429) if received.path == "/things/2" else {"id": received.path[8:]}
        )
        with pytest.raises(WriteInterrupted) as caught:
            await provider.connector(DEFINITION).write(update("things", *ids))
        assert isinstance(caught.value.cause, RateLimited)
        told = caught.value.results
        assert len(told) == 20
        assert told[2] == Written("untried", "2", repeatable=True)
        sent = {each.path[8:] for each in provider.received}
        assert {each.id for each in told if each.state == "done"} == sent - {"2"}
        assert {each.id for each in told if each.state == "untried"} == set(ids) - sent | {"2"}
        assert len(sent) < 20

    async def test_when_nothing_was_written_the_cause_is_raised(self, provider: ScriptedProvider):
        provider.answer = lambda _: Reply({"message": "who?"}, 401)
        with pytest.raises(AuthInvalid):
            await provider.connector(DEFINITION).write(create("things", ADA, GRACE))

    async def test_two_changes_of_one_record_keep_their_order(self, provider: ScriptedProvider):
        entries = tuple(WriteEntry({"n": n}, id="7" if n % 2 else "8") for n in range(8))
        provider.answer = lambda _: Reply(b"", 204)
        await provider.connector(DEFINITION).write(WriteQuery("things", "update", entries))
        assert [each.json["n"] for each in provider.received] == list(range(8))


class TestBatches:
    async def test_by_place_in_as_many_requests_as_it_takes(self, provider: ScriptedProvider):
        refused = {"success": False, "errors": [{"message": "busy", "code": "LOCKED"}, "and so on"]}
        provider.answers(
            [{"id": 1, "success": True}, refused, {"id": 3, "success": True, "errors": []}],
            [{"id": 4, "success": True}],
        )
        entries = (WriteEntry(ADA), WriteEntry(GRACE, associations=[{"to": 5}]), WriteEntry(MARY), WriteEntry({}))
        told = await provider.connector(DEFINITION).write(WriteQuery("bulky", "create", entries))
        assert states(told) == [("done", "1"), ("refused", None), ("done", "3"), ("done", "4")]
        assert [(fault.message, fault.code, fault.retryable) for fault in told[1].faults] == [
            ("busy", "LOCKED", True),
            ("and so on", None, False),
        ]
        assert [each.json for each in provider.received] == [
            {"all": False, "rows": [ADA, {**GRACE, "links": [{"to": 5}]}, MARY]},
            {"all": False, "rows": [{}]},
        ]

    async def test_a_failure_that_tells_of_each_record(self, provider: ScriptedProvider):
        rolled = {"success": False, "errors": [{"message": "rolled back"}]}
        bad = {"success": False, "errors": [{"message": "no name"}]}
        provider.answers(Reply([rolled, bad], 400), Reply([{"message": "what?"}], 400), Reply({"message": "no"}, 403))
        connector = provider.connector(DEFINITION)
        told = await connector.write(create("bulky", ADA, {}, all_or_none=True))
        assert (faults(told), provider.received[0].json["all"]) == ([["rolled back"], ["no name"]], True)
        for words in ("what?", "no"):
            told = await connector.write(create("bulky", ADA, GRACE))
            assert (states(told), faults(told)) == ([("refused", None)] * 2, [[words]] * 2)

    async def test_by_id_and_what_nothing_is_said_of(self, provider: ScriptedProvider):
        provider.answers({"items": [{"id": 9007199254740993, "x": 1}, None, 5, {"id": "1"}]})
        told = await provider.connector(DEFINITION).write(update("bulky", "1", "2", "9007199254740993"))
        assert states(told) == [("done", "1"), ("unknown", "2"), ("done", "9007199254740993")]
        assert told[2].record == {"id": 9007199254740993, "x": 1}
        assert faults(told)[1] == ["the provider said nothing of this record"]
        assert told[1].may_be_tried_again
        assert provider.received[0].body == (
            b'[{"id":1,"BULKY":{"a":1}},{"id":2,"BULKY":{"a":1}},{"id":9007199254740993,"BULKY":{"a":1}}]'
        )

    async def test_an_entry_that_cannot_be_sent_fails_alone(self, provider: ScriptedProvider):
        provider.answers({"items": [{"id": 1}, {"id": 3}]})
        told = await provider.connector(DEFINITION).write(update("bulky", "1", "two", "3"))
        assert [each.state for each in told] == ["done", "refused", "done"]
        assert "whole number" in faults(told)[1][0]

    async def test_by_trace_with_failures_beside(self, provider: ScriptedProvider):
        connector = provider.connector(DEFINITION)
        failed = [
            {"message": "exists", "category": "CONFLICT", "context": {"marks": ["1", "3"]}},
            {"message": "key-1 leaked", "context": {"marks": ["3"]}},
        ]
        provider.answers(
            Reply({"results": [{"id": 30, "mark": "2"}, {"id": 10, "mark": "0"}], "errors": failed}, 207),
            Reply({"message": "all bad", "errors": [{"message": "all bad"}]}, 400),
            {"results": [{"id": 1}, {"id": 2}]},
            {"results": [{"id": 1, "mark": "0"}], "errors": [{"message": "one was too long"}]},
        )
        told = await connector.write(create("traced", ADA, GRACE, MARY, {}))
        assert states(told) == [("done", "10"), ("refused", None), ("done", "30"), ("refused", None)]
        assert faults(told) == [[], ["exists"], [], ["exists", "[secret] leaked"]]
        assert told[1].faults[0].code == "CONFLICT"
        assert provider.received[0].json["rows"][:2] == [
            {"values": ADA, "mark": "0"},
            {"values": GRACE, "mark": "1"},
        ]
        assert faults(await connector.write(create("traced", ADA, GRACE))) == [["all bad"], ["all bad"]]
        assert states(await connector.write(create("traced", ADA, GRACE, all_or_none=True))) == [
            ("done", "1"),
            ("done", "2"),
        ]
        assert provider.received[2].json == {"rows": [{"values": ADA}, {"values": GRACE}]}
        assert faults(await connector.write(create("traced", ADA, GRACE))) == [[], ["one was too long"]]

    async def test_a_success_without_results_is_one_of_all(self, provider: ScriptedProvider):
        provider.answers(Reply(b"", 204), {"anything": 1})
        ids = tuple(WriteEntry(id=str(n)) for n in range(101))
        told = await provider.connector(DEFINITION).write(WriteQuery("bulky", "delete", ids))
        assert states(told) == [("done", str(n)) for n in range(101)]
        assert [len(each.query["ids"].split(",")) for each in provider.received] == [100, 1]

    @pytest.mark.parametrize(
        ("reply", "cause", "state"),
        [
            (Reply({}, 503), ServerFailed, "unknown"),
            (Reply({"results": []}), MalformedAnswer, "unknown"),
            (Reply({}, 429), RateLimited, "untried"),
        ],
    )
    async def test_what_ends_a_series_of_batches(
        self, provider: ScriptedProvider, reply: Reply, cause: type[ProviderError], state: str
    ):
        done = [{"id": n, "success": True} for n in range(3)]
        provider.answers(done, reply)
        with pytest.raises(WriteInterrupted) as caught:
            await provider.connector(DEFINITION).write(create("bulky", *[ADA] * 8))
        assert isinstance(caught.value.cause, cause)
        assert [each.state for each in caught.value.results] == ["done"] * 3 + [state] * 3 + ["untried"] * 2
        assert len(provider.received) == 2


async def test_what_cannot_be_written_is_refused_before_anything_is_sent(provider: ScriptedProvider):
    connector = provider.connector(DEFINITION)
    with pytest.raises(UnknownObject):
        await connector.write(create("nothing", ADA))
    with pytest.raises(WriteNotSupported, match="no delete"):
        await connector.write(WriteQuery("creations", "delete", (WriteEntry(id="1"),)))
    for query in (
        create("things", ADA, GRACE, all_or_none=True),  # there is no batch
        update("bulky", "1", "2", all_or_none=True),  # which makes no promise
        create("bulky", *[ADA] * 4, all_or_none=True),  # more than a request holds
    ):
        with pytest.raises(WriteNotSupported, match="ll or none"):
            await connector.write(query)
    for query in (
        update("things", ""),
        WriteQuery("things", "upsert", (WriteEntry(ADA),), external_id_field="mail"),
        WriteQuery("things", "upsert", (WriteEntry(ADA, external_id="x"),)),
        update("things", ".."),
        create("things", {"n": float("nan"), "big": 2**70}),
    ):
        with pytest.raises(UnusableValue):
            await connector.write(query)
    assert await connector.write(create("things")) == []
    assert provider.received == []


async def test_where_anybody_is_answered_the_key_is_proved_first(provider: ScriptedProvider):
    guarded = DEFINITION.model_copy(
        update={"check": load_definition(GUARDED).check}  # the rest is the same
    )
    provider.answers(Reply({}, 401), {"me": 1}, {"id": 1})
    connector = provider.connector(guarded, ApiKey("key-1"))
    with pytest.raises(AuthInvalid):
        await connector.write(create("things", ADA, GRACE))
    assert states(await connector.write(create("things", ADA))) == [("done", "1")]
    assert [each.path for each in provider.received] == ["/me", "/me", "/things"]


APART = load_definition("""
spec: conjunct/provider@1
name: small
display: Small
base_url: https://api.small.test
auth: {type: apiKey, name: X-Key}
objects:
  notes:
    write:
      apart: [thing_id, links]
      upsert_by: [mail]
      create:
        request: {method: POST, path: "/things/{thing_id}/notes", body: {values: "{record}", links: "{links}"}}
      upsert:
        request: {method: PUT, path: /notes, body: {$merge: ["{record}", {"{external_id_field}": "{external_id}"}]}}
      batch:
        update:
          request:
            method: POST
            path: /notes
            body: [{$each: records, id: "{id}", of: "{thing_id}", values: "{record}"}]
""")


async def test_what_is_no_value_of_a_record_stands_elsewhere(provider: ScriptedProvider):
    connector = provider.connector(APART)
    provider.answer = lambda received: [{"id": 7}] * 2 if received.path == "/notes" else {"id": 7}
    note = {"text": "oil", "thing_id": 9007199254740993}
    assert states(await connector.write(create("notes", {**note, "links": {"a": 1}}))) == [("done", "7")]
    told = await connector.write(create("notes", note, {"text": "of nothing"}))
    assert states(told) == [("done", "7"), ("refused", None)]
    assert "'thing_id'" in faults(told)[1][0]
    await connector.write(WriteQuery("notes", "update", (WriteEntry(note, id="1"), WriteEntry(note, id="2"))))
    path, values = "/things/9007199254740993/notes", {"text": "oil"}
    batch = [{"id": each, "of": 9007199254740993, "values": values} for each in "12"]
    assert [(each.path, each.json) for each in provider.received] == [
        (path, {"values": values, "links": {"a": 1}}),
        (path, {"values": values}),
        ("/notes", batch),
    ]
    provider.answer = lambda _: {"id": 7}
    with pytest.raises(WriteNotSupported, match="by 'name'"):
        await connector.write(WriteQuery("notes", "upsert", (WriteEntry(external_id="x"),), external_id_field="name"))
    await connector.write(WriteQuery("notes", "upsert", (WriteEntry(external_id="x"),), external_id_field="mail"))
    assert provider.received[-1].json == {"mail": "x"}


GUARDED = """
spec: conjunct/provider@1
name: small
display: Small
base_url: https://api.small.test
auth: {type: apiKey, name: X-Key}
check: {path: /me, guards_reads: true}
objects: {things: {read: {request: {path: /things}}}}
"""


@pytest.mark.parametrize(
    ("write", "place", "detail"),
    [
        ("{}", "write", "no way to write"),
        ("{create: {request: {path: /a, body: '{record}'}}}", "create.request.method", "names its method"),
        ("{create: {request: {method: POST, path: /a}}}", "create.request", "{record}"),
        ("{apart: [record], create: {request: {method: POST, path: /a, body: '{record}'}}}", "apart.0", "every write"),
        ("{update: {request: {method: PUT, path: /a, body: '{record}'}}}", "update.request", "{id}"),
        ("{upsert: {request: {method: PUT, path: /a, body: '{record}'}}}", "upsert.request", "{external_id}"),
        ("{create: {request: {method: POST, path: /a, body: 'x{record}'}}}", "create.request.body", "stands alone"),
        ("{create: {request: {method: POST, path: /a, body: {'{x}': '{record}'}}}}", "create.request.body.{x}", "'x'"),
        ("{create: {request: {method: POST, path: /a, body: {$merge: ['{record}', 5]}}}}", "1", "mappings"),
        ("{create: {request: {method: POST, path: /a, body: '{record}'}, id_at: a..b}}", "create.id_at", "path"),
        ("{update: {request: {method: PUT, path: /a, body: '{v}{id}'}, before: {request: {path: /b}, take: {v: a..}}}}",
         "before.take.v", "path"),
        ("{batch: {create: {request: {method: POST, path: /a, body: '{all_or_none}'}}}}", "create.request", "$each"),
        ("{batch: {delete: {request: {method: POST, path: '/{ids|csv}'}, results: {match: id}}}}", "match", "key_at"),
        ("{batch: {delete: {request: {method: POST, path: '/{ids|csv}'}, results: {key_at: id}}}}", "key_at", "match"),
        ("{batch: {delete: {request: {method: POST, path: '/{ids|csv}'}, results: {match: trace, key_at: a}}}}",
         "match", "{trace}"),
        ("{batch: {delete: {request: {method: POST, path: '/{ids|csv}'}, all_or_none: untraced}}}", "none", "trace"),
    ],
)  # fmt: skip
def test_a_faulty_section_is_refused_where_it_is_written(write: str, place: str, detail: str):
    text = GUARDED.replace("{things: {read:", f"{{things: {{write: {write}, read:")
    with pytest.raises(InvalidDefinition) as caught:
        load_definition(text)
    [issue, *_] = caught.value.issues
    assert issue.name.endswith(place), issue
    assert detail in issue.detail


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["0", "1", 1, 0, "LOCKED"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["id", "items", "results", "errors", "success", "mark", "context", "marks", "code", "message"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(body=ANYTHING, status=st.sampled_from([200, 207, 400, 409]), all_or_none=st.booleans())
def test_whatever_a_provider_answers_each_record_has_a_fate(body: Any, status: int, all_or_none: bool):
    queries = [
        create("traced", ADA, GRACE, all_or_none=all_or_none),
        create("bulky", ADA, GRACE),
        update("bulky", "0", "1"),
    ]
    for query in queries:
        reader = write_plan(DEFINITION, query.object).batch[query.type].reader(query)
        if status >= 400 and not reader.tells(status, body):
            continue
        try:
            told = reader.read(Answer(body, status, str), query.entries)
        except MalformedAnswer:
            continue
        assert len(told) == 2
        assert all(each.success or each.faults for each in told)
    outcome = write_plan(DEFINITION, "rpc").single["update"].outcome
    assert all(fault.message for fault in outcome.faults(body, 200, str))
    assert outcome.id(body) is None or outcome.id(body)


def test_an_error_of_any_depth_has_words():
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    [fault] = write_plan(DEFINITION, "rpc").single["update"].outcome.faults({"errors": [{"message": deep}]}, 200, str)
    assert "list" in fault.message
