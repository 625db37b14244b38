"""What the models cannot check of a definition: templates, variables and paths, section by section."""

from __future__ import annotations

from collections.abc import Iterator

from conjunct.connectors.auth_checks import check_auth, check_inputs, check_look_ups
from conjunct.connectors.check_parts import (
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
from conjunct.connectors.event_checks import check_events
from conjunct.connectors.field_definition import FIELD_VARIABLES, OPTION_VARIABLES, UpsertFields
from conjunct.connectors.host_checks import check_extra_host, check_host
from conjunct.connectors.limit_checks import check_limits
from conjunct.connectors.read_checks import check_reading
from conjunct.connectors.schema_checks import check_schema
from conjunct.connectors.write_checks import check_nests, check_write


def check_definition(definition: Definition) -> list[Fault]:
    """Every fault."""
    inputs = frozenset(each.name for each in definition.inputs)
    faults = [*_check_top(definition, inputs)]
    for name, known in definition.objects.items():
        faults += _check_object(definition, ("objects", name), known, inputs)
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
    if definition.events is not None:
        yield from check_events(definition.events, inputs, frozenset(definition.objects))


def _check_errors(errors: ErrorRules) -> Iterator[Fault]:
    for key in ("code_at", "message_at", "fail_if", "fail_unless"):
        yield from check_path(("errors", key), getattr(errors, key))
    for index, rule in enumerate(errors.rules):
        if rule.status is None and rule.code is None and rule.match is None:
            yield Fault(("errors", "rules", index), "a rule needs a status, a code or a match")


def _check_object(
    definition: Definition, path: Path, known: ObjectDefinition, inputs: frozenset[str]
) -> Iterator[Fault]:
    for name, text in known.vars.items():
        yield from check_template((*path, "vars", name), text, inputs | {"object"})
    if known.write is not None:
        yield from check_write((*path, "write"), known.write, inputs | frozenset(known.vars))
        yield from check_nests((*path, "write"), known, known.write)
    if known.read is None and known.write is None:
        yield Fault(path, "the object can be neither read nor written: neither it nor the defaults say how")
    yield from check_reading(definition, path, known, inputs | frozenset(known.vars))
    yield from _check_fields(path, known, inputs)


def _check_fields(path: Path, known: ObjectDefinition, inputs: frozenset[str]) -> Iterator[Fault]:
    if known.schema_ is not None:
        yield from check_schema((*path, "schema"), known.schema_, inputs | frozenset(known.vars) | {"object"})
    if known.upsert_fields is not None:
        yield from _check_upsert(
            (*path, "upsert_fields"), known.upsert_fields, inputs | frozenset(known.vars) | {"object"}
        )


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
    for name, at in rule.find.take.items():
        yield from check_path((*path, "find", "take", name), at)
