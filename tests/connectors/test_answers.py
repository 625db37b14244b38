"""Answers: errors by what can be done about them, and answers that are none."""

from __future__ import annotations

import contextlib
import gzip
import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from conjunct.connectors import Bearer, ErrorKind, ProviderError, ReadQuery
from conjunct.connectors.answers import raise_for_error, read_json, retry_after
from conjunct.connectors.definition import ErrorRules, RateLimit
from conjunct.connectors.errors import ERROR_CLASSES, MalformedAnswer, TimedOut, Unreachable
from conjunct.kit.clock import ManualClock

from .scripted import Reply, ScriptedProvider, definition

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
READ = """
    request: {path: /things}
    records: data
"""


async def error_of(provider: ScriptedProvider, reply: Reply, top: str = "") -> ProviderError:
    provider.answers(reply)
    connector = provider.connector(definition(read=READ, top=top), clock=ManualClock(NOW))
    with pytest.raises(ProviderError) as caught:
        await connector.read_page(ReadQuery("things"))
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, "bad_request"),
        (400, "bad_request"),
        (401, "auth_invalid"),
        (402, "forbidden"),
        (403, "forbidden"),
        (404, "not_found"),
        (408, "retryable"),
        (409, "conflict"),
        (422, "bad_request"),
        (429, "rate_limited"),
        (500, "server"),
        (503, "server"),
        (599, "server"),
    ],
)
async def test_a_status_has_its_usual_meaning(provider: ScriptedProvider, status: int, kind: str):
    error = await error_of(provider, Reply({"message": "what it says"}, status))
    assert (error.kind, error.status, error.message) == (kind, status, "what it says")
    assert type(error) is ERROR_CLASSES[ErrorKind(kind)]


def test_each_kind_has_its_class_and_none_is_both_retryable_and_hopeless():
    assert set(ERROR_CLASSES) == set(ErrorKind)
    assert not [each for each in ERROR_CLASSES.values() if each.retryable and each.hopeless]
    assert {each.kind for each in ERROR_CLASSES.values() if each.retryable} == {
        "rate_limited",
        "quota_exhausted",
        "retryable",
        "server",
        "unreachable",
        "timeout",
        "malformed",
    }
    origins = {kind: each.origin for kind, each in ERROR_CLASSES.items()}
    assert origins[ErrorKind.AUTH_INVALID] == "credentials"
    assert origins[ErrorKind.BAD_REQUEST] == "caller"
    assert origins[ErrorKind.SERVER] == "provider"
    assert origins[ErrorKind.TIMEOUT] == "network"


RULES = """errors:
  code_at: 0.code
  message_at: 0.text
  rules:
    - {status: 400, code: [GONE, OLD], class: cursor_gone}
    - {status: [400, 403], match: "no such column", class: field_missing}
    - {code: LIMIT, class: quota_exhausted, retry_in: 3600}
"""


@pytest.mark.parametrize(
    ("status", "code", "text", "kind"),
    [
        (400, "GONE", "x", "cursor_gone"),
        (400, "OLD", "x", "cursor_gone"),
        (404, "GONE", "x", "not_found"),
        (403, "X", "No Such Column 'a'", "field_missing"),
        (400, "X", "else", "bad_request"),
        (500, "LIMIT", "x", "quota_exhausted"),
    ],
)
async def test_rules_stand_before_the_status(provider: ScriptedProvider, status: int, code: str, text: str, kind: str):
    error = await error_of(provider, Reply([{"code": code, "text": text}], status), RULES)
    assert (error.kind, error.code, error.message) == (kind, code, text)
    assert error.retry_after == (3600 if kind == "quota_exhausted" else None)


