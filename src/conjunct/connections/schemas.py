"""Shapes of the connections slice on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from conjunct.connections.fields import Moment, Ref, Secret, ShortText
from conjunct.connections.provider_apps.schemas import ProviderApp
from conjunct.tenants import Consumer, Group

AuthScheme = Literal[
    "none",
    "apiKey",
    "basic",
    "oauth2/authorizationCode",
    "oauth2/authorizationCodePKCE",
    "oauth2/clientCredentials",
    "oauth2/password",
]
Status = Literal["created", "working", "bad_credentials"]


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class MetadataEntry(_Shape):
    """A fact about the customer's account at the provider, and where it comes from."""

    value: ShortText
    source: Literal["input", "token", "provider"]
    display_name: ShortText | None = None


Scopes = Annotated[list[ShortText], Field(max_length=1000)]
ProviderMetadata = Annotated[dict[Ref, MetadataEntry], Field(max_length=100)]


class BasicAuthInput(_Shape):
    """A user name and a password."""

    username: Secret
    password: Secret


class ClientCredentialsInput(_Shape):
    """A client of OAuth's client credentials grant."""

    client_id: Secret
    client_secret: Secret
    scopes: Scopes | None = None


class PasswordCredentialsInput(_Shape):
    """A client and a user of OAuth's password grant."""

    username: Secret
    password: Secret
    client_id: Secret
    client_secret: Secret
    scopes: Scopes | None = None


class TokenInput(_Shape):
    """A token that was obtained elsewhere."""

    token: Secret
    issued_at: Moment | None = None
    expires_at: Moment | None = Field(None, description="Without it, the token is taken to last.")


class TokensInput(_Shape):
    """Tokens of OAuth's authorization code grant that were obtained elsewhere."""

    access_token: TokenInput | None = None
    refresh_token: TokenInput | None = None
    scopes: Scopes | None = None


class ConnectionRequest(_Shape):
    """What a connection is made of. Of the credentials, the provider takes one kind."""

    provider_workspace_ref: ShortText | None = Field(
        None, description="The customer's account at the provider, such as a subdomain."
    )
    provider_metadata: ProviderMetadata | None = None
    group_name: ShortText | None = None
    group_ref: Ref | None = Field(None, description="Your reference for the customer.")
    consumer_name: ShortText | None = None
    consumer_ref: Ref | None = Field(None, description="Your reference for the person.")
    provider: Ref | None = None
    api_key: Secret | None = None
    basic_auth: BasicAuthInput | None = None
    oauth2_authorization_code: TokensInput | None = None
    oauth2_client_credentials: ClientCredentialsInput | None = None
    oauth2_password_credentials: PasswordCredentialsInput | None = None
    custom_auth: dict[str, Any] | None = Field(None, repr=False)


class GenerateConnectionRequest(ConnectionRequest):
    """A new connection."""

    group_ref: Ref = Field(description="Your reference for the customer.")
    consumer_ref: Ref = Field(description="Your reference for the person.")
    provider: Ref


class UpdateConnectionRequest(_Shape):
    """A change: what `update_mask` names is taken from `connection`, the rest of it is ignored."""

    update_mask: Annotated[list[ShortText], Field(max_length=100)]
    connection: ConnectionRequest


class Token(_Shape):
    """A token with its times, as far as they are known."""

    token: str
    issued_at: datetime | None = None
    expires_at: datetime | None = None


class Oauth2AuthorizationCodeTokensOnly(_Shape):
    """Tokens, shown when they are asked for."""

    access_token: Token | None = None
    refresh_token: Token | None = None
    scopes: list[str] | None = None


class Connection(_Shape):
    """One group's credentials for one provider."""

    id: str
    project_id: str
    provider: str
    provider_app: ProviderApp | None = Field(None, description="The OAuth client that its tokens were made with.")
    group: Group
    consumer: Consumer
    provider_workspace_ref: str | None = None
    provider_consumer_ref: str | None = None
    create_time: datetime
    update_time: datetime | None = None
    auth_scheme: AuthScheme
    status: Status
    oauth2_authorization_code: Oauth2AuthorizationCodeTokensOnly | None = Field(
        None, description="With `includeCreds` or `includeRefreshToken` only."
    )
    api_key: str | None = Field(None, description="With `includeCreds` or `includeRefreshToken` only.")
    provider_metadata: dict[str, MetadataEntry] | None = None
