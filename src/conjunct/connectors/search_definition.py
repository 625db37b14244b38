"""The `search` section of a definition: how the records that meet conditions are found."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from conjunct.connectors.definition_base import Model, Request
from conjunct.connectors.read_definition import PageRule

SEARCH_VARIABLES = frozenset({"object", "fields", "all_fields", "filter", "conditions", "where", "limit"})
"""Variables that a search gives to its templates, besides inputs, vars and those of paging.

`filter` are the equal values; `conditions` are those by other operators, each a mapping with `condition`.
"""

Operator = Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "contains"]
Other = Literal["ne", "gt", "gte", "lt", "lte", "in", "contains"]


class SearchRule(Model):
    """How an object's records are searched; what a record is stands in `read`.

    The request is given `filter`, `{where}` (the `where` of `read`, with the filters alone) and `limit`.
    """

    request: Request = Field(default_factory=Request)
    filter_parameter: str | None = Field(
        None, description="For providers with a query parameter for each field: how `{value}` reads in it."
    )
    fields: dict[str, str] = Field(
        default_factory=dict,
        description="The fields that can be searched, each with its name in the request; without it, all by their own.",
    )
    operators: dict[Other, str | dict[str, Any]] = Field(
        default_factory=dict,
        description="What the provider can besides equal values: how a condition reads, with {field} and {value} (of "
        "`in`, a list). With filter_parameter, a text in the parameter; else a text is a term of {where}, and a "
        "mapping is one of {conditions}.",
    )
    ignores_unknown: bool = Field(
        False,
        description="The provider passes over a field that it does not know, and gives any records. Answers tell all "
        "fields: a search by one that no record has is refused.",
    )
    limit: Annotated[int, Field(gt=0, le=1000)] = Field(100, description="How many records are asked for.")
    page: PageRule | None = Field(
        None, description="How one page leads to the next; without it, a search gives one page. `limit` is its size."
    )
    records: str | None = Field(None, description="Where the list of records stands; else as in read.")
