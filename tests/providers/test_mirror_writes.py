"""Every way to write every object, against a mirror of its own definition: what goes out, and whose id comes back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from conjunct.connectors import Definition, WriteEntry, WriteQuery, object_support, support
from conjunct.connectors.paths import parse_path
from conjunct.connectors.plans import object_variables
from conjunct.connectors.read_definition import FieldDefinitions
from conjunct.connectors.write_definition import BatchOperation, BatchResults, Outcome, WriteOperation, WriteRule
from conjunct.connectors.write_query import WRITE_TYPES, WriteType
from conjunct.providers import Catalog
from tests.connectors.scripted import Received, Reply, ScriptedProvider, scripted_provider
from tests.providers.mirror import FIRST_ID, on_the_wire, put
from tests.providers.wire_patterns import Pattern

CATALOG = Catalog()
WRITTEN = [name for name in CATALOG.names() if support(CATALOG.get(name)).write]
IDS = [FIRST_ID, FIRST_ID + 1, FIRST_ID + 2]


@pytest.mark.parametrize("provider", WRITTEN)
async def test_every_way_to_write_comes_back_from_a_mirror_of_its_definition(provider: str):
    definition = CATALOG.get(provider)
    faults: dict[str, Any] = {}
    async with scripted_provider() as server:
        for listed in definition.objects:
            name = re.sub(r"\[(.)[^]]*\]", r"\1", listed).replace("*", "Widget")
            known, can = definition.object(name), object_support(definition, name)
            if known is None or known.write is None:
                continue
            for type_ in WRITE_TYPES:
                for count in (1, 3) if type_ in can.batch else (1,) if getattr(can, type_) else ():
                    found = await _odd(server, definition, name, known.write, type_, count)
                    if found:
                        faults[f"{type_} {count} {name}"] = found
    assert faults == {}


async def _odd(
    server: ScriptedProvider, definition: Definition, name: str, rule: WriteRule, type_: WriteType, count: int
) -> list[str]:
    """What is odd about writing so many records."""
    single, batch = getattr(rule, type_), getattr(rule.batch, type_)
    operation: WriteOperation | BatchOperation = batch if single is None or count > 1 else single
    entries = tuple(_entry(rule, type_, place) for place in range(count))
    connector = server.connector(definition)
    known = object_variables(definition, name, connector._exchange.inputs)
    pattern, odd = Pattern(operation.request, known, is_open=True), list[str]()
    customs = _definitions(definition, name)

    def answer(received: Received) -> Reply:
        before = operation.before if isinstance(operation, WriteOperation) else None
        if pattern.match(received) is not None:
            odd.extend(_missing("\n".join(map(on_the_wire, server.received)), entries))
            if isinstance(operation, BatchOperation):
                return Reply(_fine(_batch_answer(operation.results, entries), definition))
            body, headers = _answer(operation)
            return Reply(_fine(body, definition), 200, headers)
        if before is not None and Pattern(before.request, known, is_open=True).match(received) is not None:
            told: dict[str, Any] = {}
            for path in before.take.values():
                put(told, parse_path(path).steps, "taken-1")
            return Reply(told)
        if customs is not None and Pattern(customs.request, known, is_open=True).match(received) is not None:
            return Reply(_customs(customs))
        check = definition.check
        if check is not None and check.guards_reads and received.path == check.path:
            return Reply({})
        odd.append(f"unknown: {received.method} {received.raw_path} {received.body.decode()[:200]}")
        return Reply({"message": "no request of the definition"}, 400)

    server.answer = answer
    server.received.clear()
    by = (rule.upsert_by or ["external"])[0] if type_ == "upsert" else None
    try:
        results = await connector.write(WriteQuery(name, type_, entries, external_id_field=by))
    except Exception as error:  # noqa: BLE001 - told with the object that it is about
        return [*odd, repr(error)]
    outcome = operation if isinstance(operation, WriteOperation) else operation.results
    tells = outcome.id_at != "" or (isinstance(outcome, WriteOperation) and outcome.id_header is not None)
    tells = tells and (isinstance(outcome, WriteOperation) or outcome.told)
    for place, result in enumerate(results):
        if not result.success or (tells and result.id != str(IDS[place])):
            odd.append(f"{place}: {result}")
    return odd


def _definitions(definition: Definition, name: str) -> FieldDefinitions | None:
    """Where customers' fields are told of, which may be written by their ids."""
    known = definition.object(name)
    customs = known.read.custom_fields if known is not None and known.read is not None else None
    return customs.definitions if customs is not None else None


def _customs(rule: FieldDefinitions) -> Any:
    """The answer that tells of the one field that is written, as a customer's."""
    each: dict[str, Any] = {}
    put(each, parse_path(rule.id).steps, "custom-1")
    put(each, parse_path(rule.name).steps, "alpha")
    if not rule.at:
        return [each]
    body: dict[str, Any] = {}
    put(body, parse_path(rule.at).steps, [each])
    return body


def _entry(rule: WriteRule, type_: WriteType, place: int) -> WriteEntry:
    record: dict[str, Any] = {"alpha": f"value-{place}"} if type_ != "delete" else {}
    record |= {name: f"apart-{name}" for name in rule.apart}
    return WriteEntry(
        record,
        id=str(IDS[place]) if type_ in ("update", "delete") else None,
        external_id=f"external-{place}" if type_ == "upsert" else None,
        idempotency_key=f"key-{place}",
    )


def _missing(sent: str, entries: tuple[WriteEntry, ...]) -> list[str]:
    """What of the records is in no request."""
    wanted = [entry.record["alpha"] for entry in entries if "alpha" in entry.record]
    wanted += [entry.id for entry in entries if entry.id is not None]
    wanted += [entry.external_id for entry in entries if entry.external_id is not None]
    return [f"{each} is not sent" for each in wanted if each not in sent]


def _answer(rule: WriteOperation) -> tuple[dict[str, Any], dict[str, str]]:
    """The body and the headers that tell that a record was written."""
    headers = {rule.id_header: f"https://api.example.com/things/{IDS[0]}"} if rule.id_header is not None else {}
    return _outcome(rule, IDS[0]), headers


def _batch_answer(rule: BatchResults, entries: tuple[WriteEntry, ...]) -> Any:
    """The body that tells that all were written; last ones first, where results say whose they are."""
    if not rule.told:
        return {}
    results = [_outcome(rule, identifier) for identifier in IDS[: len(entries)]]
    for place, (result, entry) in enumerate(zip(results, entries, strict=True)):
        if rule.key_at is not None:
            put(result, parse_path(rule.key_at).steps, str(place) if rule.match == "trace" else entry.id)
    if rule.match != "index":
        results.reverse()
    if not rule.at:
        return results
    body: dict[str, Any] = {}
    put(body, parse_path(rule.at).steps, results)
    return body


def _outcome(rule: Outcome, identifier: int) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if rule.record_at:
        put(body, parse_path(rule.record_at).steps, {"alpha": "as it is kept"})
    if rule.id_at:
        put(body, parse_path(rule.id_at).steps, identifier)
    if rule.ok_at:
        put(body, parse_path(rule.ok_at).steps, True)
    return body


def _fine(body: Any, definition: Definition) -> Any:
    if isinstance(body, Mapping) and definition.errors.fail_unless is not None:
        put(body, parse_path(definition.errors.fail_unless).steps, True)
    return body