@pytest.mark.parametrize("top", ["errors: {fail_unless: ok, message_at: error}", "errors: {fail_if: error}"])
async def test_an_error_within_a_200(provider: ScriptedProvider, top: str):
    error = await error_of(provider, Reply({"ok": False, "error": "not_allowed", "data": []}), top)
    assert (error.message, error.status) == ("not_allowed", 200)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "a"}}, "a"),
        ({"error": "invalid_grant", "error_description": "b"}, "b"),
        ({"errors": [{"detail": "c"}]}, "c"),
        ({"errors": ["d"]}, "d"),
        ([{"message": "e"}], "e"),
        ({"errors": "f"}, "f"),
        (
            {"errors": {"email": ["is taken", "is odd"], "name": "is short", "age": 7}},
            "email: is taken; name: is short",
        ),
        (b"<html><body><h1>Bad  Gateway</h1></body></html>", "Bad Gateway"),
        (b"plain words", "plain words"),
        (b"", "the provider answered 500 without a message"),
        ({"unknown": 1}, "the provider answered 500 without a message"),
        ({"message": "x" * 2000}, "x" * 499 + "…"),
    ],
)
async def test_the_providers_words_are_found(provider: ScriptedProvider, body: Any, message: str):
    assert (await error_of(provider, Reply(body, 500))).message == message


async def test_a_secret_that_the_provider_repeats_is_not_shown(provider: ScriptedProvider):
    provider.answers(Reply({"message": "bad token sekret-token!"}, 401))
    text = definition(read=READ).replace(
        "{type: apiKey, name: X-Key}", "{type: oauth2, token_url: https://x.test/token}"
    )
    with pytest.raises(ProviderError) as caught:
        await provider.connector(text, Bearer("sekret-token")).read_page(ReadQuery("things"))
    assert "sekret-token" not in repr(caught.value) + str(caught.value)
    assert provider.received[0].headers["Authorization"] == "Bearer sekret-token"


@pytest.mark.parametrize(
    ("headers", "limits", "seconds"),
    [
        ({"Retry-After": "30"}, {}, 30),
        ({"retry-after": "1.5"}, {}, 1.5),
        ({"Retry-After": "Thu, 01 Jan 2026 12:01:00 GMT"}, {}, 60),
        ({"Retry-After": "Thu, 01 Jan 2026 11:00:00 GMT"}, {}, 0),
        ({"Retry-After": "-5"}, {}, 0),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, {}, 10 * 366 * 86_400),
        ({"Reset": "99999999999"}, {"reset": "Reset", "reset_format": "unix"}, 10 * 366 * 86_400),
        ({"Retry-After": "soon"}, {}, None),
        ({"X-Wait": "9"}, {"retry_after": "X-Wait"}, 9),
        ({"X-Reset": "1767268820"}, {"reset": "X-Reset", "reset_format": "unix"}, 20),
        ({"X-Reset": "1767268820000"}, {"reset": "X-Reset", "reset_format": "unix_ms"}, 20),
        ({"X-Reset": "2026-01-01T12:00:20Z"}, {"reset": "X-Reset", "reset_format": "rfc3339"}, 20),
        ({"X-Reset": "20"}, {"reset": "X-Reset"}, 20),
        ({"X-Reset": "20", "X-Left": "3"}, {"reset": "X-Reset", "remaining": "X-Left"}, None),
        ({"X-Reset": "20", "X-Left": "0"}, {"reset": "X-Reset", "remaining": "X-Left"}, 20),
        ({}, {}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], limits: dict[str, Any], seconds: float | None):
    assert retry_after(CIMultiDict(headers), RateLimit(**limits), NOW) == seconds


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"data":[{"id":1},{"id', "ends in the middle"),
        (b'{"data":[{"id":1}]', "ends in the middle"),
        (b"<!DOCTYPE html><html>Log in</html>", "a web page instead of JSON"),
        (b"\n <HTML>", "a web page instead of JSON"),
        (b"OK", "not JSON"),
        (b'{"data": [NaN]}', "not JSON"),
        (b'{"data":[{"id":"\xff\xfe"}]}', "not JSON"),
        (b"\x00\x01", "not JSON"),
        (b'{"data":[]} trailing', "not JSON"),
        (b"", "no list of records"),
    ],
)
async def test_a_200_that_is_no_answer_is_malformed(provider: ScriptedProvider, body: bytes, words: str):
    error = await error_of(provider, Reply(body))
    assert error.kind is ErrorKind.MALFORMED
    assert words in error.message


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"data":[{"id":"é"}]}'.encode("latin-1"), "application/json; charset=ISO-8859-1"),
        ('{"data":[{"id":"é"}]}'.encode("utf-16"), 'application/json; charset="utf-16"'),
        ('{"data":[{"id":"é"}]}'.encode("utf-8-sig"), "application/json"),
        ('{"data":[{"id":"é"}]}'.encode(), "text/plain; charset=unknown-8"),
    ],
)
async def test_other_encodings_are_read_as_declared(provider: ScriptedProvider, body: bytes, content_type: str):
    provider.answers(Reply(body, headers={"Content-Type": content_type}))
    page = await provider.connector(definition(read=READ)).read_page(ReadQuery("things"))
    assert [record.id for record in page.records] == ["é"]


