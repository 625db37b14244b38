"""What the models cannot check of a definition: templates, variables, paths, and what each paging style needs."""

from __future__ import annotations

from collections.abc import Iterator

from conjunct.connectors.auth_checks import check_auth, check_inputs, check_look_ups
from conjunct.connectors.check_parts import (
    ITEM_VARIABLES,
    Fault,
    Path,
    check_path,
    check_pattern,
    check_request,
    check_template,
    named_groups,
)
from conjunct.connectors.definition import Definition, ErrorRules, ObjectDefinition
from conjunct.connectors.definition_base import Request
from conjunct.connectors.field_definition import FIELD_VARIABLES, OPTION_VARIABLES, UpsertFields
from conjunct.connectors.host_checks import check_extra_host, check_host
from conjunct.connectors.limit_checks import check_limits
from conjunct.connectors.plans import QUERY_VARIABLES
from conjunct.connectors.read_definition import EachTerm, PageRule, ReadRule
from conjunct.connectors.schema_definition import SchemaRule
from conjunct.connectors.search_definition import SEARCH_VARIABLES, SearchRule
from conjunct.connectors.templates import TemplateSyntaxError, compile_template
from conjunct.connectors.write_checks import check_write

_BY_STYLE = {"offset": "offset", "page": "page", "cursor": "cursor", "graphql": "cursor", "keyset": "after"}
_NEEDS = {"next_url": "at", "cursor": "at", "graphql": "at", "keyset": "from_last"}
_SCHEMA_PATHS = (
    "fields_at",
    "name",
    "display",
    "type_at",
    "subtype_at",
    "read_only_at",
    "required_at",
    "custom_at",
    "standard_at",
    "refs_at",
)


def check_definition(definition: Definition) -> list[Fault]:
    """Every fault."""
    inputs = frozenset(each.name for each in definition.inputs)
    faults = [*_check_top(definition, inputs)]
    for name, known in definition.objects.items():
        faults += _check_object(("objects", name), known, inputs)
    return list(dict.fromkeys(faults))


def _check_top(definition: Definition, inputs: frozenset[str]) -> Iterator[Fault]:
    yield from check_template(("base_url",), definition.base_url, inputs)
    yield from check_host(definition, ("base_url",), definition.base_url)
    for index, host in enumerate(definition.extra_hosts):
        yield from check_template(("extra_hosts", index), host, inputs)
        yield from check_extra_host(definition, ("extra_hosts", index), host)
    for name, module in definition.modules.items():
        if module.base_url is not None:
            yield from check_template(("modules", name, "base_url"), module.base_url, inputs)
            yield from check_host(definition, ("modules", name, "base_url"), module.base_url)
    if definition.default_module is not None and definition.default_module not in definition.modules:
        yield Fault(("default_module",), f"there is no module '{definition.default_module}'")
    yield from check_template(("headers",), definition.headers, inputs)
    yield from check_inputs(definition)
    yield from check_auth(definition, inputs)
    yield from check_look_ups(definition, inputs)
    if definition.check is not None:
        yield from check_template(("check", "path"), definition.check.path, inputs)
    yield from _check_errors(definition.errors)
    yield from check_limits(definition)


def _check_errors(errors: ErrorRules) -> Iterator[Fault]:
    for key in ("code_at", "message_at", "fail_if", "fail_unless"):
        yield from check_path(("errors", key), getattr(errors, key))
    for index, rule in enumerate(errors.rules):
        if rule.status is None and rule.code is None and rule.match is None:
            yield Fault(("errors", "rules", index), "a rule needs a status, a code or a match")


def _check_object(path: Path, known: ObjectDefinition, inputs: frozenset[str]) -> Iterator[Fault]:
    for name, text in known.vars.items():
        yield from check_template((*path, "vars", name), text, inputs | {"object"})
    if known.write is not None:
        yield from check_write((*path, "write"), known.write, inputs | frozenset(known.vars))
    if known.read is None:
        if known.write is None:
            yield Fault(path, "the object can be neither read nor written: neither it nor the defaults say how")
        yield from _check_fields(path, known, inputs)
        return
    variables = inputs | QUERY_VARIABLES | frozenset(known.vars)
    if known.read.where is None:
        variables -= {"where"}
    yield from _check_read((*path, "read"), known.read, variables)
    if known.search is not None:
        searching = inputs | SEARCH_VARIABLES | frozenset(known.vars)
        if known.read.where is None:
            searching -= {"where"}
        yield from _check_search((*path, "search"), known.search, searching)
    if known.count is not None:
        yield from check_path((*path, "count", "at"), known.count.at)
        if known.count.request is not None:
            yield from check_request((*path, "count", "request"), known.count.request, variables)
        elif known.count.via is None:
            yield Fault((*path, "count"), "it needs 'via: read' or a request")
    yield from _check_fields(path, known, inputs)


def _check_fields(path: Path, known: ObjectDefinition, inputs: frozenset[str]) -> Iterator[Fault]:
    if known.schema_ is not None:
        yield from _check_schema((*path, "schema"), known.schema_, inputs | frozenset(known.vars) | {"object"})
    if known.upsert_fields is not None:
        yield from _check_upsert(
            (*path, "upsert_fields"), known.upsert_fields, inputs | frozenset(known.vars) | {"object"}
        )


def _check_search(path: Path, rule: SearchRule, variables: frozenset[str]) -> Iterator[Fault]:
    yield from check_request((*path, "request"), rule.request, variables)
    yield from check_path((*path, "records"), rule.records)
    if rule.filter_parameter is not None:
        yield from check_template((*path, "filter_parameter"), rule.filter_parameter, ITEM_VARIABLES)
    elif not any(_uses(rule.request, name) for name in ("filter", "where")):
        yield Fault(path, "nothing carries the filters: the request needs {filter} or {where}, or a filter_parameter")


