"""The `schema` section of a definition: how the fields of an object are known."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from conjunct.connectors.definition_base import Model, Request, ValueType
from conjunct.connectors.read_definition import PageRule


class Options(Model):
    """Where the allowed values of a field stand."""

    at: str
    value: str = "value"
    label: str = "label"
    active: str | None = Field(None, description="False there: nobody can choose it any more; it is left out.")


class StaticField(Model):
    """A field that the definition itself knows."""

    type: ValueType = "string"
    display: str | None = None
    provider_type: str | None = None
    read_only: bool | None = None
    required: bool | None = None
    references: list[str] = Field(default_factory=list)


class OptionsRequest(Options):
    """A field whose allowed values another request tells. `*` in `at` is every entry: `results.*.stages`."""

    request: Request


class RequiredFields(Model):
    """Another request tells the names of the required fields."""

    request: Request
    at: str = Field(description="Where the list of names stands.")


SchemaSource = Literal["describe", "introspection", "sample", "static"]


class SchemaRule(Model):
    """How the fields of an object are known."""

    source: SchemaSource | list[SchemaSource] = Field(
        "static",
        description="describe: the provider tells. introspection: its GraphQL schema tells. sample: from the first "
        "records. `fields` count always. Of several, all are asked, and the first that knows a field counts.",
    )
    request: Request | None = Field(None, description="describe: the request.")
    page: PageRule | None = Field(None, description="describe: its paging, if the list of fields has pages.")
    fields_at: str = ""
    name: str = "name"
    display: str = "label"
    type_at: str = "type"
    subtype_at: str | None = None
    types: dict[str, ValueType | dict[str, ValueType]] = Field(
        default_factory=dict, description="Value types by provider type, or by provider type and subtype."
    )
    options: Options | None = None
    options_of: dict[str, OptionsRequest] = Field(
        default_factory=dict, description="Allowed values that are asked for one by one, by field."
    )
    graphql_type: str | None = Field(
        None, description="introspection: the name of the type in the provider's schema; a template."
    )
    graphql_inputs: list[str] = Field(
        default_factory=list,
        description="introspection: types that writes take; a field in none of them is read-only. Templates.",
    )
    read_only_at: str | None = None
    writable_at: list[str] = Field(
        default_factory=list, description="None of them true: the field is read-only (`createable`, `updateable`)."
    )
    required_if: dict[str, bool] = Field(
        default_factory=dict, description="Required where all of these places hold these values."
    )
    custom_at: str | None = Field(None, description="True there: a custom field.")
    standard_at: str | None = Field(None, description="Not true there: a custom field.")
    required_at: str | None = None
    required_from: RequiredFields | None = None
    refs_at: str | None = None
    refs: dict[str, str] = Field(
        default_factory=dict, description="Object names by the provider's names for references."
    )
    sample_size: Annotated[int, Field(gt=0, le=500)] = 25
    fields: dict[str, StaticField] = Field(default_factory=dict)

    @property
    def sources(self) -> tuple[SchemaSource, ...]:
        """The sources as a list."""
        return tuple(self.source) if isinstance(self.source, list) else (self.source,)
