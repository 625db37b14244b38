"""What the models cannot check of a `write` section."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conjunct.connectors.check_parts import Fault, Path, check_path, check_pattern, check_request
from conjunct.connectors.definition import ObjectDefinition
from conjunct.connectors.definition_base import Request
from conjunct.connectors.templates import TemplateSyntaxError, Text, Variable, compile_template, compile_text
from conjunct.connectors.write_definition import (
    BATCH_VARIABLES,
    ENTRY_VARIABLES,
    WRITE_VARIABLES,
    BatchOperation,
    Outcome,
    WriteOperation,
    WriteRule,
)
from conjunct.connectors.write_query import WRITE_TYPES, WriteType

_OUTCOME_PATHS = ("id_at", "record_at", "ok_at", "errors_at", "message_at", "code_at")
_NO_ITEMS = frozenset[str]()
_OWN_VARIABLES = WRITE_VARIABLES | BATCH_VARIABLES | ENTRY_VARIABLES
_WHOLE = frozenset({"record", "associations", "records"})
"""Variables that are mappings or lists: within a text they would be Python's."""


def check_write(path: Path, rule: WriteRule, variables: frozenset[str]) -> Iterator[Fault]:
    """Faults of a `write` section. `variables` are inputs and vars."""
    if all(getattr(rule, type_) is None and getattr(rule.batch, type_) is None for type_ in WRITE_TYPES):
        yield Fault(path, "it says no way to write: it needs create, update, upsert or delete")
    for index, name in enumerate(rule.apart):
        if name in _OWN_VARIABLES:
            yield Fault((*path, "apart", index), f"'{name}' is a variable of every write")
    variables |= frozenset(rule.apart)
    for type_ in WRITE_TYPES:
        one: WriteOperation | None = getattr(rule, type_)
        if one is not None:
            yield from _check_operation((*path, type_), type_, one, variables)
        many: BatchOperation | None = getattr(rule.batch, type_)
        if many is not None:
            yield from _check_batch((*path, "batch", type_), type_, many, variables)


def check_nests(path: Path, known: ObjectDefinition, rule: WriteRule) -> Iterator[Fault]:
    """Faults of what says which keys are written within another."""
    told = known.schema_ is not None and bool(known.schema_.fields)
    customs = known.read.custom_fields if known.read is not None else None
    for into, nest in rule.nest.items():
        inner = (*path, "nest", into)
        yield from check_pattern((*inner, "match"), nest.match)
        if nest.match is None and not nest.unknown and not nest.defined:
            yield Fault(inner, "nothing says which keys: it needs match, unknown or defined")
        if nest.unknown and not told:
            yield Fault((*inner, "unknown"), "the schema has no fields: nothing is known")
        if nest.defined and (customs is None or customs.definitions is None):
            yield Fault((*inner, "defined"), "there is no read.custom_fields.definitions")
        if into in rule.apart:
            yield Fault(inner, f"'{into}' is left out of the record by 'apart'")


def _check_operation(path: Path, type_: WriteType, rule: WriteOperation, inputs: frozenset[str]) -> Iterator[Fault]:
    known = inputs | WRITE_VARIABLES
    mentioned = _mentioned(rule.request)
    if rule.before is not None:
        yield from _check_request((*path, "before", "request"), rule.before.request, known, _NO_ITEMS)
        for name, place in rule.before.take.items():
            yield from check_path((*path, "before", "take", name), place)
        known |= rule.before.take.keys()
        mentioned |= _mentioned(rule.before.request)
    yield from _check_request((*path, "request"), rule.request, known, _NO_ITEMS)
    yield from _check_method((*path, "request"), rule.request)
    yield from _check_outcome(path, rule)
    needed = {"create": (), "update": ("id",), "delete": ("id",), "upsert": ("external_id",)}[type_]
    for name in needed:
        if name not in mentioned:
            yield Fault((*path, "request"), f"nothing says which record: it needs {{{name}}}")
    if type_ in ("create", "upsert") and "record" not in mentioned:
        yield Fault((*path, "request"), "nothing carries the values: it needs {record}")


def _check_batch(path: Path, type_: WriteType, rule: BatchOperation, inputs: frozenset[str]) -> Iterator[Fault]:
    yield from _check_request((*path, "request"), rule.request, inputs | BATCH_VARIABLES, ENTRY_VARIABLES)
    yield from _check_method((*path, "request"), rule.request)
    mentioned = _mentioned(rule.request)
    if "records" not in mentioned and not (type_ == "delete" and "ids" in mentioned):
        yield Fault((*path, "request"), "nothing carries the records: it needs '$each: records'")
    results = rule.results
    inner = (*path, "results")
    yield from check_path((*inner, "at"), results.at)
    yield from check_path((*inner, "key_at"), results.key_at)
    yield from _check_outcome(inner, results)
    if results.failed is not None:
        for key in ("at", "key_at", "message_at", "code_at"):
            yield from check_path((*inner, "failed", key), getattr(results.failed, key))
    if results.match != "index" and results.key_at is None:
        yield Fault((*inner, "match"), f"by {results.match} needs 'key_at'")
    if results.match == "index" and results.key_at is not None:
        yield Fault((*inner, "key_at"), "results by place have no key; 'match' is id or trace")
    if results.match == "trace" and "trace" not in mentioned:
        yield Fault((*inner, "match"), "the request does not send {trace}")
    if rule.all_or_none == "untraced" and results.match != "trace":
        yield Fault((*path, "all_or_none"), "only results by trace can be without")


def _check_outcome(path: Path, rule: Outcome) -> Iterator[Fault]:
    for key in _OUTCOME_PATHS:
        yield from check_path((*path, key), getattr(rule, key))


def _check_method(path: Path, request: Request) -> Iterator[Fault]:
    if request.method is None:
        yield Fault((*path, "method"), "a write names its method")


def _check_request(
    path: Path, request: Request, variables: frozenset[str], of_items: frozenset[str]
) -> Iterator[Fault]:
    yield from check_request(path, request, variables, of_items)
    for key in ("path", "query", "headers", "body"):
        yield from _check_whole((*path, key), getattr(request, key))


def _check_whole(path: Path, value: Any) -> Iterator[Fault]:
    """Faults of texts that hold what is a mapping or a list."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key != "$literal":
                yield from _check_whole((*path, key), each)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _check_whole((*path, index), each)
    elif isinstance(value, str):
        try:
            template = compile_text(value)
        except TemplateSyntaxError:
            return  # it has its own fault
        parts = template.parts if isinstance(template, Text) else ()
        for part in parts:
            if isinstance(part, Variable) and part.name in _WHOLE:
                yield Fault(path, f"{{{part.name}}} is no text: it stands alone")


def _mentioned(request: Request) -> frozenset[str]:
    """The variables that the request mentions; all, where a template cannot be read: that has its own fault."""
    names: frozenset[str] = frozenset()
    for part in (request.path or "", request.query, request.headers, request.body):
        try:
            names |= compile_template(part).names
        except TemplateSyntaxError:
            return names | _OWN_VARIABLES
    return names
