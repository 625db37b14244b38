"""The search action's request and answer on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema
from pydantic.alias_generators import to_camel

from conjunct.connectors import Operator

LONGEST_VALUE = 10_000
MOST_FILTERS = 100
MOST_VALUES = 100

_SCALARS = [{"type": "string"}, {"type": "boolean"}, {"type": "number"}]


def _scalar(value: Any) -> Any:
    if not isinstance(value, str | bool | int | float):
        raise ValueError("must be a string, a boolean or a number")  # noqa: TRY004 - becomes an issue
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        raise ValueError(f"must have at most {LONGEST_VALUE} characters")
    return value


Name = Annotated[str, Field(min_length=1, max_length=255)]


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


def _list_of_in(value: Any, info: ValidationInfo) -> Any:
    """A list for `in`; what it is for every other operator."""
    if info.data.get("operator") != "in":
        return _scalar(value)
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_VALUES:
        raise ValueError(f"must be a list of 1 to {MOST_VALUES} values, for the operator in")
    return [_scalar(each) for each in value]


Value = Annotated[
    Any,
    BeforeValidator(_list_of_in),
    WithJsonSchema({"oneOf": [*_SCALARS, {"type": "array", "items": {"oneOf": _SCALARS}}]}),
]


class FieldFilter(_Wire):
    """What a record's value must be; the field's name is the provider's or the mapped one.

    What there is besides `eq` depends on the provider. The value of `in` is a list.
    """

    field_name: Name
    operator: Operator
    value: Value


class SearchRequest(_Wire):
    """Asks for the records of an object that meet every filter; with `pageToken`, for the page after that one."""

    object_name: Name
    field_filters: list[FieldFilter] = Field(max_length=MOST_FILTERS)
    page_token: Annotated[str, Field(min_length=1, max_length=LONGEST_VALUE)] | None = None


class SearchResultEntry(_Wire):
    """A record that was found."""

    id: str | None = None
    fields: dict[str, Any]
    mapped_fields: dict[str, Any]
    raw: dict[str, Any]


class SearchResponse(_Wire):
    """What was found, one page of it. Both keys hold the same: one is of the specification, the other of its guide.

    `nextPageToken` is there when there is more.
    """

    result: list[SearchResultEntry]
    results: list[SearchResultEntry]
    next_page_token: str | None = None
