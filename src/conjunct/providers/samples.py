"""Samples of a provider (`samples/*.json`): what a connector is asked, what it must send, what it must tell.

The kinds of samples are in `KINDS`. The conformance suite replays them over HTTP; `conjunct provider check` within the
process.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from multidict import CIMultiDict

from conjunct.connectors import (
    ApiKey,
    Basic,
    Bearer,
    Condition,
    Connector,
    Credentials,
    CustomSecrets,
    Definition,
    Page,
    ProviderError,
    ReadQuery,
    Record,
    SearchQuery,
    WriteEntry,
    WriteFault,
    WriteInterrupted,
    WriteQuery,
    Written,
)
from conjunct.core.problems import Problem
from conjunct.providers.webhook_samples import what_it_tells

BASE = "http://sample.test"

Asking = Callable[[Connector, dict[str, Any], Any], Awaitable[Any]]
"""What a sample asks, and what must come of it: gives what does, in the same form."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it went out."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Script:
    """A sample's answers, each given once, to the request that it is written for: some are made at the same time."""

    sample: Mapping[str, Any]
    base: str
    left: list[dict[str, Any]] = field(init=False)
    unexpected: list[dict[str, Any]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.left = list(self.sample.get("exchanges", ()))

    def answer(self, sent: Sent) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer to a request."""
        meant = next((each for each in self.left if as_written(sent, each["request"]) == each["request"]), None)
        if meant is None:
            self.unexpected.append(as_written(sent, self.left[0]["request"] if self.left else {}))
            return 400, {}, b'{"message":"the sample has no answer to this request"}'
        self.left.remove(meant)
        response = meant["response"]
        body = json.dumps(response["body"]).replace("{base}", self.base).encode() if "body" in response else b""
        headers = {name: value.replace("{base}", self.base) for name, value in response.get("headers", {}).items()}
        return response.get("status", 200), headers, body

    @property
    def faults(self) -> list[str]:
        """What was sent and is not in the sample, and the other way round."""
        sent = [f"sent, and not in the sample: {json.dumps(each)}" for each in self.unexpected]
        return sent + [f"in the sample, and not sent: {json.dumps(each['request'])}" for each in self.left]


def as_written(sent: Sent, expected: Mapping[str, Any]) -> dict[str, Any]:
    """A request as samples write it: of its headers those that are expected, its body as JSON or as a form's text."""
    request: dict[str, Any] = {"method": sent.method, "path": sent.path}
    if sent.query:
        request["query"] = dict(sent.query)
    if "headers" in expected:
        request["headers"] = {name: sent.headers.get(name) for name in expected["headers"]}
    if sent.body:
        is_form = "form" in expected
        request["form" if is_form else "body"] = sent.body.decode() if is_form else json.loads(sent.body)
    return request


async def ask(connector: Connector, sample: Mapping[str, Any]) -> tuple[Any, Any]:
    """What comes of what the sample asks, and what should."""
    kind = next(kind for kind in KINDS if kind in sample)
    asking, key = KINDS[kind]
    return await asking(connector, sample[kind], sample[key]), sample[key]


async def faults_of(definition: Definition, sample: Mapping[str, Any]) -> list[str]:
    """Replay a sample without a network; what is not as it says, in words."""
    try:
        return await _faults_of(definition, Script(sample, BASE))
    except Problem as problem:
        return [problem.detail]
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration, LookupError) as error:
        return [f"the sample is not written as samples are: {type(error).__name__}: {error}"]


async def _faults_of(definition: Definition, script: Script) -> list[str]:
    connector = Connector(
        definition,
        transport=_Scripted(script),
        credentials=sample_credentials(definition),
        inputs=sample_inputs(definition, BASE),
        base_url_override=BASE,
        wait=_no_wait,
    )
    try:
        told, expected = await ask(connector, script.sample)
    except ProviderError as error:
        return [*script.faults, f"{error.kind.value}: {error}"]
    if script.faults:
        return script.faults
    return [] if told == expected else [f"told: {_text(told)}", f"should be: {_text(expected)}"]


def sample_inputs(definition: Definition, base: str) -> dict[str, str]:
    """Inputs as samples are made with. What others tell and must look in some way is of no use here."""
    asked = [each for each in definition.inputs if each.source == "customer" or each.pattern is None]
    return {each.name: base if each.kind == "url" else "acme" for each in asked}


def sample_credentials(definition: Definition) -> Credentials:
    """Credentials as samples are made with."""
    auth = definition.auth
    if auth.type == "custom":
        return CustomSecrets({"access_token": "token-1", **{each.name: "secret-1" for each in auth.inputs}})
    if auth.type == "basic":
        return Basic("user-1", "secret-1") if auth.key_as is None else ApiKey("key-1")
    return Bearer("token-1") if auth.type == "oauth2" else ApiKey("key-1")


