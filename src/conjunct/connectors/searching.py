"""Search plans: how the records of an object that meet conditions are asked for, compiled from its definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from conjunct.connectors.addresses import Address, with_query
from conjunct.connectors.definition import ANY_OBJECT, Definition
from conjunct.connectors.errors import FieldMissing
from conjunct.connectors.page_tokens import FIRST_PAGE, PageToken
from conjunct.connectors.paging import Answer, Pager, compile_pager
from conjunct.connectors.paths import JsonPath
from conjunct.connectors.plans import HttpRequest, ObjectPlan, RequestPlan, compile_request, object_plan, records_path
from conjunct.connectors.query import ReadQuery
from conjunct.connectors.records import locate
from conjunct.connectors.search_definition import Other, SearchRule
from conjunct.connectors.templates import BLANK, Template, compile_template, compile_text
from conjunct.core.problems import Issue, Unprocessable


class SearchNotSupported(Unprocessable):
    """The provider cannot search for what is asked for."""

    slug = "search-not-supported"
    title = "The provider cannot search for this"


@dataclass(frozen=True, slots=True)
class Condition:
    """What the value of a field must be, other than equal to another. That of `in` is a list."""

    field: str
    operator: Other
    value: Any


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """Which records of which object: those that have all these values, and meet all conditions.

    `fields` are as those of a `ReadQuery`. `page_token` is the `next` of the page before.
    """

    object: str
    fields: tuple[str, ...] = ()
    filters: tuple[tuple[str, Any], ...] = ()
    conditions: tuple[Condition, ...] = ()
    page_token: str | None = None


@dataclass(frozen=True, slots=True)
class SearchTurn:
    """A page that is about to be asked for."""

    request: HttpRequest
    variables: Mapping[str, Any]
    here: PageToken


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """A compiled `search` section."""

    rule: SearchRule
    object: ObjectPlan
    request: RequestPlan
    parameter: Template | None
    operators: Mapping[Other, Template]
    pager: Pager | None
    records: JsonPath

    def turn(self, query: SearchQuery, inputs: Mapping[str, str], address: Address) -> SearchTurn:
        """The request of a page.

        Raises `SearchNotSupported` for fields and operators that cannot be searched by, `UnusableValue`,
        `BadPageToken`.
        """
        here = PageToken.decode(query.page_token) if query.page_token is not None else FIRST_PAGE
        filters, conditions = self._named(query), self._conditions(query)
        variables = self.object.variables(ReadQuery(query.object, query.fields, filters=filters), inputs)
        if self.pager is not None:
            variables |= {**self.pager.start, **here.sticky, **here.variables}
        variables |= {"limit": self.rule.limit, "page_size": self.rule.limit}
        if self.parameter is None:
            variables["conditions"] = [{"condition": each} for _, each in conditions if not isinstance(each, str)]
            variables["where"] = self._where(variables, [each for _, each in conditions if isinstance(each, str)])
        request = self.request.build(variables, address)
        if here.url is not None:
            request = replace(request, url=address.own(here.url))
        elif self.parameter is not None:
            equal = [(name, self.parameter.render({"field": name, "value": value})) for name, value in filters]
            request = self._with_parameters(request, [*equal, *conditions])
        return SearchTurn(request, variables, here)

    def following(self, turn: SearchTurn, answer: Answer) -> str | None:
        """The token of the page after this one; None at the end. Raises as `Pager.following`."""
        following = self.pager.following(answer, turn.here) if self.pager is not None else None
        return following.encode() if following is not None else None

    def _with_parameters(self, request: HttpRequest, given: list[tuple[str, Any]]) -> HttpRequest:
        if len({name for name, _ in given}) < len(given):
            raise SearchNotSupported(
                "The provider takes one condition for each field.", remedy="Give each field one filter at most."
            )
        return replace(request, url=with_query(request.url, dict(given))) if given else request

    def _where(self, variables: Mapping[str, Any], terms: list[str]) -> Any:
        where = self.object.where
        if where is None:
            return BLANK
        own = where.render(variables)
        if not terms:
            return own
        return where.prefix + where.join.join(terms) if own is BLANK else where.join.join([own, *terms])

    def _conditions(self, query: SearchQuery) -> list[tuple[str, Any]]:
        """Each condition as it goes out, with the name of its field there."""
        rendered: list[tuple[str, Any]] = []
        for condition in query.conditions:
            template = self.operators.get(condition.operator)
            if template is None:
                known = ", ".join(["eq", *self.operators])
                raise SearchNotSupported(
                    f"'{query.object}' cannot be searched with the operator {condition.operator}.",
                    remedy=f"The provider can {known}.",
                    issues=[Issue(condition.field, f"the provider has no {condition.operator}")],
                )
            [(name, _)] = self._named(replace(query, filters=((condition.field, None),)))
            rendered.append((name, template.render({"field": name, "value": condition.value})))
        return rendered

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

    def _named(self, query: SearchQuery) -> tuple[tuple[str, Any], ...]:
        known = self.rule.fields
        if not known:
            return query.filters
        unknown = [name for name, _ in query.filters if name not in known]
        if unknown:
            raise SearchNotSupported(
                f"'{query.object}' cannot be searched by {', '.join(unknown)}.",
                remedy=f"It can be searched by {', '.join(known)}.",
                issues=[Issue(name, "the provider cannot search by this field") for name in unknown],
            )
        return tuple((known[name], value) for name, value in query.filters)


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
    operators = {name: compile_template(how) for name, how in rule.operators.items()}
    pager = compile_pager(rule.page) if rule.page is not None else None
    return SearchPlan(rule, plan, request, parameter, operators, pager, records)
