"""How a provider authenticates: the `auth` section of a definition. Facts only; `auth.py` acts on them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from conjunct.connectors.definition_base import Request

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
    """Frozen, and strict about keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class TokenHeader(AuthModel):
    """The header that carries an access token."""

    name: str = "Authorization"
    prefix: str = "Bearer "


class TokenFact(AuthModel):
    """A fact about the account in an answer of the provider, kept with the connection."""

    at: str = Field(description="Where it stands.")
    capture: str | None = Field(
        None, description="A regular expression; its group 'result' (or its first) is the fact."
    )
    label: str | None = Field(None, description="What people read; the catalog shows facts that have one.")


class FromToken(AuthModel):
    """Where things stand in the token endpoint's answer."""

    access_token: str = "access_token"  # noqa: S105 - a path
    refresh_token: str = "refresh_token"  # noqa: S105 - a path
    expires_in: str = Field("expires_in", description="Seconds until the access token ends.")
    expires_at: str | None = Field(None, description="Or the moment when it ends: RFC 3339, or seconds or ms of Unix.")
    scopes: str | None = None
    consumer: str | None = None
    workspace: str | None = None
    facts: dict[str, TokenFact] = Field(
        default_factory=dict, description="Other facts by name; they are inputs of the templates from then on."
    )


class Revocation(AuthModel):
    """How the provider is told that a grant is over (RFC 7009, or a way of its own)."""

    url: str
    method: Literal["POST", "GET", "DELETE"] = "POST"
    token: Literal["refresh_token", "access_token"] = Field(
        "refresh_token", description="Which token is named; the access token where there is no refresh token."
    )
    param: str | None = Field("token", description="The parameter that names it; none where the URL does, as {token}.")
    params: dict[str, str] = Field(default_factory=dict, description="Further parameters.")
    proof: Literal["body", "basic", "bearer", "none"] = Field(
        "body", description="Who asks: the client in the body or by HTTP Basic, the access token, or nobody."
    )
    encode: Literal["form", "json", "query"] = "form"
    ok: list[int] = Field(default_factory=lambda: [200, 201, 202, 204])


class OAuth2(AuthModel):
    """OAuth 2. A token that the customer made by hand (a private app's) is sent in the same way."""

    type: Literal["oauth2"]
    grant: Literal["authorization_code", "client_credentials", "password"] = "authorization_code"
    pkce: bool = False
    authorize_url: str | None = None
    token_url: str
    refresh_url: str | None = Field(None, description="Where access tokens are renewed, if not at token_url.")
    authorize_params: dict[str, str] = Field(default_factory=dict)
    token_params: dict[str, str] = Field(default_factory=dict, description="Sent with every request for tokens.")
    token_headers: dict[str, str] = Field(default_factory=dict)
    token_auth: Literal["body", "basic"] = Field("body", description="How the client authenticates to the token URL.")
    token_encode: Literal["form", "json"] = Field("form", description="How requests for tokens are written.")
    names: dict[str, str] = Field(
        default_factory=dict, description="The provider's names for the standard's parameters, as {client_id: app_id}."
    )
    scopes: list[str] = Field(default_factory=list, description="Scopes that reading what is defined here needs.")
    scopes_always: list[str] = Field(
        default_factory=list, description="Scopes that are always asked for besides, as that for a refresh token."
    )
    scope_separator: str = " "
    scope_templates: dict[str, str] = Field(
        default_factory=dict,
        description="What is sent instead of a scope, as {.default: 'https://{workspace}/.default'}.",
    )
    scopes_required: bool = Field(False, description="Scopes must be known before the customer is asked.")
    workspace_required: bool = False
    audience: list[str] = Field(default_factory=list, description="Whom the tokens are for, where that must be said.")
    lifetime: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Seconds that an access token lasts, where the answer does not say."
    )
    keep_alive: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Seconds after which an unused refresh token dies; it is renewed in time."
    )
    from_callback: dict[str, TokenFact] = Field(
        default_factory=dict,
        description="Facts in the address with which the customer comes back: `at` names its parameter. They are "
        "inputs from then on, also of the token URL.",
    )
    from_token: FromToken = Field(default_factory=FromToken)
    token: TokenHeader = Field(default_factory=TokenHeader)
    revoke: Revocation | None = None
    docs: str | None = Field(None, description="A page that says how to register an app.")


class ApiKeyAuth(AuthModel):
    """A key in a header or in the query."""

    type: Literal["apiKey"]
    in_: Literal["header", "query"] = Field("header", alias="in")
    name: str = "Authorization"
    prefix: str = Field("", description="Put before the key in a header, such as 'Bearer '.")
    docs: str | None = None