async def _no_wait(_seconds: float) -> None:
    """In a sample, no time passes."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class _Scripted:
    """A transport whose other end is a sample."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,  # noqa: ARG002, ASYNC109 - nothing takes time here
        max_bytes: int,  # noqa: ARG002
    ) -> _Answer:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        sent = Sent(method, unquote(parts.path) or "/", query, CIMultiDict(headers), body or b"")
        status, told, content = self._script.answer(sent)
        return _Answer(status, CIMultiDict({"Content-Type": "application/json", **told}), content)


async def _read(connector: Connector, wanted: dict[str, Any], _expected: Any) -> list[dict[str, Any]]:
    bounds: dict[str, Any] = {
        name: datetime.fromisoformat(wanted[name]) for name in ("since", "until") if name in wanted
    }
    query = ReadQuery(
        wanted["object"],
        tuple(wanted.get("fields", ())),
        filters=tuple((name, value) for name, value in wanted.get("filters", ())),
        deleted=wanted.get("deleted", False),
        page_size=wanted.get("page_size"),
        associations=tuple(wanted.get("associations", ())),
        **bounds,
    )
    return _records([page async for page in connector.pages(query)])


async def _search(connector: Connector, wanted: dict[str, Any], _expected: Any) -> list[dict[str, Any]]:
    filters = tuple((name, value) for name, value in wanted["filters"])
    conditions = tuple(Condition(*each) for each in wanted.get("conditions", ()))
    query = SearchQuery(wanted["object"], tuple(wanted["fields"]), filters, conditions)
    return _records([await connector.search(query)])


def _records(pages: Sequence[Page]) -> list[dict[str, Any]]:
    failed = [failed.reason for page in pages for failed in page.failed]
    if failed:
        raise ValueError(f"{len(failed)} entries are not records: {failed[0]}")
    return [_record(record) for page in pages for record in page.records]


def _record(record: Record) -> dict[str, Any]:
    """A record as samples write it, with its associations if it has any."""
    others = {
        other: [{"id": each.id, **({} if each.metadata is None else {"metadata": each.metadata})} for each in found]
        for other, found in record.associations.items()
    }
    return {"id": record.id, "fields": record.fields, **({"associations": others} if others else {})}


async def _by_ids(connector: Connector, wanted: dict[str, Any], _expected: Any) -> list[dict[str, Any]]:
    others = tuple(wanted.get("associations", ()))
    found = await connector.get_by_ids(wanted["object"], wanted["ids"], tuple(wanted.get("fields", ())), others)
    return [_record(record) for record in found]


async def _describe(
    connector: Connector, wanted: dict[str, Any], expected: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Of the fields that are expected, the parts that are: `null` is one that is not told."""
    told = (await connector.describe(wanted["object"])).to_wire()["fields"]
    return {name: {key: told[name].get(key) for key in parts} for name, parts in expected.items() if name in told}


async def _write(
    connector: Connector, wanted: dict[str, Any], expected: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    entries = tuple(WriteEntry(**entry) for entry in wanted["entries"])
    query = WriteQuery(
        wanted["object"],
        wanted["type"],
        entries,
        external_id_field=wanted.get("external_id_field"),
        all_or_none=wanted.get("all_or_none", False),
    )
    results: Sequence[Written]
    try:
        results = await connector.write(query)
    except WriteInterrupted as interrupted:
        results = interrupted.results
    except ProviderError as error:
        results = [Written("refused", faults=(WriteFault(error.message, error.code),))]
    return [_result(*pair) for pair in zip(results, expected, strict=True)]


def _result(written: Written, expected: dict[str, Any]) -> dict[str, Any]:
    """What became of a record as samples write it: its record and its state only where they are expected."""
    faults = [{"message": each.message, **({"code": each.code} if each.code else {})} for each in written.faults]
    return {
        "success": written.success,
        **({"id": written.id} if written.id is not None else {}),
        **({"record": written.record} if "record" in expected else {}),
        **({"state": written.state} if "state" in expected else {}),
        **({"faults": faults} if faults else {}),
    }


async def _webhook(connector: Connector, wanted: dict[str, Any], _expected: Any) -> list[dict[str, Any]]:
    return what_it_tells(connector.definition.events, wanted)


KINDS: dict[str, tuple[Asking, str]] = {
    "read": (_read, "records"),
    "search": (_search, "records"),
    "by_ids": (_by_ids, "records"),
    "describe": (_describe, "fields"),
    "write": (_write, "results"),
    "webhook": (_webhook, "events"),
}
"""The kinds of samples: how each is asked, and the key of what must come of it."""


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
