"""Read plans: an object's definition compiled into what builds its requests.

Compiled once for a definition and an object; building a request from a plan does no parsing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conjunct.connectors.addresses import Address, with_query
from conjunct.connectors.bodies import ENCODERS, MEDIA_TYPES, Encoding
from conjunct.connectors.definition import ANY_OBJECT, Definition, ObjectDefinition
from conjunct.connectors.definition_base import Request
from conjunct.connectors.formats import TimeStyle, UnusableValue
from conjunct.connectors.page_tokens import PageToken
from conjunct.connectors.paging import Pager, compile_pager, restarted_with
from conjunct.connectors.paths import JsonPath, parse_path
from conjunct.connectors.query import ALL_FIELDS, ReadQuery
from conjunct.connectors.read_definition import Count, EachTerm, PageRule, ReadRule, Where
from conjunct.connectors.records import field_names
from conjunct.connectors.templates import (
    BLANK,
    UNSET,
    Each,
    PathTemplate,
    Template,
    compile_path,
    compile_template,
    compile_text,
)
from conjunct.core.problems import NotFound, Unprocessable

QUERY_VARIABLES = frozenset(
    {"object", "fields", "all_fields", "since", "until", "filter", "deleted", "page_size", "where", "long_url"}
)
"""Variables that a read gives to its templates, besides inputs, vars and those of paging."""


class UnknownObject(NotFound):
    """The provider has no object of that name."""

    slug = "unknown-object"
    title = "The provider has no such object"


class ReadNotSupported(Unprocessable):
    """The provider cannot read what is asked for."""

    slug = "read-not-supported"
    title = "The provider cannot read this"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request ready to be sent; the URL is percent-encoded.

    `bucket` is the limit that it counts against. `raw`: the answer is wanted as bytes, not as the JSON in it.
    """

    method: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    bucket: str | None = None
    raw: bool = False


@dataclass(frozen=True, slots=True)
class RequestPlan:
    """A compiled `Request`. `names` are the variables that it depends on."""

    method: str
    path: PathTemplate
    query: Template
    headers: Template
    body: Template | None
    encode: Encoding
    names: frozenset[str]
    bucket: str | None = None

    def build(self, variables: Mapping[str, Any], address: Address) -> HttpRequest:
        """The request. Raises `UnusableValue`, `ForeignUrl`."""
        rendered = self.query.render(variables)
        url = with_query(address.join(self.path.render(variables)), {} if rendered is UNSET else rendered)
        return HttpRequest(self.method, url, *self.content(variables), bucket=self.bucket)

    def content(self, variables: Mapping[str, Any]) -> tuple[dict[str, str], bytes | None]:
        """Headers and body."""
        rendered = self.headers.render(variables)
        headers = {} if rendered is UNSET else {name: str(value) for name, value in rendered.items()}
        for name, value in headers.items():
            if not value.isprintable():
                raise UnusableValue(f"the header {name} cannot hold {value!r}")
        body: Any = self.body.render(variables) if self.body is not None else UNSET
        if body is UNSET:
            return headers, None
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = MEDIA_TYPES[self.encode]
        return headers, ENCODERS[self.encode](body)


