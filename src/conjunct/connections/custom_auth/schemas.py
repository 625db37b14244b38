"""Shapes of custom authentication on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from conjunct.connections.fields import Ref, ShortText
from conjunct.connections.schemas import Connection, ProviderMetadata

MAX_PARAMETERS = 50
LONGEST_PARAMETER = 8_192
"""Characters; some providers send a signed document."""

ParameterName = Annotated[str, Field(min_length=1, max_length=200)]
ParameterValue = Annotated[str, Field(max_length=LONGEST_PARAMETER)]


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class CustomAuthConnectRequest(_Shape):
    """The beginning of a flow, with its inputs; or its next step, with the session and what the provider sent back."""

    project_id_or_name: Ref = Field(description="Your project's id or name.")
    provider: Ref | None = None
    group_ref: Ref | None = Field(None, description="Your reference for the customer.")
    group_name: ShortText | None = None
    consumer_ref: Ref | None = Field(None, description="Your reference for the person.")
    consumer_name: ShortText | None = None
    provider_metadata: ProviderMetadata | None = None
    provider_app_id: Ref | None = Field(None, description="Without it, your oldest provider app for the provider.")
    custom_auth: Annotated[dict[str, Any], Field(max_length=100)] | None = Field(
        None, repr=False, description="The provider's inputs by name."
    )
    session_id: Annotated[str, Field(min_length=1, max_length=512)] | None = Field(
        None, repr=False, description="Of the redirect that the customer has come back from."
    )
    callback_params: Annotated[dict[ParameterName, ParameterValue], Field(max_length=MAX_PARAMETERS)] | None = Field(
        None, repr=False, description="What the provider sent back, as the callback page tells it."
    )


class RedirectResponse(_Shape):
    """Where to send the customer, and the session to come back with."""

    url: str
    session_id: str


class CustomAuthConnectResponse(_Shape):
    """Either the next step or the connection."""

    redirect: RedirectResponse | None = None
    connection: Connection | None = None
