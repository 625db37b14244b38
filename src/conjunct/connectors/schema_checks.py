"""What the models cannot check of `schema`: what each source needs, variables and paths."""

from __future__ import annotations

from collections.abc import Iterator

from conjunct.connectors.check_parts import Fault, Path, check_path, check_request, check_template
from conjunct.connectors.introspection import INPUT, TYPE
from conjunct.connectors.page_checks import check_paged_request
from conjunct.connectors.read_definition import PageRule
from conjunct.connectors.schema_definition import SchemaRule

_PATHS = (
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


def check_schema(path: Path, rule: SchemaRule, variables: frozenset[str]) -> Iterator[Fault]:
    """Every fault. `variables` are those that any request of the object knows."""
    told = {"describe", "introspection"} & set(rule.sources)
    if len(set(rule.sources)) != len(rule.sources) or not rule.sources or len(told) > 1:
        yield Fault((*path, "source"), "each source once, and only one of describe and introspection")
    if told and rule.request is None:
        yield Fault(path, f"{'describing' if 'describe' in told else 'introspection'} needs a request")
    if not told and rule.request is not None:
        yield Fault((*path, "request"), f"the source '{', '.join(rule.sources)}' makes no request of its own")
    if "introspection" in told:
        yield from _check_introspection(path, rule, variables)
    elif rule.request is not None:
        yield from check_paged_request(path, rule.request, rule.page or PageRule(), variables | {"page_size"})
    for key in _PATHS:
        yield from check_path((*path, key), getattr(rule, key))
    for index, place in enumerate(rule.writable_at):
        yield from check_path((*path, "writable_at", index), place)
    for place in rule.required_if:
        yield from check_path((*path, "required_if", place), place)
    if rule.required_from is not None:
        yield from check_request((*path, "required_from", "request"), rule.required_from.request, variables)
        yield from check_path((*path, "required_from", "at"), rule.required_from.at)
    for name, options in rule.options_of.items():
        yield from check_request((*path, "options_of", name, "request"), options.request, variables)
        for key in ("at", "value", "label"):
            yield from check_path((*path, "options_of", name, key), getattr(options, key))


def _check_introspection(path: Path, rule: SchemaRule, variables: frozenset[str]) -> Iterator[Fault]:
    names = {TYPE, *(f"{INPUT}{index}" for index in range(len(rule.graphql_inputs)))}
    if rule.request is not None:
        yield from check_request((*path, "request"), rule.request, variables | names)
    if rule.graphql_type is None:
        yield Fault(path, "introspection needs 'graphql_type', the name of the type in the provider's schema")
    yield from check_template((*path, "graphql_type"), rule.graphql_type or "", variables)
    for index, text in enumerate(rule.graphql_inputs):
        yield from check_template((*path, "graphql_inputs", index), text, variables)
