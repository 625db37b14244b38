"""Shapes of the OAuth flows on the wire."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from conjunct.connections.fields import Ref, ShortText
from conjunct.connections.schemas import ProviderMetadata


class ConnectRequest(BaseModel):
    """A customer to be sent to a provider. The project stands under either of two names."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    project_id_or_name: Ref | None = Field(None, description="Your project's id or name.")
    project_id: Ref | None = Field(None, description="The same, as some clients call it.")
    provider: Ref
    group_ref: Ref = Field(description="Your reference for the customer.")
    group_name: ShortText | None = None
    consumer_ref: Ref = Field(description="Your reference for the person.")
    consumer_name: ShortText | None = None
    provider_workspace_ref: ShortText | None = Field(
        None, description="The customer's account at the provider, such as a subdomain."
    )
    provider_metadata: ProviderMetadata | None = None
    provider_app_id: Ref | None = Field(None, description="Without it, your oldest provider app for the provider.")
    enable_csrf_protection: bool | None = Field(
        None, alias="enableCSRFProtection", description="Not needed: every flow is protected."
    )
