"""The search action's request and answer on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

LONGEST_VALUE = 10_000
MOST_FILTERS = 100


def _scalar(value: Any) -> Any:
    if not isinstance(value, str | bool | int | float):
        raise ValueError("must be a string, a boolean or a number")  # noqa: TRY004 - becomes an issue
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        raise ValueError(f"must have at most {LONGEST_VALUE} characters")
    return value


Scalar = Annotated[
    Any,
    BeforeValidator(_scalar),
    WithJsonSchema({"oneOf": [{"type": "string"}, {"type": "boolean"}, {"type": "number"}]}),
]
Name = Annotated[str, Field(min_length=1, max_length=255)]


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class FieldFilter(_Wire):
    """A value that records must have; the field's name is the provider's or the mapped one."""

    field_name: Name
    operator: Literal["eq"]
    value: Scalar


class SearchRequest(_Wire):
    """Asks for the records of an object that meet every filter."""

    object_name: Name
    field_filters: list[FieldFilter] = Field(max_length=MOST_FILTERS)


class SearchResultEntry(_Wire):
    """A record that was found."""

    id: str | None = None
    fields: dict[str, Any]
    mapped_fields: dict[str, Any]
    raw: dict[str, Any]


class SearchResponse(_Wire):
    """What was found, one page of it. Both keys hold the same: one is of the specification, the other of its guide."""

    result: list[SearchResultEntry]
    results: list[SearchResultEntry]
