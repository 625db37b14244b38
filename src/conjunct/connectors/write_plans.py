"""Write plans: an object's `write` section compiled into what builds its requests and reads their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conjunct.connectors.addresses import Address
from conjunct.connectors.definition import Definition, ObjectDefinition
from conjunct.connectors.paths import JsonPath, parse_path
from conjunct.connectors.plans import HttpRequest, RequestPlan, UnknownObject, request_compiler
from conjunct.connectors.templates import UNSET, Template, compile_text
from conjunct.connectors.write_definition import BatchOperation, WriteOperation, WriteRule
from conjunct.connectors.write_nesting import RecordShape, compile_shape
from conjunct.connectors.write_outcomes import OutcomeReader, compile_outcome
from conjunct.connectors.write_query import WRITE_TYPES, WriteEntry, WriteNotSupported, WriteQuery, WriteType
from conjunct.connectors.write_results import ResultsReader, compile_results

Variables = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SinglePlan:
    """A compiled `WriteOperation`. `taken` are the variables that `before` gives."""

    type: WriteType
    rule: WriteOperation
    request: RequestPlan
    before: RequestPlan | None
    taken: tuple[tuple[str, JsonPath], ...]
    outcome: OutcomeReader
    shape: RecordShape

    def is_repeatable(self, entry: WriteEntry) -> bool:
        """Whether doing it twice comes to the same."""
        if self.rule.repeatable is not None:
            return self.rule.repeatable
        is_keyed = entry.idempotency_key is not None and "idempotency_key" in self.request.names
        return self.type != "create" or is_keyed


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A compiled `BatchOperation`."""

    type: WriteType
    rule: BatchOperation
    request: RequestPlan
    results: ResultsReader
    shape: RecordShape

    @property
    def promises_all_or_none(self) -> bool:
        """Whether it can be had that all records are written or none."""
        return self.rule.all_or_none is not None or "all_or_none" in self.request.names

    @property
    def is_repeatable(self) -> bool:
        """Whether doing it twice comes to the same."""
        return self.type != "create"

    def build(self, base: Variables, query: WriteQuery, entries: Sequence[WriteEntry], address: Address) -> HttpRequest:
        """The request for these entries. Raises `UnusableValue`."""
        is_traced = not (query.all_or_none and self.rule.all_or_none == "untraced")
        records = [
            {**self.shape.variables(entry), "trace": str(place) if is_traced else None}
            for place, entry in enumerate(entries)
        ]
        variables = {
            **base,
            "records": records,
            "ids": [entry.id for entry in entries if entry.id is not None],
            "all_or_none": query.all_or_none,
        }
        return self.request.build(variables, address)

    def reader(self, query: WriteQuery) -> ResultsReader:
        """What reads the answer."""
        is_untraced = query.all_or_none and self.rule.all_or_none == "untraced"
        return self.results.by_place() if is_untraced else self.results


@dataclass(frozen=True, slots=True)
class WritePlan:
    """Everything compiled for writing one object."""

    name: str
    rule: WriteRule
    vars: Mapping[str, Template]
    single: Mapping[WriteType, SinglePlan]
    batch: Mapping[WriteType, BatchPlan]

    def variables(self, query: WriteQuery, inputs: Mapping[str, str]) -> dict[str, Any]:
        """The template variables of a query, without those of its entries."""
        variables: dict[str, Any] = {**inputs, "object": query.object}
        rendered = {name: template.render(variables) for name, template in self.vars.items()}
        variables |= {name: value for name, value in rendered.items() if value is not UNSET}
        variables["external_id_field"] = query.external_id_field
        return variables


def write_plan(definition: Definition, name: str) -> WritePlan:
    """The plan of an object's writes. Raises `UnknownObject`, `WriteNotSupported`."""
    known = definition.object(name)
    if known is None:
        names = ", ".join(definition.object_names)
        raise UnknownObject(f"{definition.display} has no object '{name}'.", remedy=f"There are: {names}.")
    rule = known.write
    if rule is None:
        raise WriteNotSupported(
            f"{definition.display} has no way to write '{name}' here.",
            remedy="The provider's definition has no `write` for it; the proxy may do.",
        )
    return definition.once(("write", name), lambda: compile_write(definition, name, known, rule))


def compile_write(definition: Definition, name: str, known: ObjectDefinition, rule: WriteRule) -> WritePlan:
    """Compile an object's `write`. Raises ValueError for what the checks of a definition would have found."""
    requests = request_compiler(definition, name)
    shape = compile_shape(known, rule)
    single: dict[WriteType, SinglePlan] = {}
    batch: dict[WriteType, BatchPlan] = {}
    for type_ in WRITE_TYPES:
        one: WriteOperation | None = getattr(rule, type_)
        if one is not None:
            single[type_] = SinglePlan(
                type_,
                one,
                requests(one.request),
                requests(one.before.request) if one.before is not None else None,
                tuple((key, parse_path(at)) for key, at in one.before.take.items()) if one.before is not None else (),
                compile_outcome(one, definition.errors),
                shape,
            )
        many: BatchOperation | None = getattr(rule.batch, type_)
        if many is not None:
            results = compile_results(many.results, definition.errors)
            batch[type_] = BatchPlan(type_, many, requests(many.request), results, shape)
    variables = {key: compile_text(text, known.time) for key, text in known.vars.items()}
    return WritePlan(name, rule, variables, single, batch)
