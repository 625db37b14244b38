"""How a provider authenticates: the `auth` section of a definition. Facts only; `auth.py` acts on them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

RESERVED = frozenset(
    {
        "client_id",
        "client_secret",
        "code",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "grant_type",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
    }
)
"""Parameters that the flow itself sets: nobody may add or replace them."""


class AuthModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TokenHeader(AuthModel):
    """The header that carries an access token."""

    name: str = "Authorization"
    prefix: str = "Bearer "


class FromToken(AuthModel):
    """Where facts stand in the token endpoint's answer."""

    scopes: str | None = None
    consumer: str | None = None
    workspace: str | None = None


class OAuth2(AuthModel):
    """OAuth 2. A token that the customer made by hand (a private app's) is sent in the same way."""

    type: Literal["oauth2"]
    grant: Literal["authorization_code", "client_credentials", "password"] = "authorization_code"
    pkce: bool = False
    authorize_url: str | None = None
    token_url: str
    authorize_params: dict[str, str] = Field(default_factory=dict)
    token_auth: Literal["body", "basic"] = Field("body", description="How the client authenticates to the token URL.")
    scopes: list[str] = Field(default_factory=list, description="Scopes that reading what is defined here needs.")
    scope_separator: str = " "
    scopes_required: bool = Field(False, description="Scopes must be known before the customer is asked.")
    workspace_required: bool = False
    from_token: FromToken = Field(default_factory=FromToken)
    token: TokenHeader = Field(default_factory=TokenHeader)
    docs: str | None = Field(None, description="A page that says how to register an app.")


class ApiKeyAuth(AuthModel):
    """A key in a header or in the query."""

    type: Literal["apiKey"]
    in_: Literal["header", "query"] = Field("header", alias="in")
    name: str = "Authorization"
    prefix: str = Field("", description="Put before the key in a header, such as 'Bearer '.")
    docs: str | None = None


class BasicAuth(AuthModel):
    """HTTP Basic."""

    type: Literal["basic"]
    key_as: Literal["username", "password"] | None = Field(
        None, description="The customer has a key only; it is sent as this, the other part is `filler`."
    )
    filler: str = ""
    docs: str | None = None


class CustomInput(AuthModel):
    """One of several secrets that the customer gives."""

    name: str
    label: str | None = None
    hint: str | None = None
    docs: str | None = None
    shown: bool = Field(False, description="It is no secret: it may be seen while it is typed.")


class CustomAuth(AuthModel):
    """Headers and query parameters made of the customer's secrets: `{name}` stands for one."""

    type: Literal["custom"]
    inputs: Annotated[list[CustomInput], Field(min_length=1)]
    headers: dict[str, str] = Field(default_factory=dict)
    query: dict[str, str] = Field(default_factory=dict)


Auth = Annotated[OAuth2 | ApiKeyAuth | BasicAuth | CustomAuth, Field(discriminator="type")]
