"""Requests with which providers tell of changes: whose they are, what they tell, and that nothing breaks."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conjunct.connectors import InvalidDefinition, load_definition
from conjunct.connectors.event_definition import Events
from conjunct.connectors.event_proofs import verify
from conjunct.connectors.events import (
    MOST_EVENTS,
    EventRefused,
    EventRequest,
    answer_to,
    challenged,
    parse,
)
from conjunct.providers import Catalog
from conjunct.providers.catalog import BUILT_IN
from conjunct.providers.webhook_samples import event_request

CATALOG = Catalog()
NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
SAMPLES = [
    (path.parent.parent.name, sample)
    for path in sorted(BUILT_IN.glob("*/samples/events*.json"))
    if "webhook" in (sample := json.loads(path.read_text()))
]
PROVEN = [(name, sample["webhook"]) for name, sample in SAMPLES if sample["webhook"]["secrets"]]


def events_of(name: str) -> Events:
    rule = CATALOG.get(name).events
    assert rule is not None
    return rule


def request(body: Any, url: str = "https://us.test/hook", **headers: str) -> EventRequest:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return EventRequest("POST", url, {name.replace("_", "-"): value for name, value in headers.items()}, text)


def rule(verify: str = "{none: true}", rest: str = "", event: str = "{name: [{at: type}]}") -> Events:
    text = f"""
