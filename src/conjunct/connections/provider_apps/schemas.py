"""Shapes of provider apps on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints
from pydantic.alias_generators import to_camel

from conjunct.connections.fields import Ref, ShortText

Scope = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Scopes = Annotated[list[Scope], Field(max_length=500)]
ClientSecret = Annotated[SecretStr, Field(max_length=2000)]
Parameter = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class ProviderAppMetadata(_Shape):
    """What the provider's flow needs besides client and scopes."""

    auth_query_params: Annotated[
        dict[Parameter, Annotated[list[ShortText], Field(max_length=100)]] | None, Field(max_length=50)
    ] = Field(None, description="Added to the URL where the customer agrees, such as `optional_scope` for HubSpot.")
    provider_params: Annotated[dict[Parameter, ShortText] | None, Field(max_length=50)] = Field(
        None, description="The provider's own values, by name."
    )


class ProviderAppChanges(_Shape):
    """The fields of a provider app that a builder sets."""

    external_ref: Ref | None = Field(None, description="The provider's own id of the app.")
    provider: Ref | None = None
    client_id: Ref | None = None
    client_secret: ClientSecret | None = Field(None, description="Kept encrypted and never shown again.")
    scopes: Scopes | None = Field(
        None, description="Asked of the customer; else those that the provider's definition names."
    )
    metadata: ProviderAppMetadata | None = None


class CreateProviderApp(ProviderAppChanges):
    """A new provider app."""

    provider: Ref
    client_id: Ref
    client_secret: ClientSecret


class UpdateProviderApp(_Shape):
    """A change: what `update_mask` names is taken from `provider_app`, the rest of it is ignored."""

    update_mask: Annotated[list[ShortText], Field(max_length=100)]
    provider_app: ProviderAppChanges


class ProviderApp(_Shape):
    """An OAuth client that the builder registered with a provider; its secret is never shown."""

    id: str
    project_id: str
    external_ref: str | None = None
    provider: str
    client_id: str
    scopes: list[str] | None = None
    metadata: ProviderAppMetadata | None = None
    create_time: datetime
    update_time: datetime | None = None
