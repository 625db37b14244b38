"""Samples of providers, replayed: what a connector is asked, what it must send, what it must tell.

The kinds of samples are in `KINDS`, each with the key of what must come of it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from conjunct.connectors import (
    Connector,
    Definition,
    Page,
    ProviderError,
    ReadQuery,
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
    """Ask what the sample asks; what goes over the wire and what comes of it is as it says."""
    exchanges = sample["exchanges"]
    provider.answers(*(_reply(provider, exchange["response"]) for exchange in exchanges))
    kind = next(kind for kind in KINDS if kind in sample)
    asking, key = KINDS[kind]
    told = await asking(provider.connector(definition), sample[kind], sample[key])
    requests = [exchange["request"] for exchange in exchanges]
    sent = [_sent(*pair) for pair in zip(provider.received, requests, strict=False)]
    assert sent == requests
    assert len(provider.received) == len(requests)
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
        **bounds,
    )
    return _records(await read_all(connector, query))


async def _search(connector: Connector, wanted: dict[str, Any], _expected: Any) -> list[dict[str, Any]]:
    filters = tuple((name, value) for name, value in wanted["filters"])
    return _records([await connector.search(SearchQuery(wanted["object"], tuple(wanted["fields"]), filters))])


def _records(pages: Sequence[Page]) -> list[dict[str, Any]]:
    assert not [failed for page in pages for failed in page.failed]
    return [{"id": record.id, "fields": record.fields} for page in pages for record in page.records]


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
    "write": (_write, "results"),
}
"""The kinds of samples."""