async def test_packed_answers_are_unpacked(provider: ScriptedProvider):
    provider.answers(Reply(gzip.compress(b'{"data":[{"id":1}]}'), headers={"Content-Encoding": "gzip"}))
    page = await provider.connector(definition(read=READ)).read_page(ReadQuery("things"))
    assert [record.id for record in page.records] == ["1"]


async def test_of_duplicate_keys_the_last_counts(provider: ScriptedProvider):
    provider.answers(Reply(b'{"data":[{"id":1}],"data":[{"id":2,"id":3}]}'))
    page = await provider.connector(definition(read=READ)).read_page(ReadQuery("things"))
    assert [record.id for record in page.records] == ["3"]


@pytest.mark.parametrize("body", [b"[" * 5000 + b"]" * 5000, b'{"a":' * 5000 + b"1" + b"}" * 5000])
async def test_an_answer_that_is_nested_too_deep_is_malformed(provider: ScriptedProvider, body: bytes):
    assert (await error_of(provider, Reply(body))).kind is ErrorKind.MALFORMED


async def test_an_answer_above_the_limit_is_malformed(provider: ScriptedProvider):
    provider.answers(Reply({"data": ["x" * 10_000]}))
    connector = provider.connector(definition(read=READ), max_bytes=5_000)
    with pytest.raises(MalformedAnswer, match="larger than 5000"):
        await connector.read_page(ReadQuery("things"))


class Answered:
    """An answer that never was on a wire."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.status, self.body, self.headers = status, body, CIMultiDict[str]()


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
)


@settings(deadline=None)
@given(JSON)
def test_json_reads_as_it_was_with_every_number_exact(value: Any):
    body = json.dumps(value).encode()
    assert read_json(Answered(body)) == exactly(value)


def exactly(value: Any) -> Any:
    """Numbers that no 64 bits hold are texts of their digits."""
    if isinstance(value, dict):
        return {key: exactly(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exactly(item) for item in value]
    too_long = isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64
    return str(value) if too_long else value


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON.map(lambda value: json.dumps(value).encode()), st.data())
def test_whatever_is_cut_or_changed_is_read_or_malformed(body: bytes, data: st.DataObject):
    cut = data.draw(st.integers(0, len(body)))
    inserted = data.draw(st.binary(max_size=4))
    with contextlib.suppress(MalformedAnswer):
        read_json(Answered(body[:cut] + inserted + body[cut + data.draw(st.integers(0, 4)) :]))


@settings(deadline=None)
@given(st.integers(100, 599), st.one_of(st.binary(max_size=200), JSON.map(lambda value: json.dumps(value).encode())))
def test_every_answer_is_a_success_or_a_classed_error(status: int, body: bytes):
    rules = ErrorRules(code_at="error.code", message_at="error.text", fail_if="errors")
    with contextlib.suppress(ProviderError):
        parsed = raise_for_error(Answered(body, status), rules, RateLimit(), NOW)
        assert 200 <= status < 300
        orjson.dumps(parsed)


@pytest.mark.parametrize("number", [b"1" * 300, b"-" + b"9" * 20, b"1" * 21])
def test_a_number_of_any_length_is_exact(number: bytes):
    assert read_json(Answered(b'{"n":' + number + b"}")) == {"n": number.decode()}


async def test_nobody_there_is_unreachable_and_surely_not_sent(provider: ScriptedProvider):
    provider.url = "http://127.0.0.1:1"
    connector = provider.connector(definition(read=READ))
    with pytest.raises(Unreachable) as caught:
        await connector.read_page(ReadQuery("things"))
    assert (caught.value.kind, caught.value.sent, caught.value.origin) == (ErrorKind.UNREACHABLE, False, "network")
    assert not isinstance(caught.value, TimedOut)
