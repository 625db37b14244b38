"""The `search` section of a definition: how the records with given values are found."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from conjunct.connectors.definition_base import Model, Request

SEARCH_VARIABLES = frozenset({"object", "fields", "all_fields", "filter", "where", "limit"})
"""Variables that a search gives to its templates, besides inputs and vars."""


class SearchRule(Model):
    """How an object's records are searched by equal values; what a record is stands in `read`.

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
    ignores_unknown: bool = Field(
        False,
        description="The provider passes over a field that it does not know, and gives any records. Answers tell all "
        "fields: a search by one that no record has is refused.",
    )
    limit: Annotated[int, Field(gt=0, le=1000)] = Field(100, description="How many records are asked for.")
    records: str | None = Field(None, description="Where the list of records stands; else as in read.")
