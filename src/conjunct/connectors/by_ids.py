"""Records by their ids: many with one request, or one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conjunct.connectors.definition import Definition
from conjunct.connectors.errors import ResourceNotFound
from conjunct.connectors.exchange import Exchange
from conjunct.connectors.paths import JsonPath
from conjunct.connectors.plans import ObjectPlan, ReadNotSupported, RequestPlan, records_path, request_compiler
from conjunct.connectors.read_definition import ByIds
from conjunct.connectors.records import locate
from conjunct.connectors.several import several


@dataclass(frozen=True, slots=True)
class ByIdsPlan:
    """A compiled `by_ids`."""

    request: RequestPlan
    max: int
    records: JsonPath

    async def entries(self, exchange: Exchange, ids: Sequence[str], variables: Mapping[str, Any]) -> list[Any]:
        """The entries that the provider has for these ids. Raises `ProviderError` by its classes, `UnusableValue`."""
        if "ids" in self.request.names:
            chunks = [list(ids[start : start + self.max]) for start in range(0, len(ids), self.max)]
            found: list[list[Any] | None] = [
                *await several(lambda chunk: self._chunk(exchange, chunk, variables), chunks)
            ]
        else:
            found = await several(lambda each: self._ask(exchange, {**variables, "id": each}), ids)
        return [entry for entries in found for entry in entries or ()]

    async def _chunk(self, exchange: Exchange, ids: list[str], variables: Mapping[str, Any]) -> list[Any]:
        found = await self._ask(exchange, {**variables, "ids": ids})
        if found is not None or len(ids) == 1:
            return found or []
        # One that is gone may stand for all: the others are in one of the halves.
        half = len(ids) // 2
        return [
            *await self._chunk(exchange, ids[:half], variables),
            *await self._chunk(exchange, ids[half:], variables),
        ]

    async def _ask(self, exchange: Exchange, variables: Mapping[str, Any]) -> list[Any] | None:
        """The entries, or None where there is nothing."""
        try:
            answered = await exchange.send(self.request.build(variables, exchange.address))
        except ResourceNotFound:
            return None
        return locate(answered.body, self.records, optional=True)


def by_ids_plan(definition: Definition, plan: ObjectPlan) -> ByIdsPlan:
    """How records are asked for by id; by the request of `hydrate` where nothing else is said.

    Raises `ReadNotSupported`.
    """
    rule = plan.definition.by_ids
    hydrate = plan.rule.hydrate
    if rule is None and hydrate is not None and can_hydrate_by_id(plan):
        rule = ByIds(request=hydrate.request, records=hydrate.at)
    if rule is None:
        raise ReadNotSupported(f"{definition.display} cannot be asked for records of '{plan.name}' by their ids.")
    known = rule
    return definition.once(("by_ids", plan.name), lambda: _compile(definition, plan, known))


def can_hydrate_by_id(plan: ObjectPlan) -> bool:
    """Whether the request of `hydrate` needs nothing but the id, and gives all there is."""
    hydrate = plan.rule.hydrate
    if hydrate is None or plan.rule.parent is not None or plan.rule.item:
        return False
    return not hydrate.take and not hydrate.merge


def _compile(definition: Definition, plan: ObjectPlan, rule: ByIds) -> ByIdsPlan:
    records = plan.primary.records if rule.records is None else records_path(rule.records, plan.name)
    return ByIdsPlan(request_compiler(definition, plan.name)(rule.request), rule.max, records)