@dataclass(frozen=True, slots=True)
class WherePlan:
    """A compiled `Where`."""

    prefix: str
    join: str
    terms: tuple[Template, ...]
    names: frozenset[str]

    def render(self, variables: Mapping[str, Any]) -> Any:
        """The expression, or `BLANK` when no term's variables are set."""
        texts: list[str] = []
        for term in self.terms:
            value = term.render(variables)
            if isinstance(term, Each):
                texts.extend(map(str, value))
            elif value is not UNSET:
                texts.append(str(value))
        return self.prefix + self.join.join(texts) if texts else BLANK


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """One way to read an object: its request, paging and where its records stand."""

    request: RequestPlan
    page: PageRule
    pager: Pager
    records: JsonPath
    total: JsonPath | None
    names: frozenset[str]
    when: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()

    def applies(self, variables: Mapping[str, Any]) -> bool:
        """Whether this variant takes over for these variables."""
        is_set = {name for name in self.when | self.unless if variables.get(name)}
        return bool(is_set & self.when) and not is_set & self.unless

    def page_size(self, wish: int | None) -> int | None:
        """The number of records to ask for."""
        size = self.page.size
        if size is None:
            return None
        return max(min(wish or size.default, size.max or size.default), size.min or 1)


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """Everything compiled for one object."""

    name: str
    definition: ObjectDefinition
    rule: ReadRule
    vars: Mapping[str, Template]
    where: WherePlan | None
    primary: ReadPlan
    variants: tuple[ReadPlan, ...]
    count: RequestPlan | None

    def variables(self, query: ReadQuery, inputs: Mapping[str, str]) -> dict[str, Any]:
        """The template variables of a query, without those of paging."""
        variables: dict[str, Any] = {**inputs, "object": query.object}
        # `vars` are texts about inputs and the object; they see no more.
        rendered = {name: template.render(variables) for name, template in self.vars.items()}
        variables |= {name: value for name, value in rendered.items() if value is not UNSET}
        variables |= {
            "fields": field_names(self.rule, query.fields),
            "all_fields": ALL_FIELDS in query.fields or None,
            "since": query.since,
            "until": query.until,
            "filter": [{"field": name, "value": value} for name, value in query.filters],
            "deleted": query.deleted or None,
        }
        if not variables["fields"]:
            del variables["fields"]
        if self.where is not None:
            variables["where"] = self.where.render(variables)
        return variables

    def choose(self, variables: dict[str, Any], wish: int | None, address: Address) -> ReadPlan:
        """The way to read for these variables; sets `long_url` among them when the plain request's URL is too long."""
        chosen = self._variant(variables)
        if chosen is self.primary and self.rule.max_url is not None:
            first = {**variables, **self.primary.pager.start, "page_size": self.primary.page_size(wish)}
            if len(self.primary.request.build(first, address).url) > self.rule.max_url:
                variables["long_url"] = True
                chosen = self._variant(variables)
        return chosen

    def _variant(self, variables: Mapping[str, Any]) -> ReadPlan:
        return next((variant for variant in self.variants if variant.applies(variables)), self.primary)


def page_variables(plan: ReadPlan, base: Mapping[str, Any], token: PageToken, wish: int | None) -> dict[str, Any]:
    """The variables of one page: the query's, the strategy's first values, and what the token says."""
    variables = {**base, "page_size": plan.page_size(wish), **plan.pager.start, **token.sticky, **token.variables}
    restart = plan.page.restart
    if restart is not None and restart.var in token.sticky:
        variables[restart.var] = restarted_with(restart, token.sticky[restart.var])
    return variables


def object_plan(definition: Definition, name: str) -> ObjectPlan:
    """The plan of an object. Raises `UnknownObject`, `ReadNotSupported`."""
    known = _known_object(definition, name)
    rule = known.read
    if rule is None:
        raise ReadNotSupported(f"{definition.display} has no way to read '{name}'.")
    return definition.once(("plan", name), lambda: compile_object(definition, name, known, rule))


