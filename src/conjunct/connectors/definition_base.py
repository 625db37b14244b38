"""What every section of a definition is made of."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ValueType = Literal[
    "string",
    "boolean",
    "singleSelect",
    "multiSelect",
    "date",
    "datetime",
    "int",
    "float",
    "reference",
    "other",
]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_\-]*$")]


class Model(BaseModel):
    """Frozen, and strict about keys: an unknown one is a misspelling."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Request(Model):
    """A request as a template. An unset variable removes its key."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None = Field(
        None, description="GET when nothing is said."
    )
    path: str | None = Field(None, description="Relative to base_url, or an https URL on one of extra_hosts.")
    query: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None
    encode: Literal["json", "form", "brackets"] | None = Field(
        None,
        description="How the body is written: json when nothing is said. form: a list of plain values repeats its "
        "name; brackets: it counts, `a[0]=…`.",
    )
    bucket: str | None = Field(
        None, description="The limit of `rate_limit.buckets` that it counts against, besides 'default'."
    )
