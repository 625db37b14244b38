"""Samples of providers, replayed: what a connector is asked, what it must send, what it must tell.

The kinds of samples are in `KINDS`, each with the key of what must come of it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import pytest

from conjunct.connectors import (
    Connector,
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
from tests.connectors.scripted import Received, Reply, ScriptedProvider, read_all

Asking = Callable[[Connector, dict[str, Any], Any], Awaitable[Any]]
"""What a sample asks, and what must come of it: gives what does, in the same form."""


async def replay(provider: ScriptedProvider, definition: Definition, sample: dict[str, Any]) -> None:
    """Ask what the sample asks; what goes over the wire and what comes of it is as it says.

    Some requests are made at the same time, so each is given the first answer that is written for it.
    """
    left = list(sample["exchanges"])
    unexpected: list[dict[str, Any]] = []

    def answer(received: Received) -> Reply:
        meant = next((each for each in left if _sent(received, each["request"]) == each["request"]), None)
        if meant is None:
            unexpected.append(_sent(received, left[0]["request"] if left else {}))
            return Reply({"message": "the sample has no answer to this request"}, 400)
        left.remove(meant)
        return _reply(provider, meant["response"])

    provider.answer = answer
    kind = next(kind for kind in KINDS if kind in sample)
    asking, key = KINDS[kind]
    try:
        told = await asking(provider.connector(definition), sample[kind], sample[key])
    finally:
        missing = [each["request"] for each in left]
        if unexpected or missing:
            pytest.fail(f"sent, and not in the sample: {json.dumps(unexpected)}\nnot sent: {json.dumps(missing)}")
    assert told == sample[key]


def _reply(provider: ScriptedProvider, response: dict[str, Any]) -> Reply:
    body = json.loads(json.dumps(response["body"]).replace("{base}", provider.url)) if "body" in response else b""
    headers = {name: value.replace("{base}", provider.url) for name, value in response.get("headers", {}).items()}
    return Reply(body, response.get("status", 200), headers)


def _sent(received: Received, expected: dict[str, Any]) -> dict[str, Any]:
    """A request as samples write it: of its headers those that are expected, its body as JSON or as a form's text."""
    request: dict[str, Any] = {"method": received.method, "path": received.path}
    if received.query:
        request["query"] = received.query
    if "headers" in expected:
        request["headers"] = {name: received.headers.get(name) for name in expected["headers"]}
    if received.body:
        is_form = "form" in expected
        request["form" if is_form else "body"] = received.body.decode() if is_form else received.json
    return request


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
    return _records(await read_all(connector, query))


async def _search(connector: Connector, wanted: dict[str, Any], _expected: Any) -> list[dict[str, Any]]:
    filters = tuple((name, value) for name, value in wanted["filters"])
    return _records([await connector.search(SearchQuery(wanted["object"], tuple(wanted["fields"]), filters))])


def _records(pages: Sequence[Page]) -> list[dict[str, Any]]:
    assert not [failed for page in pages for failed in page.failed]
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


KINDS: dict[str, tuple[Asking, str]] = {
    "read": (_read, "records"),
    "search": (_search, "records"),
    "by_ids": (_by_ids, "records"),
    "describe": (_describe, "fields"),
    "write": (_write, "results"),
}
"""The kinds of samples."""