def _check_read(path: Path, rule: ReadRule, variables: frozenset[str]) -> Iterator[Fault]:
    yield from _request_and_page(path, rule.request, rule.page, variables)
    for key in ("records", "item", "id"):
        yield from check_path((*path, key), getattr(rule, key))
    for index, place in enumerate(rule.fields_from):
        yield from check_path((*path, "fields_from", index), place)
    if rule.custom_fields is not None:
        for key in ("at", "name", "value"):
            yield from check_path((*path, "custom_fields", key), getattr(rule.custom_fields, key))
    if rule.client_filter is not None:
        yield from check_path((*path, "client_filter", "at"), rule.client_filter.at)
    for index, term in enumerate(rule.where.terms if rule.where is not None else ()):
        text, extra = (term.term, ITEM_VARIABLES) if isinstance(term, EachTerm) else (term, frozenset[str]())
        yield from check_template((*path, "where", "terms", index), text, (variables - {"where"}) | extra)
    if rule.max_url is not None and not any("long_url" in variant.when for variant in rule.variants):
        yield Fault((*path, "max_url"), "no variant takes over: one needs 'when: [long_url]'")
    yield from _check_variants(path, rule, variables)


def _check_variants(path: Path, rule: ReadRule, variables: frozenset[str]) -> Iterator[Fault]:
    for index, variant in enumerate(rule.variants):
        inner = (*path, "variants", index)
        yield from _request_and_page(inner, variant.request, variant.page or rule.page, variables)
        if variant.records is not None:
            yield from check_path((*inner, "records"), variant.records)
        for key in ("when", "unless"):
            for position, name in enumerate(getattr(variant, key)):
                if name not in variables:
                    yield Fault((*inner, key, position), f"there is no variable '{name}'")


def _request_and_page(path: Path, request: Request, page: PageRule, variables: frozenset[str]) -> Iterator[Fault]:
    style = page.style or "none"
    own = {_BY_STYLE[style]} if style in _BY_STYLE else set()
    if page.restart is not None:
        own.add(page.restart.var)
    yield from check_request((*path, "request"), request, variables | own)
    yield from _page((*path, "page"), page, style)
    if style in _BY_STYLE and not _uses(request, _BY_STYLE[style]):
        yield Fault((*path, "page", "style"), f"the style '{style}' needs {{{_BY_STYLE[style]}}} in the request")
    if page.restart is not None and not _uses(request, page.restart.var):
        yield Fault((*path, "page", "restart"), f"the request does not use {{{page.restart.var}}}")


def _page(path: Path, page: PageRule, style: str) -> Iterator[Fault]:
    needed = _NEEDS.get(style)
    if needed is not None and getattr(page, needed) is None:
        yield Fault(path, f"the style '{style}' needs '{needed}'")
    for key in ("at", "more_at", "last_at", "total_at", "stop_if", "from_last"):
        yield from check_path((*path, key), getattr(page, key))
    if page.restart is not None:
        yield from check_path((*path, "restart", "from"), page.restart.from_)
    if page.restart is not None and style != "cursor":
        yield Fault((*path, "restart"), "only the style 'cursor' can begin anew")
    if page.stop == "short_page" and page.size is None:
        yield Fault((*path, "stop"), "a short page can be told only with a size")
    if page.advance == "page_size" and page.size is None:
        yield Fault((*path, "advance"), "advancing by page_size needs a size")
    if page.size is not None and page.size.max is not None and page.size.max < page.size.default:
        yield Fault((*path, "size"), "the default is more than the maximum")


def _check_schema(path: Path, rule: SchemaRule, variables: frozenset[str]) -> Iterator[Fault]:
    if rule.source == "describe" and rule.request is None:
        yield Fault(path, "describing needs a request")
    if rule.source != "describe" and rule.request is not None:
        yield Fault((*path, "request"), f"the source '{rule.source}' makes no request of its own")
    if rule.request is not None:
        yield from check_request((*path, "request"), rule.request, variables)
    for key in _SCHEMA_PATHS:
        yield from check_path((*path, key), getattr(rule, key))


def _check_upsert(path: Path, rule: UpsertFields, variables: frozenset[str]) -> Iterator[Fault]:
    yield from check_template((*path, "name"), rule.name, frozenset({"field"}))
    if rule.name_pattern is not None:
        yield from check_pattern((*path, "name_pattern"), rule.name_pattern)
    groups = named_groups(rule.name_pattern)
    of_type = variables | FIELD_VARIABLES | frozenset[str]().union(*rule.types.values()) | groups
    requests: list[tuple[Path, Request, frozenset[str]]] = [
        (("find", "request"), rule.find.request, variables | {"field"} | groups),
        (("create",), rule.create, of_type),
        (("update",), rule.update, of_type | rule.find.take.keys()),
    ]
    if rule.before is not None:
        requests.append((("before", "find"), rule.before.find, variables))
        requests.append((("before", "create"), rule.before.create, variables))
    for place, request, known in requests:
        yield from check_request((*path, *place), request, known, OPTION_VARIABLES)
    for key in ("at", "fixed_at"):
        yield from check_path((*path, key), getattr(rule, key))
    for key in ("fields_at", "name"):
        yield from check_path((*path, "find", key), getattr(rule.find, key))
    for name, place in rule.find.take.items():
        yield from check_path((*path, "find", "take", name), place)


def _uses(request: Request, name: str) -> bool:
    """Whether the request mentions the variable; a template that cannot be read has its own fault and no second one."""
    for part in (request.path or "", request.query, request.headers, request.body):
        try:
            if name in compile_template(part).names:
                return True
        except TemplateSyntaxError:
            return True
    return False
