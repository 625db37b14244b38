"""API keys on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool
from pydantic.alias_generators import to_camel

from conjunct.tenants.caller import Scope

Label = Annotated[str, Field(min_length=1, max_length=255, description="A short name for the key.")]
Scopes = Annotated[
    list[Scope],
    Field(min_length=1, max_length=2, description="`full` may do everything; `frontend` what an embedded UI needs."),
]


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class ApiKey(_Shape):
    """A key that opens a project."""

    id: str = Field(description="By which the key can be named without telling it, as in a path.")
    key: str = Field(repr=False)
    label: str
    scopes: list[str]
    project_id: str
    active: bool


class CreateApiKey(_Shape):
    """A key to make. Without scopes it has the scope `full`."""

    label: Label
    scopes: Scopes = ["full"]


class ApiKeyChanges(_Shape):
    """The values to take."""

    label: Label | None = None
    active: StrictBool | None = None
    scopes: Scopes | None = None


class UpdateApiKey(_Shape):
    """A change: what `update_mask` names is taken from `api_key`, the rest of it is ignored."""

    update_mask: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=20)]
    api_key: ApiKeyChanges
