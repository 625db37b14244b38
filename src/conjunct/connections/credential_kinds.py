"""Which kind of credentials a provider takes, and how they are taken from a request."""

from __future__ import annotations

from pydantic import SecretStr

from conjunct.connections.credentials import OAuthTokens, StoredCredentials, Token, for_requests
from conjunct.connections.problems import UnsupportedCredentials
from conjunct.connections.schemas import AuthScheme, BasicAuthInput, ConnectionRequest, TokenInput, TokensInput
from conjunct.connectors.auth import ApiKey, Basic, UnusableCredentials, prove
from conjunct.connectors.auth_definition import ApiKeyAuth, Auth, BasicAuth, OAuth2
from conjunct.connectors.definition import Definition
from conjunct.core.problems import Issue

_TOKENS = "oauth2AuthorizationCode"


def accepted_kinds(auth: Auth) -> tuple[str, ...]:
    """The keys of a request that this provider's credentials may stand under; one of them is to be given."""
    match auth:
        case ApiKeyAuth():
            return ("apiKey",)
        case BasicAuth(key_as=None):
            return ("basicAuth",)
        case BasicAuth():
            return ("apiKey", "basicAuth")
        case OAuth2(grant="authorization_code"):
            return (_TOKENS,)
        case _:
            return ()


def scheme_of(auth: Auth) -> AuthScheme:
    """The `authScheme` of a connection to such a provider."""
    match auth:
        case ApiKeyAuth():
            return "apiKey"
        case BasicAuth():
            return "basic"
        case OAuth2(grant="client_credentials"):
            return "oauth2/clientCredentials"
        case OAuth2(grant="password"):
            return "oauth2/password"
        case OAuth2(pkce=True):
            return "oauth2/authorizationCodePKCE"
        case OAuth2():
            return "oauth2/authorizationCode"
        case _:
            return "none"


def given_kinds(request: ConnectionRequest) -> list[str]:
    """The keys of the request that hold credentials."""
    values = {
        "apiKey": request.api_key,
        "basicAuth": request.basic_auth,
        _TOKENS: request.oauth2_authorization_code,
        "oauth2ClientCredentials": request.oauth2_client_credentials,
        "oauth2PasswordCredentials": request.oauth2_password_credentials,
        "customAuth": request.custom_auth,
    }
    return [kind for kind, value in values.items() if value is not None]


def read_credentials(definition: Definition, request: ConnectionRequest) -> StoredCredentials:
    """The request's credentials.

    Raises:
        UnsupportedCredentials: not exactly one kind is given, or not one that the provider takes, or a part is missing.
        UnusableCredentials: they have characters that cannot stand in a request.
    """
    accepted, given = accepted_kinds(definition.auth), given_kinds(request)
    if len(given) != 1 or given[0] not in accepted:
        raise _refusal(definition, accepted, given)
    return credentials_of_kind(definition, request, given[0])


def credentials_of_kind(
    definition: Definition, request: ConnectionRequest, kind: str, *, at: str = ""
) -> StoredCredentials:
    """The request's credentials of a kind that is given and that the provider takes; `at` goes before names in issues.

    Raises:
        UnsupportedCredentials: a part is missing.
        UnusableCredentials: they have characters that cannot stand in a request.
    """
    credentials: StoredCredentials
    if request.oauth2_authorization_code is not None and kind == _TOKENS:
        credentials = _tokens(request.oauth2_authorization_code, at)
    elif request.basic_auth is not None and kind == "basicAuth":
        credentials = _basic(definition.auth, request.basic_auth, at)
    else:
        credentials = ApiKey(_required(request.api_key, f"{at}apiKey"))
    try:
        prove(definition.auth, for_requests(credentials))
    except UnusableCredentials as problem:
        raise UnusableCredentials(
            problem.detail, remedy=problem.remedy, issues=[Issue(f"{at}{kind}", problem.detail)]
        ) from None
    return credentials


def _basic(auth: Auth, given: BasicAuthInput, at: str) -> StoredCredentials:
    """The user name and password, or, for a provider that sends a key as one of them, that key."""
    key_as = auth.key_as if isinstance(auth, BasicAuth) else None
    if key_as is not None:
        part = given.username if key_as == "username" else given.password
        return ApiKey(_required(part, f"{at}basicAuth.{key_as}"))
    username = _required(given.username, f"{at}basicAuth.username")
    return Basic(username=username, password=given.password.get_secret_value())


def _tokens(given: TokensInput, at: str) -> OAuthTokens:
    name = f"{at}{_TOKENS}.accessToken.token"
    access = given.access_token
    if access is None:
        raise _missing(name)
    _required(access.token, name)
    refresh = given.refresh_token
    if refresh is not None:
        _required(refresh.token, f"{at}{_TOKENS}.refreshToken.token")
    scopes = None if given.scopes is None else tuple(given.scopes)
    return OAuthTokens(_token(access), None if refresh is None else _token(refresh), scopes)


def _token(given: TokenInput) -> Token:
    return Token(given.token.get_secret_value(), given.issued_at, given.expires_at)


def _required(secret: SecretStr | None, name: str) -> str:
    text = "" if secret is None else secret.get_secret_value()
    if not text:
        raise _missing(name)
    return text


def _missing(name: str) -> UnsupportedCredentials:
    return UnsupportedCredentials(
        f"The credentials are not complete: {name} is missing.", issues=[Issue(name, "it is needed and not given")]
    )


def _refusal(definition: Definition, accepted: tuple[str, ...], given: list[str]) -> UnsupportedCredentials:
    sent = f"the request has {' and '.join(given)}" if given else "the request has no credentials"
    issues = [Issue(kind, f"{definition.display} does not take this") for kind in given if kind not in accepted]
    if not accepted:
        return UnsupportedCredentials(
            f"{definition.display} authenticates by {_way(definition.auth)}, which connections do not support yet.",
            remedy="Providers that take an API key, a user name and password, or OAuth 2 tokens can be connected now.",
            issues=issues,
        )
    remedy = f"Send {' or '.join(accepted)}, and nothing else of that kind."
    if accepted == (_TOKENS,):
        remedy = (
            f"Send {_TOKENS} with an accessToken, and with a refreshToken where there is one. "
            "A token that was made by hand (such as a private app's) goes there too, without expiresAt."
        )
    return UnsupportedCredentials(
        f"{definition.display} takes {' or '.join(accepted)}, but {sent}.",
        remedy=remedy,
        issues=issues or [Issue(accepted[0], "exactly one kind of credentials is needed")],
    )


def _way(auth: Auth) -> str:
    return f"OAuth 2 with the {auth.grant} grant" if isinstance(auth, OAuth2) else f"a {auth.type} scheme"
