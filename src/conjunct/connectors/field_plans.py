"""Fields as they should be, and an object's way to create and change fields, compiled. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from conjunct.connectors.check_parts import named_groups
from conjunct.connectors.definition import ANY_OBJECT, Definition
from conjunct.connectors.definition_base import Request
from conjunct.connectors.field_definition import UpsertFields
from conjunct.connectors.plans import RequestPlan, UnknownObject, compile_request
from conjunct.connectors.templates import UNSET, Template, compile_text
from conjunct.core.problems import InvalidRequest

SELECTS = ("singleSelect", "multiSelect")


class FieldsNotSupported(InvalidRequest):
    """The provider's definition says nothing of creating or changing the fields of the object."""

    slug = "fields-not-supported"
    title = "The fields of this object cannot be created or changed"


@dataclass(frozen=True, slots=True)
class FieldDraft:
    """A field as it should be. `facts` are what else is said of it, by the names in `FIELD_VARIABLES`.

    Its `options` are mappings of `value`, `label` and `order`.
    """

    name: str
    display: str
    value_type: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DraftFault:
    """What stands against the draft at `index`: the part of it (`name`, `value_type` or `options`) and why."""

    index: int
    part: Literal["name", "value_type", "options"]
    detail: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """An object's `upsert_fields`, compiled. `changes_type_at` is where a field's type stands, if that is known."""

    rule: UpsertFields
    vars: Mapping[str, Template]
    name: Template
    find: RequestPlan
    group: tuple[RequestPlan, RequestPlan] | None
    create: RequestPlan
    update: RequestPlan
    changes_type_at: str | None

    @property
    def finds_each(self) -> bool:
        """Whether every field is asked for by itself."""
        return bool(self.find.names & {"field", *named_groups(self.rule.name_pattern)})

    def spelled(self, name: str) -> str:
        """The name as the provider has it."""
        return str(self.name.render({"field": name}))

    def faults(self, drafts: Sequence[FieldDraft]) -> Iterator[DraftFault]:
        """Everything that can be told without asking the provider."""
        seen: dict[str, int] = {}
        for index, draft in enumerate(drafts):
            first = seen.setdefault(self.spelled(draft.name).casefold(), index)
            if first != index:
                yield DraftFault(index, "name", f"this is the same field as the one at position {first}")
            pattern = self.rule.name_pattern
            if pattern is not None and re.fullmatch(pattern, draft.name) is None:
                yield DraftFault(index, "name", "the provider has no fields of such names", f"It must match {pattern}.")
            if draft.value_type not in self.rule.types:
                known = f"There are: {', '.join(self.rule.types)}."
                yield DraftFault(index, "value_type", "the provider cannot make fields of this type", known)
            if draft.value_type in SELECTS and not draft.facts.get("options"):
                yield DraftFault(index, "options", "a field of this type needs the values that can be chosen")

    def variables(self, draft: FieldDraft, inputs: Mapping[str, str], object_name: str) -> dict[str, Any]:
        """The template variables of a draft."""
        base: dict[str, Any] = {**inputs, "object": object_name}
        rendered = {name: template.render(base) for name, template in self.vars.items()}
        base |= {name: value for name, value in rendered.items() if value is not UNSET}
        facts = dict(draft.facts)
        if draft.value_type not in SELECTS:
            facts.pop("options", None)
        elif isinstance(options := facts.get("options"), list):
            facts["options"] = [{"chosen": each["value"] == facts.get("default"), **each} for each in options]
        of_type = next((own for name, own in self.rule.types.items() if name == draft.value_type), {})
        named = re.fullmatch(self.rule.name_pattern or "", draft.name)
        base |= {name: part for name, part in (named.groupdict() if named else {}).items() if part is not None}
        return {**base, **of_type, **facts, "field": self.spelled(draft.name), "display": draft.display}


def field_plan(definition: Definition, object_name: str) -> FieldPlan:
    """The plan of an object's fields. Raises `UnknownObject`, `FieldsNotSupported`."""
    known = definition.object(object_name)
    if known is None:
        names = ", ".join(definition.object_names)
        raise UnknownObject(f"{definition.display} has no object '{object_name}'.", remedy=f"There are: {names}.")
    rule = known.upsert_fields
    if rule is None:
        raise FieldsNotSupported(
            f"The fields of '{object_name}' cannot be created or changed: "
            f"the definition of {definition.display} does not say how.",
            remedy="Create them in the provider's own settings.",
        )
    return definition.once(("fields", object_name), lambda: _compiled(definition, object_name, rule))


def _compiled(definition: Definition, object_name: str, rule: UpsertFields) -> FieldPlan:
    known = definition.object(object_name) or definition.objects[ANY_OBJECT]
    slashed = frozenset({"object"}) if object_name in definition.objects else frozenset[str]()

    def compiled(request: Request) -> RequestPlan:
        raw = frozenset(known.vars)
        return compile_request(request, known.time, raw=raw, slashed=slashed, headers=definition.headers)

    schema = known.schema_
    return FieldPlan(
        rule=rule,
        vars={key: compile_text(text, known.time) for key, text in known.vars.items()},
        name=compile_text(rule.name),
        find=compiled(rule.find.request),
        group=(compiled(rule.before.find), compiled(rule.before.create)) if rule.before is not None else None,
        create=compiled(rule.create),
        update=compiled(rule.update),
        changes_type_at=schema.type_at if schema is not None and "describe" in schema.sources else None,
    )
