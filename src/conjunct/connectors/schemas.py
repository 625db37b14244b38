"""What fields an object has: every source that its definition names is asked, and what they tell is laid together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any

from conjunct.connectors.custom_names import CustomNames
from conjunct.connectors.definition import Definition, ObjectDefinition
from conjunct.connectors.definition_base import Request
from conjunct.connectors.describing import described_fields, display_name, options_in, sampled_fields, static_fields
from conjunct.connectors.errors import AccessForbidden, ApiDisabled, ObjectMissing, ResourceNotFound
from conjunct.connectors.exchange import Exchange
from conjunct.connectors.introspection import INPUT, TYPE, introspected_fields, introspection_request
from conjunct.connectors.listing import bodies
from conjunct.connectors.paths import parse_path
from conjunct.connectors.plans import RequestPlan, UnknownObject, object_variables, request_compiler
from conjunct.connectors.query import FieldMetadata, ObjectSchema
from conjunct.connectors.schema_definition import OptionsRequest, SchemaRule, SchemaSource
from conjunct.connectors.templates import compile_text

Fields = dict[str, FieldMetadata]
Sample = Callable[[str, int], Awaitable[Iterable[dict[str, Any]]]]
"""Gives the first records of an object as the provider sent them, so many at most."""

OUT_OF_REACH = (AccessForbidden, ApiDisabled, ObjectMissing, ResourceNotFound)
"""What may keep one source of several from telling."""


class Describer:
    """Finds out the fields of a connector's objects. Safe to use from several tasks."""

    def __init__(self, exchange: Exchange, custom_names: CustomNames, sample: Sample) -> None:
        self._exchange = exchange
        self._custom_names = custom_names
        self._sample = sample

    async def describe(self, name: str) -> ObjectSchema:
        """The object's fields. Raises as `Connector.describe`."""
        known = self._known(name)
        rule = known.schema_ or SchemaRule()
        fields = await self._fields(name, known, rule)
        variables = object_variables(self._exchange.definition, name, self._exchange.inputs)
        fields = await self._with_required(name, rule, fields, variables)
        fields = await self._with_options(name, rule, fields, variables)
        return ObjectSchema(name, known.display or display_name(name), fields)

    async def names(self, name: str) -> tuple[str, ...]:
        """The names of the object's fields, for which less is asked. Raises as `Connector.describe`."""
        known = self._known(name)
        return tuple(await self._fields(name, known, known.schema_ or SchemaRule()))

    def _known(self, name: str) -> ObjectDefinition:
        definition = self._exchange.definition
        known = definition.object(name)
        if known is None:
            raise UnknownObject(f"{definition.display} has no object '{name}'.")
        return known

    async def _fields(self, name: str, known: ObjectDefinition, rule: SchemaRule) -> Fields:
        fields: Fields = {}
        for source in _in_order(rule.sources):
            try:
                fields = {**await self._from(source, name, known, rule), **fields}
            except OUT_OF_REACH:
                if len(rule.sources) == 1:
                    raise
        return fields | await self._customs(name, known, fields)

    async def _from(self, source: SchemaSource, name: str, known: ObjectDefinition, rule: SchemaRule) -> Fields:
        if source == "static":
            return static_fields(rule.fields)
        variables = object_variables(self._exchange.definition, name, self._exchange.inputs)
        if source == "describe":
            return await self._described(name, rule, variables)
        if source == "introspection":
            return await self._introspected(name, rule, variables)
        if known.read is None:
            return {}
        customs = await self._custom_names.of(name)
        names = {identifier: each.name for identifier, each in customs.items()} if customs is not None else None
        return sampled_fields(await self._sample(name, rule.sample_size), known.read, names)

    async def _described(self, name: str, rule: SchemaRule, variables: dict[str, Any]) -> Fields:
        request = self._compiled("describe", name, rule.request or Request())
        fields: Fields = {}
        async for body in bodies(self._exchange, request, rule.page, rule.fields_at, variables):
            with self._exchange.hiding_secrets():
                fields = {**described_fields(body, rule), **fields}
        return fields

    async def _introspected(self, name: str, rule: SchemaRule, variables: dict[str, Any]) -> Fields:
        texts = {TYPE: rule.graphql_type or ""}
        texts |= {f"{INPUT}{index}": text for index, text in enumerate(rule.graphql_inputs)}
        names = {key: compile_text(text).render(variables) for key, text in texts.items()}
        request = self._compiled("introspection", name, introspection_request(rule))
        answered = await self._exchange.send(request.build({**variables, **names}, self._exchange.address))
        return introspected_fields(answered.body, rule, str(names[TYPE]))

    async def _customs(self, name: str, known: ObjectDefinition, fields: Fields) -> Fields:
        """Customer-made fields that only their definitions tell of; those that are known are marked."""
        if known.read is None or known.schema_ is None:
            return {}
        try:
            customs = await self._custom_names.of(name) or {}
        except OUT_OF_REACH:
            if not fields:
                raise
            return {}
        found: Fields = {}
        for each in customs.values():
            field = fields.get(each.name) or FieldMetadata(each.name, each.name)
            if field.value_type == "other":
                field = replace(field, value_type=each.value_type, provider_type=each.provider_type)
            found[each.name] = replace(field, is_custom=True)
        return found

    async def _with_required(self, name: str, rule: SchemaRule, fields: Fields, variables: dict[str, Any]) -> Fields:
        if rule.required_from is None:
            return fields
        request = self._compiled("required", name, rule.required_from.request)
        body = await self._beside(request, variables)
        listed = parse_path(rule.required_from.at).find(body)
        if not isinstance(listed, list):
            return fields
        return {key: replace(field, is_required=key in listed) for key, field in fields.items()}

    async def _with_options(self, name: str, rule: SchemaRule, fields: Fields, variables: dict[str, Any]) -> Fields:
        told = dict(fields)
        asked: list[tuple[Request, Any]] = []  # several fields may be told of by one answer
        for key, options in rule.options_of.items():
            if key not in told:
                continue
            answers = [body for request, body in asked if request == options.request]
            if not answers:
                request = self._compiled(f"options of {key}", name, options.request)
                answers = [await self._beside(request, variables)]
                asked.append((options.request, answers[0]))
            told[key] = _with_values(told[key], options, answers[0])
        return told

    async def _beside(self, request: RequestPlan, variables: dict[str, Any]) -> Any:
        """The answer to a request for more than the fields themselves, or None where it is out of reach."""
        try:
            return (await self._exchange.send(request.build(variables, self._exchange.address))).body
        except OUT_OF_REACH:
            return None

    def _compiled(self, what: str, name: str, request: Request) -> RequestPlan:
        definition: Definition = self._exchange.definition
        return definition.once(("schema", what, name), lambda: request_compiler(definition, name)(request))


def _in_order(sources: tuple[SchemaSource, ...]) -> list[SchemaSource]:
    """With what the definition itself says in its place: a sample only guesses, so it comes after that."""
    if "static" in sources:
        return list(sources)
    at = sources.index("sample") if "sample" in sources else len(sources)
    return [*sources[:at], "static", *sources[at:]]


def _with_values(field: FieldMetadata, options: OptionsRequest, body: Any) -> FieldMetadata:
    values = options_in(body, options)
    if not values:
        return field
    is_select = field.value_type in ("singleSelect", "multiSelect")
    return replace(field, values=values, value_type=field.value_type if is_select else "singleSelect")