def compile_object(definition: Definition, name: str, known: ObjectDefinition, rule: ReadRule) -> ObjectPlan:
    """Compile an object's definition. Raises ValueError for what the checks of a definition would have found."""
    time = known.time
    raw = frozenset(known.vars)
    slashed = frozenset({"object"}) if name in definition.objects and name != ANY_OBJECT else frozenset[str]()
    where = _compile_where(rule.where, time) if rule.where is not None else None

    def requests(request: Request) -> RequestPlan:
        return compile_request(request, time, raw=raw, slashed=slashed, headers=definition.headers)

    def reads(request: Request, page: PageRule, records: str, **conditions: frozenset[str]) -> ReadPlan:
        compiled = requests(request)
        used = compiled.names | where.names if where is not None and "where" in compiled.names else compiled.names
        # Deleted records are often listed elsewhere, by a request that need not say so again.
        used |= conditions.get("when", frozenset()) & {"deleted"}
        total = parse_path(page.total_at) if page.total_at is not None else None
        return ReadPlan(compiled, page, compile_pager(page), records_path(records, name), total, used, **conditions)

    return ObjectPlan(
        name=name,
        definition=known,
        rule=rule,
        vars={key: compile_text(text, time) for key, text in known.vars.items()},
        where=where,
        primary=reads(rule.request, rule.page, rule.records),
        variants=tuple(
            reads(
                variant.request,
                variant.page or rule.page,
                rule.records if variant.records is None else variant.records,
                when=frozenset(variant.when),
                unless=frozenset(variant.unless),
            )
            for variant in rule.variants
        ),
        count=_if_said(known.count, requests),
    )


def _known_object(definition: Definition, name: str) -> ObjectDefinition:
    known = definition.object(name)
    if known is None:
        names = ", ".join(definition.object_names)
        raise UnknownObject(f"{definition.display} has no object '{name}'.", remedy=f"There are: {names}.")
    return known


def object_variables(definition: Definition, name: str, inputs: Mapping[str, str]) -> dict[str, Any]:
    """The variables that every request of an object knows, whatever it does: inputs, the object's name and its vars."""
    known = _known_object(definition, name)
    variables: dict[str, Any] = {**inputs, "object": name}
    rendered = {key: compile_text(text, known.time).render(variables) for key, text in known.vars.items()}
    return variables | {key: value for key, value in rendered.items() if value is not UNSET}


def request_compiler(definition: Definition, name: str) -> Callable[[Request], RequestPlan]:
    """What compiles the requests of an object, whose `vars` are texts of ours and whose name may have slashes."""
    known = definition.object(name) or definition.objects[ANY_OBJECT]
    slashed = frozenset({"object"}) if name in definition.objects and name != ANY_OBJECT else frozenset[str]()
    raw = frozenset(known.vars)
    return lambda request: compile_request(request, known.time, raw=raw, slashed=slashed, headers=definition.headers)


def compile_request(
    request: Request,
    time: TimeStyle,
    *,
    raw: frozenset[str] = frozenset(),
    slashed: frozenset[str] = frozenset(),
    headers: Mapping[str, str] | None = None,
) -> RequestPlan:
    """Compile one request. Raises `TemplateSyntaxError`."""
    path = compile_path(request.path or "", raw=raw, slashed=slashed)
    query = compile_template(request.query, time)
    own_headers = compile_template({**(headers or {}), **request.headers}, time)
    body = compile_template(request.body, time) if request.body is not None else None
    names = path.names | query.names | own_headers.names | (body.names if body is not None else frozenset())
    return RequestPlan(
        request.method or "GET", path, query, own_headers, body, request.encode or "json", names, bucket=request.bucket
    )


def _compile_where(where: Where, time: TimeStyle) -> WherePlan:
    terms: list[Template] = []
    for term in where.terms:
        if isinstance(term, EachTerm):
            item = compile_text(term.term, time)
            terms.append(Each(term.each, item, item.names | {term.each}))
        else:
            terms.append(compile_text(term, time))
    names = frozenset[str]().union(*(term.names for term in terms))
    return WherePlan(where.prefix, where.join, tuple(terms), names)


def _if_said(section: Count | None, compiled: Callable[[Request], RequestPlan]) -> RequestPlan | None:
    return compiled(section.request) if section is not None and section.request is not None else None


def records_path(text: str, object_name: str) -> JsonPath:
    """Where the records of an object stand: `{object}` is its name."""
    path = parse_path(text)
    return JsonPath(tuple(object_name if step == "{object}" else step for step in path.steps))
