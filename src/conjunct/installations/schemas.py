"""Installations on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from conjunct.connections import Connection
from conjunct.installations.content import ConfigContent
from conjunct.tenants import Group

CREATED_BY = "api:create-installation"
Ref = Annotated[str, Field(min_length=1, max_length=500)]
Author = Annotated[str, Field(min_length=1, max_length=500)]


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Config(_Wire):
    """What a group chose, on the revision that was the latest at that time."""

    id: str
    revision_id: str
    create_time: datetime
    created_by: str
    content: ConfigContent


class Installation(_Wire):
    """An integration bound to a group."""

    id: str
    project_id: str
    integration_id: str
    group: Group
    health_status: Literal["healthy", "unhealthy"]
    last_operation_status: str | None = None
    connection: Connection
    create_time: datetime
    created_by: str
    update_time: datetime | None = None
    config: Config


class NewConfig(_Wire):
    """What the group chooses; content that is left out or empty stands for all that the manifest requires."""

    created_by: Author = CREATED_BY
    content: dict[str, Any] = Field(default_factory=dict)


class CreateInstallation(_Wire):
    """An installation to make."""

    group_ref: Ref
    connection_id: str | None = None
    config: NewConfig = Field(default_factory=NewConfig)


class UpdateInstallation(_Wire):
    """A change: the values at the masks replace what is there, and the others are ignored."""

    update_mask: Annotated[list[Annotated[str, Field(max_length=2000)]], Field(max_length=1000)]
    installation: dict[str, Any]


Action = Literal["read", "subscribe", "write"]
MAX_OPERATIONS = 200
MAX_STEPS = 32
"""Steps that a path into a config may have. With the limit of a body's depth it keeps what is stored flat enough."""


class JsonPatchOperation(_Wire):
    """One step of a JSON Patch (RFC 6902). `value` is needed but by `remove`; null counts as a value."""

    op: Literal["add", "remove", "replace"]
    path: Annotated[
        str,
        Field(
            max_length=2000,
            pattern=rf"^(/[^/]*){{1,{MAX_STEPS}}}$",
            description="A JSON Pointer, such as /selectedFields/phone.",
        ),
    ]
    value: Any = None

    @model_validator(mode="after")
    def _has_a_value(self) -> Self:
        if self.op != "remove" and "value" not in self.model_fields_set:
            raise PydanticCustomError("value_missing", "value is needed to {op}", {"op": self.op})
        return self

    def to_wire(self) -> dict[str, Any]:
        """The operation as the RFC has it."""
        without_value = {"op": self.op, "path": self.path}
        return without_value if self.op == "remove" else {**without_value, "value": self.value}


class PatchObjectConfig(_Wire):
    """A change of one object's config, in the installation that either `groupRef` or `installationId` names."""

    group_ref: Ref | None = None
    installation_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    action: Action
    changes: Annotated[list[JsonPatchOperation], Field(min_length=1, max_length=MAX_OPERATIONS)]


class FieldValue(_Wire):
    """A value that a field may have."""

    value: str
    display_value: str


class FieldMetadata(_Wire):
    """What is known of a field of the provider's."""

    field_name: str
    display_name: str
    value_type: str | None = None
    provider_type: str | None = None
    read_only: bool | None = None
    is_custom: bool | None = None
    is_required: bool | None = None
    reference_to: list[str] | None = None
    values: list[FieldValue] | None = None


class ObjectMetadata(_Wire):
    """An object of the provider's and its fields, by their names."""

    name: str
    display_name: str | None = None
    mapped_object_name: str | None = None
    fields: dict[str, FieldMetadata]