class AwsSignature(AuthModel):
    """Each request is signed as Amazon Web Services want it (Signature Version 4)."""

    service: str = Field(description="The service's name in signatures, such as identitystore.")
    region: str = Field(description="The region, such as `{region}` for the input of that name.")


class BasicAuth(AuthModel):
    """HTTP Basic."""

    type: Literal["basic"]
    key_as: Literal["username", "password"] | None = Field(
        None, description="The customer has a key only; it is sent as this, the other part is `filler`."
    )
    filler: str = ""
    aws: AwsSignature | None = Field(
        None,
        description="Instead of HTTP Basic: the user name is an access key's id, the password its secret, and each "
        "request is signed with it.",
    )
    docs: str | None = None


class Choice(AuthModel):
    """One of the values that an input may have."""

    value: str
    label: str


class CustomInput(AuthModel):
    """One of several secrets that the customer (or, for the app, the builder) gives."""

    name: str
    label: str | None = None
    hint: str | None = None
    docs: str | None = None
    shown: bool = Field(False, description="It is no secret: it may be seen while it is typed.")
    choices: list[Choice] = Field(default_factory=list)
    optional: bool = False


class Unpacked(AuthModel):
    """A value within an input that is a JSON document, plain or in Base64 (a service account's key file)."""

    from_: str = Field(alias="from", description="The input.")
    at: str = Field(description="Where the value stands in the document.")


class Assertion(AuthModel):
    """A JWT that we sign with the customer's private key (RFC 7523); in templates it is `{assertion}`."""

    algorithm: Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"] = "RS256"
    key: str = Field(description="The private key in PEM, plain or in Base64: `{privateKey}`.")
    headers: dict[str, str] = Field(default_factory=dict)
    claims: dict[str, Any] = Field(description="Besides iat, exp and jti, which are ours.")
    lifetime: Annotated[int, Field(gt=0, le=3600)] = 300


class TokenExchange(AuthModel):
    """A request that buys an access token for what the customer gave; it is repeated whenever the token ends."""

    url: str
    encode: Literal["form", "json"] = "form"
    headers: dict[str, str] = Field(default_factory=dict)
    params: dict[str, str] = Field(default_factory=dict)
    basic: str | None = Field(None, description="User name and password of HTTP Basic, as '{clientId}:{clientSecret}'.")
    assertion: Assertion | None = None
    lifetime: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Seconds that an access token lasts, where the answer does not say."
    )
    from_token: FromToken = Field(default_factory=FromToken)


class RedirectStep(AuthModel):
    """The customer's browser goes to the provider and comes back with parameters."""

    redirect: str = Field(description="Where to; {redirect_uri} and {state} are ours.")
    params: dict[str, str] = Field(default_factory=dict, description="Parameters of that URL.")
    take: dict[str, str] = Field(
        default_factory=dict, description="Values by name: the parameters of the callback that hold them."
    )
    require: dict[str, str] = Field(
        default_factory=dict, description="Parameters of the callback that must have these values."
    )


class RequestStep(AuthModel):
    """We ask the provider for something with what is known so far."""

    request: Request
    basic: str | None = Field(None, description="User name and password of HTTP Basic, as '{user}:{password}'.")
    take: dict[str, str] = Field(description="Values by name: where they stand in the answer.")


class CustomAuth(AuthModel):
    """Headers and query parameters made of the customer's secrets: `{name}` stands for one.

    What is sent may also be made of what `unpack`, `steps`, `compose` and `token` find out: the values that they name,
    and `{access_token}`.
    """

    type: Literal["custom"]
    inputs: list[CustomInput] = Field(default_factory=list)
    app_inputs: list[CustomInput] = Field(
        default_factory=list, description="Asked of the builder: clientId and clientSecret of the provider app."
    )
    unpack: dict[str, Unpacked] = Field(default_factory=dict)
    steps: list[RedirectStep | RequestStep] = Field(
        default_factory=list, description="What is done once, in order, when the customer connects."
    )
    compose: dict[str, str] = Field(
        default_factory=dict, description="Values made of others, as {pair: '{apiKey}:{userKey}'}; a pipe encodes them."
    )
    keep: list[str] | None = Field(None, description="Of inputs and values, those that are kept; all, when not said.")
    token: TokenExchange | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    query: dict[str, str] = Field(default_factory=dict)
    docs: str | None = None


Auth = Annotated[OAuth2 | ApiKeyAuth | BasicAuth | CustomAuth, Field(discriminator="type")]
