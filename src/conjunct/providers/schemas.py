"""Providers on the wire, as the specification's `ProviderInfo` has them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


def _alias(name: str) -> str:
    return to_camel(name).replace("Url", "URL")


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=_alias, populate_by_name=True)


class OtherField(_Wire):
    """Where a fact stands in the token endpoint's answer, and what of it counts."""

    name: str
    display_name: str
    path: str
    capture: str | None = None


class TokenMetadataFields(_Wire):
    """Where facts stand in the token endpoint's answer."""

    workspace_ref_field: str | None = None
    consumer_ref_field: str | None = None
    scopes_field: str | None = None
    other_fields: list[OtherField] | None = None


class HeaderOpts(_Wire):
    """The header that carries a token or a key."""

    name: str
    value_prefix: str | None = None


class AccessTokenOpts(_Wire):
    """How an access token is sent, where it is not sent as a bearer."""

    attachment_type: Literal["accessTokenHeaderAttachment"] = "accessTokenHeaderAttachment"
    header: HeaderOpts


class Oauth2Opts(_Wire):
    """OAuth 2."""

    grant_type: Literal["authorizationCode", "authorizationCodePKCE", "clientCredentials", "password"]
    auth_url: str | None = None
    token_url: str
    auth_url_params: dict[str, str] | None = None
    explicit_scopes_required: bool
    explicit_workspace_required: bool
    audience: list[str] | None = None
    scope_mappings: dict[str, str] | None = None
    token_metadata_fields: TokenMetadataFields
    access_token_opts: AccessTokenOpts | None = None
    docs_url: str | None = None


class QueryOpts(_Wire):
    """The query parameter that carries a key."""

    name: str


class ApiKeyOpts(_Wire):
    """A key in a header or in the query."""

    attachment_type: Literal["query", "header"]
    query: QueryOpts | None = None
    header: HeaderOpts | None = None
    docs_url: str | None = None


class ApiKeyAsBasicOpts(_Wire):
    """Which part of HTTP Basic the key is."""

    field_used: Literal["username", "password"]
    key_format: str | None = None


class BasicAuthOpts(_Wire):
    """HTTP Basic."""

    api_key_as_basic: bool | None = None
    api_key_as_basic_opts: ApiKeyAsBasicOpts | None = None
    docs_url: str | None = None


class ValueTemplate(_Wire):
    """A header or query parameter made of what the customer gives."""

    name: str
    value_template: str


class CustomAuthInputOption(_Wire):
    """One of the values that may be chosen."""

    value: str
    label: str


class CustomAuthInput(_Wire):
    """Something that the customer, or the builder, gives."""

    name: str
    display_name: str
    prompt: str | None = None
    docs_url: str | None = None
    field_type: Literal["fieldTypeText", "fieldTypePassword", "fieldTypeSelect"]
    options: list[CustomAuthInputOption] | None = None


class CustomAuthOpts(_Wire):
    """A scheme of the provider's own."""

    headers: list[ValueTemplate] | None = None
    query_params: list[ValueTemplate] | None = None
    inputs: list[CustomAuthInput] | None = None
    provider_inputs: list[CustomAuthInput] | None = None
    multi_step: bool | None = None


class BulkWriteSupport(_Wire):
    """Whether records are written by the thousand."""

    insert: bool = False
    update: bool = False
    upsert: bool = False
    delete: bool = False


class SearchOperators(_Wire):
    """How records may be searched."""

    equals: bool


class SearchSupport(_Wire):
    """Whether records may be searched."""

    operators: SearchOperators


class BatchWriteConfig(_Wire):
    """Whether records are written many at a time, and how many: by default, and of some objects."""

    supported: bool = False
    default_record_limit: int | None = None
    object_record_limits: dict[str, int] | None = None


class BatchWriteSupport(_Wire):
    """Whether records are written many at a time."""

    create: BatchWriteConfig = Field(default_factory=BatchWriteConfig)
    update: BatchWriteConfig = Field(default_factory=BatchWriteConfig)
    upsert: BatchWriteConfig = Field(default_factory=BatchWriteConfig)
    delete: BatchWriteConfig = Field(default_factory=BatchWriteConfig)


class Support(_Wire):
    """What can be done with the provider: derived from its definition."""

    bulk_write: BulkWriteSupport = Field(default_factory=BulkWriteSupport)
    batch_write: BatchWriteSupport | None = None
    proxy: bool
    read: bool
    subscribe: bool
    write: bool
    delete: bool
    search: SearchSupport


class AuthHealthCheck(_Wire):
    """A harmless request that succeeds only with good credentials."""

    url: str = Field(alias="url")
    method: str
    success_status_codes: list[int]


class MediaUrls(_Wire):
    """Pictures of the provider."""

    icon_url: str | None = None
    logo_url: str | None = None


class Media(_Wire):
    """Pictures of the provider, for light and dark surroundings."""

    regular: MediaUrls | None = None
    dark_mode: MediaUrls | None = None


class ModuleInfo(_Wire):
    """A part of the provider."""

    display_name: str
    base_url: str
    support: Support


class MetadataItemInput(_Wire):
    """Something that is asked of the customer or the builder."""

    name: str
    display_name: str | None = None
    prompt: str | None = None
    default_value: str | None = None
    docs_url: str | None = None
    module_dependencies: dict[str, dict[str, str]] | None = None


class MetadataItemPostAuthentication(_Wire):
    """Something that the provider tells of the account once it is connected."""

    name: str
    module_dependencies: dict[str, dict[str, str]] | None = None


class ProviderMetadata(_Wire):
    """What is to be known of the customer's account besides credentials: asked of them, or of the provider."""

    input: list[MetadataItemInput] | None = None
    post_authentication: list[MetadataItemPostAuthentication] | None = None


class ProviderAppMetadata(_Wire):
    """What is asked of the builder for their app at the provider."""

    auth_query_params: list[MetadataItemInput] | None = None
    provider_params: list[MetadataItemInput] | None = None


class ProviderInfo(_Wire):
    """A provider: where it is, how one authenticates, what can be done with it, and what it looks like."""

    name: str
    display_name: str
    auth_type: Literal["oauth2", "apiKey", "basic", "custom"]
    base_url: str
    default_module: str
    oauth2_opts: Oauth2Opts | None = None
    api_key_opts: ApiKeyOpts | None = None
    basic_opts: BasicAuthOpts | None = None
    custom_opts: CustomAuthOpts | None = None
    support: Support
    auth_health_check: AuthHealthCheck | None = None
    post_auth_info_needed: bool | None = None
    media: Media | None = None
    labels: dict[str, str] | None = None
    modules: dict[str, ModuleInfo] | None = None
    metadata: ProviderMetadata | None = None
    provider_app_metadata: ProviderAppMetadata | None = None
