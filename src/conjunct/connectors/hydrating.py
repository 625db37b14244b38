"""Records whose list tells too little of them: each is asked for by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conjunct.connectors.definition import Definition
from conjunct.connectors.errors import ResourceNotFound
from conjunct.connectors.exchange import Exchange
from conjunct.connectors.paths import JsonPath, parse_path
from conjunct.connectors.plans import ObjectPlan, RequestPlan, request_compiler
from conjunct.connectors.query import FailedRecord, Record
from conjunct.connectors.read_definition import Hydrate
from conjunct.connectors.several import several


@dataclass(frozen=True, slots=True)
class HydratePlan:
    """A compiled `Hydrate`."""

    request: RequestPlan
    at: JsonPath
    take: Mapping[str, JsonPath]
    merge: bool

    def variables(self, record: Record) -> dict[str, Any] | None:
        """The variables of a listed record, or None where it cannot be asked for."""
        taken = {name: path.find(record.raw) for name, path in self.take.items()}
        scalars = {name: value for name, value in taken.items() if type(value) in (str, int)}
        variables = {"id": record.id, **scalars}
        return variables if self.request.path.takes(variables, {"id", *self.take}) else None


def hydrate_plan(definition: Definition, plan: ObjectPlan) -> HydratePlan | None:
    """How the records of an object are hydrated, or None when their list tells all."""
    rule = plan.rule.hydrate
    return definition.once(("hydrate", plan.name), lambda: _compile(definition, plan, rule)) if rule else None


def _compile(definition: Definition, plan: ObjectPlan, rule: Hydrate) -> HydratePlan:
    return HydratePlan(
        request_compiler(definition, plan.name)(rule.request),
        parse_path(rule.at),
        {name: parse_path(path) for name, path in rule.take.items()},
        rule.merge,
    )


async def whole_records(
    exchange: Exchange, plan: HydratePlan, listed: Sequence[Record], variables: Mapping[str, Any]
) -> tuple[list[Record], list[FailedRecord]]:
    """The listed records with all that the provider knows of them as `raw`, in order, and those that are none.

    A record that is gone since it was listed is left out. Raises `ProviderError` by its classes.
    """

    async def ask(numbered: tuple[int, Record]) -> Record | FailedRecord | None:
        index, record = numbered
        own = plan.variables(record)
        if own is None:
            return FailedRecord(index, f"entry {index} of the page cannot be asked for by its id", record.raw)
        try:
            answered = await exchange.send(plan.request.build({**variables, **own}, exchange.address))
        except ResourceNotFound:
            return None
        raw = plan.at.find(answered.body)
        if not isinstance(raw, dict):
            return FailedRecord(index, f"the answer for record {record.id} has no record", record.raw)
        return record._replace(raw={**record.raw, **raw} if plan.merge else raw)

    found = await several(ask, enumerate(listed))
    return [each for each in found if isinstance(each, Record)], [
        each for each in found if isinstance(each, FailedRecord)
    ]
