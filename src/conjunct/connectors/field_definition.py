"""How the fields of an object are created and changed: the `upsert_fields` section of a definition."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from conjunct.connectors.definition_base import Identifier, Model, Request, ValueType

FIELD_VARIABLES = frozenset(
    {
        "field",
        "display",
        "description",
        "required",
        "unique",
        "indexed",
        "length",
        "pattern",
        "options",
        "extensible",
        "default",
        "precision",
        "scale",
        "min",
        "max",
        "association",
        "association_required",
        "target_object",
        "target_field",
        "cardinality",
        "on_delete",
        "reverse_name",
        "singular_label",
        "plural_label",
    }
)
"""What may be said of a field: variables of the templates, besides inputs, vars, `object` and those of its type.

`extensible`: other values than the options are good, too.
"""

OPTION_VARIABLES = frozenset({"value", "label", "order", "chosen"})
"""What an entry of `options` holds, within `$each`; `order` counts from 1, `chosen`: it is the field's default."""


class Prerequisite(Model):
    """Something that must be there before a field is created, such as a group; made where it is not."""

    find: Request = Field(description="An answer of 404 means that it is not there.")
    create: Request


class FindFields(Model):
    """How a field that is there is found: one request for each when it mentions {field}, else one for all."""

    request: Request
    fields_at: str = Field("", description="Where the list of fields, or the field, stands.")
    name: str = Field(
        "name", description="Where a field's name stands in it; empty, with a request for each: the one asked for."
    )
    take: dict[Identifier, str] = Field(
        default_factory=dict, description="Variables of `update`, by where they stand in the field (its id)."
    )


class UpsertFields(Model):
    """How fields are created and changed.

    What a request asks for and no template mentions is left out, with a warning.
    """

    name: str = Field("{field}", description="A field's name as the provider spells it.")
    name_pattern: str | None = Field(
        None,
        description="A regular expression that the whole name must match. Groups of its that have names are variables.",
    )
    types: dict[ValueType, dict[str, Any]] = Field(
        min_length=1,
        description="The types that fields can have, each with variables for the templates; it may give `options`.",
    )
    find: FindFields
    before: Prerequisite | None = None
    create: Request
    update: Request
    at: str = Field("", description="Where the field stands in the answer to create and update.")
    find_again: bool = Field(False, description="It does not stand there: it is looked for again.")
    fixed_at: str | None = Field(None, description="True there: the provider's own field, which nobody can change.")