spec: conjunct/provider@1
name: small
display: Small
base_url: https://api.small.test
auth: {{type: apiKey}}
events: {{setup: manual, verify: {verify}, event: {event}{rest}}}
"""
    found = load_definition(text).events
    assert found is not None
    return found


class TestProof:
    def test_signatures_that_the_providers_documentation_shows(self) -> None:
        slack = (
            b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
            b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
            b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
            b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
        )
        signed = {
            "X_Slack_Request_Timestamp": "1531420618",
            "X_Slack_Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        }
        secret, then = "8f742231b10e8888abcd99yyyzzz85a5", datetime.fromtimestamp(1531420618, UTC)
        verify(events_of("slack"), request(slack, **signed), [secret], then)
        with pytest.raises(EventRefused, match="not now"):
            verify(events_of("slack"), request(slack, **signed), [secret], then + timedelta(seconds=301))
        known = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        github = request(b"Hello, World!", X_Hub_Signature_256=known)
        verify(events_of("github"), github, ["It's a Secret to Everybody"], NOW)

    @pytest.mark.parametrize(("name", "wanted"), PROVEN, ids=[name for name, _ in PROVEN])
    def test_anything_else_than_what_the_provider_sent_is_refused(self, name: str, wanted: dict[str, Any]) -> None:
        known, good = events_of(name), event_request(wanted)
        secrets, now = wanted["secrets"], datetime.fromisoformat(wanted["now"])
        verify(known, good, ["another", *secrets], now)
        verify(known, good, [*secrets, "another"], now)
        how = known.verify.hmac
        bad = [
            (good, [], now),
            (good, [""], now),
            (good, [secrets[0] + "x"], now),
            (EventRequest("POST", good.url, {}, b"{}"), secrets, now),
        ]
        for header, value in good.headers.items():
            odd = (
                "",
                "=",
                ",,,",
                "v1=",
                "é\udc80",
                value[:-1],
                value + "0",
                "0" * 100_000,
                "t=1e999,v1=00",
                value[::-1],
            )
            is_proof = header == (how.header if how is not None else "Authorization")
            others = [EventRequest("POST", good.url, {**good.headers, header: each}, good.body) for each in odd]
            bad += [(each, secrets, now) for each in others if is_proof]
        if known.verify.token is None or known.verify.token.at is None:
            bad.append((EventRequest("POST", good.url, {}, good.body), secrets, now))
        if how is not None:
            bad.append((EventRequest("POST", good.url, good.headers, good.body + b" "), secrets, now))
            bad.append((EventRequest("POST", good.url, good.headers, b""), secrets, now))
            bad += [(good, secrets, now + timedelta(hours=late)) for late in (-1, 1) if how.timestamp is not None]
        for each in bad:
            with pytest.raises(EventRefused):
                verify(known, *each)

    def test_a_token_may_stand_in_a_header_the_query_or_each_event(self) -> None:
        header = rule("{secret: ours, token: {header: X-Token, prefix: 'Token '}}")
        verify(header, request({}, X_Token="Token one"), ["one"], NOW)
        query = rule("{secret: ours, token: {query: key}}")
        verify(query, request({}, "https://us.test/hook?key=one&key=two"), ["one"], NOW)
        body = rule("{secret: ours, token: {at: state}}", ", each: value")
        verify(body, request({"value": [{"state": "one"}, {"state": "two"}]}), ["one", "two"], NOW)
        for known, asked in (
            (header, request({}, X_Token="one")),
            (query, request({}, "https://us.test/hook?key=two&key=one")),
            (query, request({}, "https://[::1/hook?key=one")),
            (body, request({"value": [{"state": "one"}, {}]})),
            (body, request({"value": []})),
            (body, request({"value": [{"state": ["one"]}]})),
            (body, request(b"\xff")),
        ):
            with pytest.raises(EventRefused):
                verify(known, asked, ["one"], NOW)

    def test_keys_may_be_written_in_hex_or_base64(self) -> None:
        signature = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"  # of the key "key"
        text = b"The quick brown fox jumps over the lazy dog"
        for key, secret in (("text", "key"), ("hex", "6b6579"), ("base64", "a2V5")):
            known = rule(f"{{hmac: {{header: X-Sign, key: {key}}}}}")
            verify(known, request(text, X_Sign=signature.upper()), [secret], NOW)
            with pytest.raises(EventRefused):
                verify(known, request(text, X_Sign=signature), ["-"], NOW)

    def test_who_proves_nothing_is_believed_only_if_the_definition_says_so(self) -> None:
        verify(rule(), request({}), [], NOW)


class TestChallenge:
    def test_the_value_is_given_back_as_the_provider_wants_it(self) -> None:
        known = rule(
            rest=", challenge: [{query: validationToken}, {at: c, when: {type: check}, answer: json, name: d}]"
        )
        found = challenged(known, request(b"", "https://us.test/hook?validationToken=a%20b"))
        assert found is not None
        assert (answer_to(*found).body, answer_to(*found).headers) == (b"a b", {"Content-Type": "text/plain"})
        found = challenged(known, request({"c": "1", "type": "check"}))
        assert found is not None
        assert answer_to(*found).body == b'{"d":"1"}'
        others: tuple[Any, ...] = (
            {"c": "1"},
            {"c": ["1"], "type": "check"},
            {"c": "x" * 5000, "type": "check"},
            [],
            b"\xff",
            b"",
        )
        for other in others:
            assert challenged(known, request(other)) is None


class TestEvents:
    def test_each_id_of_a_list_is_an_event(self) -> None:
        known = rule(
            event="{name: [{at: op}], kinds: {'edit': update}, object: [{at: module}], id: [{at: ids}], "
            "changed: {at: fields}}"
        )
        found = parse(known, request({"op": "edit", "module": "Leads", "ids": ["1", 2**63, None], "fields": ["a", 1]}))
        assert [(each.kind, each.object, each.id, each.changed) for each in found] == [
            ("update", "Leads", "1", ("a",)),
            ("update", "Leads", str(2**63), ("a",)),
        ]

    def test_what_is_not_told_makes_it_another_event(self) -> None:
        known = rule(event="{name: [{at: type}], kinds: {'.*': update}, object: [{at: object}], id: [{at: id}]}")
        bodies: list[Any] = [{"object": "o"}, {"id": "1"}, {"object": "o", "id": {}}]
        for body in bodies:
            assert [each.kind for each in parse(known, request(body))] == ["other"]

    def test_too_many_are_refused(self) -> None:
        known = rule(event="{name: [{at: type}], id: [{at: ids}]}")
        assert len(parse(known, request([{}] * MOST_EVENTS))) == MOST_EVENTS
        bodies: list[Any] = [[{}] * (MOST_EVENTS + 1), [{"ids": [1] * 200}] * 200]
        for body in bodies:
            with pytest.raises(EventRefused, match="more than"):
                parse(known, request(body))

    @pytest.mark.parametrize(("name", "sample"), SAMPLES, ids=[name for name, _ in SAMPLES])
    def test_whatever_stands_anywhere_is_read_or_refused(self, name: str, sample: dict[str, Any]) -> None:
        known, wanted = events_of(name), sample["webhook"]
        good = event_request(wanted)
        bodies = [b"", b"\xff\xfe", b"[", b"null", b"7", b'"text"', b"[" * 300, b"\xef\xbb\xbf{}", good.body[:-1]]
        bodies += [json.dumps(each).encode() for each in _odd(wanted["request"].get("body", {}))]
        now = datetime.fromisoformat(wanted["now"])
        for body in bodies:
            asked = EventRequest("POST", good.url, good.headers, body)
            challenged(known, asked)
            try:
                found = parse(known, asked)
            except EventRefused:
                continue
            assert all(each.id is not None for each in found if each.kind != "other")
            if body != good.body and known.verify.hmac is not None:
                with pytest.raises(EventRefused):
                    verify(known, asked, wanted["secrets"], now)


def _odd(body: Any) -> Iterator[Any]:
    """The body with something else in each of its places."""
    values: tuple[Any, ...] = (None, True, 0, -(2**80), 1e308, "", "x" * 3000, [], {}, [[]], [None], {"a": {"b": []}})
    for place in list(_places(body, ())):
        for odd in values:
            changed = copy.deepcopy(body)
            target = changed
            for step in place[:-1]:
                target = target[step]
            target[place[-1]] = odd
            yield changed


def _places(value: Any, here: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*here, key)
        yield from _places(each, (*here, key))


@pytest.mark.parametrize(
    ("faulty", "words"),
    [
        ("setup: manual, verify: {}", "one of hmac, token, none"),
        ("setup: api, verify: {none: true}", "'api' needs 'register'"),
        ("setup: manual, verify: {hmac: {header: X, signed: '{timestamp}.{body}'}}", "where {timestamp} stands"),
        ("setup: manual, verify: {hmac: {header: X, signed: '{url}'}}", "proves nothing of it"),
        ("setup: manual, verify: {hmac: {header: X, timestamp: {header: T}}}", "a time that is not signed"),
        ("setup: manual, verify: {token: {}}", "one of header, query, at"),
        ("setup: manual, verify: {none: true}, offers: {none: {create: [x]}}", "no such object"),
        ("setup: manual, verify: {none: true}, challenge: [{}]", "one of query, at, header"),
        ("setup: api, verify: {none: true}, register: {create: {path: /a, query: {b: '{c}'}}}", "no variable 'c'"),
        ("setup: api, verify: {none: true}, register: {create: {path: /a}, renew_every: 60}", "how it is renewed"),
    ],
)
def test_what_cannot_be_meant_is_a_fault(faulty: str, words: str) -> None:
    text = f"""
spec: conjunct/provider@1
name: small
display: Small
base_url: https://api.small.test
auth: {{type: apiKey}}
objects: {{things: {{read: {{request: {{path: /things}}}}}}}}
events: {{{faulty}, event: {{name: [{{at: type}}]}}}}
"""
    with pytest.raises(InvalidDefinition) as caught:
        load_definition(text)
    assert any(words in issue.detail for issue in caught.value.issues), caught.value.issues
