"""JWT keys on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StrictBool
from pydantic.alias_generators import to_camel

Label = Annotated[str, Field(min_length=1, max_length=255, description="A name for people.")]

# The specification's own examples call it `name`.
_LABEL = AliasChoices("label", "name")


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class JwtKey(_Shape):
    """A registered public key; its id is the `kid` of the tokens that it verifies."""

    id: str
    project_id: str
    label: str
    algorithm: Literal["RSA"]
    public_key_pem: str
    active: bool
    create_time: datetime
    update_time: datetime


class CreateJwtKey(_Shape):
    """A public key to register."""

    label: Label = Field(validation_alias=_LABEL)
    algorithm: Literal["RS256", "RSA"] = Field(description="Tokens are signed with RS256; `RSA` means the same.")
    public_key_pem: Annotated[str, Field(max_length=20_000, repr=False, description="An RSA public key in PEM format.")]


class NewJwtKey(_Shape):
    """What to name in the header of the tokens."""

    kid: str


class JwtKeyChanges(_Shape):
    """The values to take."""

    active: StrictBool | None = None
    label: Label | None = Field(None, validation_alias=_LABEL)


class UpdateJwtKey(_Shape):
    """A change: what `update_mask` names is taken from `jwt_key`, the rest of it is ignored."""

    update_mask: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=20)]
    jwt_key: JwtKeyChanges
