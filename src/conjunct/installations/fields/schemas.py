"""Fields to create or change, on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from conjunct.installations.schemas import Ref

MAX_FIELDS = 100

Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=5000)]
Value = Annotated[str, Field(min_length=1, max_length=1000)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class StringOptions(_Wire):
    """What else there is to say of a text or a select."""

    length: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    pattern: Text | None = None
    values: Annotated[list[Value], Field(max_length=5000)] | None = None
    values_restricted: bool | None = None
    default_value: Text | None = None

    @model_validator(mode="after")
    def _check_values(self) -> StringOptions:
        if self.values is not None and len(set(self.values)) < len(self.values):
            raise ValueError("every value may be there once")
        return self


class NumericOptions(_Wire):
    """What else there is to say of a number."""

    precision: Annotated[int, Field(ge=1, le=100)] | None = None
    scale: Annotated[int, Field(ge=0, le=100)] | None = None
    min: Number | None = None
    max: Number | None = None
    default_value: Number | None = None

    @model_validator(mode="after")
    def _check_bounds(self) -> NumericOptions:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is more than max")
        if self.precision is not None and self.scale is not None and self.scale > self.precision:
            raise ValueError("scale is more than precision")
        return self


class AssociationLabels(_Wire):
    """What people call the associated records."""

    singular: Name | None = None
    plural: Name | None = None


class Association(_Wire):
    """Another object that the field leads to."""

    association_type: Name
    target_object: Name
    target_field: Name | None = None
    cardinality: Name | None = None
    on_delete: Name | None = None
    required: bool | None = None
    reverse_lookup_field_name: Name | None = None
    labels: AssociationLabels | None = None


class FieldDefinition(_Wire):
    """A field as it should be."""

    field_name: Name
    display_name: Name
    description: Text | None = None
    value_type: Name
    required: bool | None = None
    unique: bool | None = None
    indexed: bool | None = None
    string_options: StringOptions | None = None
    numeric_options: NumericOptions | None = None
    association: Association | None = None


class UpsertMetadata(_Wire):
    """The fields to create or change, by object; at most 100."""

    group_ref: Ref
    fields: dict[Name, list[FieldDefinition]]

    @model_validator(mode="after")
    def _check_number(self) -> UpsertMetadata:
        if sum(map(len, self.fields.values())) > MAX_FIELDS:
            raise ValueError(f"there may be {MAX_FIELDS} fields in one request, not more")
        return self


class FieldUpsertResult(_Wire):
    """What became of a field, with what the provider tells of it."""

    field_name: str
    action: Literal["create", "update", "none"]
    metadata: dict[str, Any] | None = None
    warnings: list[str] | None = None


class UpsertMetadataResult(_Wire):
    """What became of each field, by object and field; `success` when none of them failed."""

    success: bool
    fields: dict[str, dict[str, FieldUpsertResult]]
