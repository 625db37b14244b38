"""Which kind of credentials a provider takes, and how they are taken from a request."""

from __future__ import annotations

from pydantic import SecretStr

from conjunct.connections.credentials import (
    CustomCredentials,
    OAuthTokens,
    StoredCredentials,
    Token,
    Unbought,
    for_requests,
    secrets_of,
)
from conjunct.connections.custom_values import custom_values
from conjunct.connections.problems import UnsupportedCredentials
from conjunct.connections.schemas import (
    AuthScheme,
    BasicAuthInput,
    ClientCredentialsInput,
    ConnectionRequest,
    PasswordCredentialsInput,
    TokenInput,
    TokensInput,
)
from conjunct.connectors.auth import ApiKey, Basic, UnusableCredentials, prove, require_printable
from conjunct.connectors.auth_definition import ApiKeyAuth, Auth, BasicAuth, CustomAuth, OAuth2
from conjunct.connectors.definition import Definition
from conjunct.connectors.oauth import Login, OAuthClient
from conjunct.core.problems import Issue

_TOKENS = "oauth2AuthorizationCode"
_CLIENT, _PASSWORD, _CUSTOM = "oauth2ClientCredentials", "oauth2PasswordCredentials", "customAuth"

Given = StoredCredentials | Unbought


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
        case OAuth2(grant="client_credentials"):
            return (_CLIENT,)
        case OAuth2():
            return (_PASSWORD,)
        case CustomAuth(steps=[]):
            return (_CUSTOM,)
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
        _CLIENT: request.oauth2_client_credentials,
        _PASSWORD: request.oauth2_password_credentials,
        _CUSTOM: request.custom_auth,
    }
    return [kind for kind, value in values.items() if value is not None]


def read_credentials(definition: Definition, request: ConnectionRequest) -> Given:
    """The request's credentials.

    Raises:
        UnsupportedCredentials: not exactly one kind is given, or not one that the provider takes, or a part is missing.
        UnusableCredentials: they have characters that cannot stand in a request.
    """
    accepted, given = accepted_kinds(definition.auth), given_kinds(request)
    if len(given) != 1 or given[0] not in accepted:
        raise _refusal(definition, accepted, given)
    return credentials_of_kind(definition, request, given[0])


def credentials_of_kind(definition: Definition, request: ConnectionRequest, kind: str, *, at: str = "") -> Given:
    """The request's credentials of a kind that is given and that the provider takes; `at` goes before names in issues.

    Raises:
        UnsupportedCredentials: a part is missing, or is not asked for.
        UnusableCredentials: they have characters that cannot stand in a request.
    """
    credentials = _of_kind(definition, request, kind, at)
    try:
        _require_usable(definition.auth, credentials)
    except UnusableCredentials as problem:
        issues = problem.issues or [Issue(f"{at}{kind}", problem.detail)]
        raise UnusableCredentials(problem.detail, remedy=problem.remedy, issues=issues) from None
    return credentials


def _of_kind(definition: Definition, request: ConnectionRequest, kind: str, at: str) -> Given:
    auth = definition.auth
    if kind == _TOKENS and request.oauth2_authorization_code is not None:
        return _tokens(request.oauth2_authorization_code, at)
    if kind == _CLIENT and request.oauth2_client_credentials is not None:
        return _client(request.oauth2_client_credentials, f"{at}{_CLIENT}")
    if kind == _PASSWORD and request.oauth2_password_credentials is not None:
        return _user(request.oauth2_password_credentials, f"{at}{_PASSWORD}")
    if kind == _CUSTOM and request.custom_auth is not None and isinstance(auth, CustomAuth):
        return CustomCredentials(custom_values(definition, auth, request.custom_auth, at=f"{at}{_CUSTOM}"))
    if kind == "basicAuth" and request.basic_auth is not None:
        return _basic(auth, request.basic_auth, at)
    return ApiKey(_required(request.api_key, f"{at}apiKey"))


def _require_usable(auth: Auth, credentials: Given) -> None:
    """Raise `UnusableCredentials` for what cannot stand in a request, as far as that is known without the provider."""
    if isinstance(credentials, Unbought):
        login = credentials.login
        texts = [credentials.client.client_id, *secrets_of(credentials), *([login.username] if login else [])]
        require_printable(texts)
    elif isinstance(auth, CustomAuth) and auth.token is not None and isinstance(credentials, CustomCredentials):
        # Its headers are made of the access token that is still to be bought; what stands within a key file is known.
        for_requests(auth, credentials)
    else:
        prove(auth, for_requests(auth, credentials))


def _client(given: ClientCredentialsInput, at: str) -> Unbought:
    return Unbought(_own_client(given, at), scopes=_scopes(given.scopes))


def _user(given: PasswordCredentialsInput, at: str) -> Unbought:
    username = _required(given.username, f"{at}.username")
    login = Login(username, _required(given.password, f"{at}.password"))
    return Unbought(_own_client(given, at), login, _scopes(given.scopes))


def _own_client(given: ClientCredentialsInput | PasswordCredentialsInput, at: str) -> OAuthClient:
    client_id = _required(given.client_id, f"{at}.clientId")
    return OAuthClient(client_id, _required(given.client_secret, f"{at}.clientSecret"))


def _scopes(given: list[str] | None) -> tuple[str, ...] | None:
    return tuple(scope for scope in given or () if scope) or None


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
            f"{definition.display} is connected in several steps, so that credentials alone are not enough.",
            remedy="Begin with POST /v1/custom-auth/connect, or send the customer a hosted link.",
            issues=issues,
        )
    remedy = f"Send {' or '.join(accepted)}, and nothing else of that kind."
    if accepted == (_TOKENS,):
        remedy = (
            f"Send {_TOKENS} with an accessToken, and with a refreshToken where there is one. "
            "A token that was made by hand (such as a private app's) goes there too, without expiresAt."
        )
    elif accepted == (_CUSTOM,) and isinstance(definition.auth, CustomAuth):
        remedy = f"Send customAuth with {', '.join(each.name for each in definition.auth.inputs)}."
    return UnsupportedCredentials(
        f"{definition.display} takes {' or '.join(accepted)}, but {sent}.",
        remedy=remedy,
        issues=issues or [Issue(accepted[0], "exactly one kind of credentials is needed")],
    )
