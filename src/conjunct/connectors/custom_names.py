"""The names of customer-made fields that records name by id: asked for once by each connector."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from conjunct.connectors.definition_base import ValueType
from conjunct.connectors.exchange import Exchange
from conjunct.connectors.listing import entries_of
from conjunct.connectors.paths import parse_path
from conjunct.connectors.plans import ObjectPlan, object_plan, request_compiler
from conjunct.connectors.query import ReadQuery
from conjunct.connectors.records import NotARecord, exact_id

MOST_OBJECTS = 200


@dataclass(frozen=True, slots=True)
class CustomField:
    """A customer-made field: its name, what the provider says of its type, and its id as the provider has it."""

    name: str
    provider_type: str | None = None
    value_type: ValueType = "other"
    own_id: str | int | None = None


class CustomNames:
    """The customer-made fields of each object by their ids. Safe to use from several tasks."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._known: dict[str, Mapping[str, CustomField]] = {}
        self._asking = asyncio.Lock()

    async def of(self, object_name: str) -> Mapping[str, CustomField] | None:
        """Those of an object, or None where its records name them themselves. Raises `ProviderError` by its classes."""
        plan = object_plan(self._exchange.definition, object_name)
        if plan.rule.custom_fields is None or plan.rule.custom_fields.definitions is None:
            return None
        async with self._asking:
            if object_name not in self._known:
                # Object names under "*" come from outside; they may not fill the memory.
                if len(self._known) >= MOST_OBJECTS:
                    self._known.clear()
                self._known[object_name] = await self._ask(plan, object_name)
            return self._known[object_name]

    async def _ask(self, plan: ObjectPlan, object_name: str) -> Mapping[str, CustomField]:
        rule = plan.rule.custom_fields.definitions if plan.rule.custom_fields is not None else None
        if rule is None:
            return {}
        definition = self._exchange.definition
        request = definition.once(
            ("definitions", plan.name), lambda: request_compiler(definition, plan.name)(rule.request)
        )
        variables = plan.variables(ReadQuery(object_name), self._exchange.inputs)
        entries = await entries_of(self._exchange, request, rule.page, rule.at, variables)
        id_path, name_path = parse_path(rule.id), parse_path(rule.name)
        type_path = parse_path(rule.type) if rule.type is not None else None
        types = plan.definition.schema_.types if plan.definition.schema_ is not None else {}
        fields: dict[str, CustomField] = {}
        for entry in entries:
            name, told = name_path.find(entry), type_path.find(entry) if type_path is not None else None
            provider_type = told if isinstance(told, str) else None
            known = types.get(provider_type or "")
            own_id = id_path.find(entry)
            try:
                identifier = exact_id(own_id)
            except NotARecord:
                continue
            if isinstance(name, str) and name:
                value_type: ValueType = "other" if known is None or isinstance(known, dict) else known
                fields[identifier] = CustomField(
                    name, provider_type, value_type, own_id if isinstance(own_id, int) else identifier
                )
        return fields
