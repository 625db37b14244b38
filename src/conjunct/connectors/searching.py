"""Search plans: how the records of an object with given values are asked for, compiled from its definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from conjunct.connectors.addresses import Address, with_query
from conjunct.connectors.definition import ANY_OBJECT, Definition
from conjunct.connectors.errors import FieldMissing
from conjunct.connectors.paths import JsonPath
from conjunct.connectors.plans import HttpRequest, ObjectPlan, RequestPlan, compile_request, object_plan, records_path
from conjunct.connectors.query import ReadQuery
from conjunct.connectors.records import locate
from conjunct.connectors.search_definition import SearchRule
from conjunct.connectors.templates import Template, compile_text
from conjunct.core.problems import Issue, Unprocessable


class SearchNotSupported(Unprocessable):
    """The provider cannot search for what is asked for."""

    slug = "search-not-supported"
    title = "The provider cannot search for this"


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """Which records of which object: those that have all these values. `fields` are as those of a `ReadQuery`."""

    object: str
    fields: tuple[str, ...] = ()
    filters: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """A compiled `search` section."""

    rule: SearchRule
    object: ObjectPlan
    request: RequestPlan
    parameter: Template | None
    records: JsonPath

    def build(self, query: SearchQuery, inputs: Mapping[str, str], address: Address) -> HttpRequest:
        """The request. Raises `SearchNotSupported` for fields that cannot be searched, `UnusableValue`."""
        filters = tuple((name, value) for name, value in self._named(query))
        variables = self.object.variables(ReadQuery(query.object, query.fields, filters=filters), inputs)
        request = self.request.build({**variables, "limit": self.rule.limit}, address)
        if self.parameter is None:
            return request
        given = {name: self.parameter.render({"field": name, "value": value}) for name, value in filters}
        return replace(request, url=with_query(request.url, given))

    def entries(self, body: Any, query: SearchQuery) -> list[Any]:
        """The entries of an answer. Raises `MalformedAnswer` when it has no list of them, `FieldMissing`."""
        entries = locate(body, self.records, optional=self.object.rule.records_optional)
        if self.rule.ignores_unknown and entries:
            self._refuse_unknown(query, entries)
        return entries

    def _refuse_unknown(self, query: SearchQuery, entries: list[Any]) -> None:
        # A field of another record that this one leads to (`caller.name`) does not stand in it.
        told = {name for entry in entries if isinstance(entry, dict) for name in entry}
        for name, _ in self._named(query):
            if "." not in name and name not in told:
                raise FieldMissing(f"'{query.object}' has no field '{name}': the provider passed over it")

    def _named(self, query: SearchQuery) -> list[tuple[str, Any]]:
        known = self.rule.fields
        if not known:
            return list(query.filters)
        unknown = [name for name, _ in query.filters if name not in known]
        if unknown:
            raise SearchNotSupported(
                f"'{query.object}' cannot be searched by {', '.join(unknown)}.",
                remedy=f"It can be searched by {', '.join(known)}.",
                issues=[Issue(name, "the provider cannot search by this field") for name in unknown],
            )
        return [(known[name], value) for name, value in query.filters]


def search_plan(definition: Definition, name: str) -> SearchPlan:
    """The plan of an object's searches. Raises `UnknownObject`, `ReadNotSupported`, `SearchNotSupported`."""
    plan = object_plan(definition, name)
    rule = plan.definition.search
    if rule is None:
        raise SearchNotSupported(
            f"{definition.display} cannot search '{name}'.",
            remedy="Read the object instead; the provider's definition has no `search` for it.",
        )
    return definition.once(("search", name), lambda: _compile(definition, plan, rule))


def _compile(definition: Definition, plan: ObjectPlan, rule: SearchRule) -> SearchPlan:
    is_listed = plan.name in definition.objects and plan.name != ANY_OBJECT
    request = compile_request(
        rule.request,
        plan.definition.time,
        raw=frozenset(plan.definition.vars),
        slashed=frozenset({"object"}) if is_listed else frozenset(),
        headers=definition.headers,
    )
    parameter = compile_text(rule.filter_parameter) if rule.filter_parameter is not None else None
    records = plan.primary.records if rule.records is None else records_path(rule.records, plan.name)
    return SearchPlan(rule, plan, request, parameter, records)
