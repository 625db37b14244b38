"""How access tokens are come by, in pure steps: where the customer agrees, requests for tokens, what answers say.

Nothing here does I/O. What leads to a request is checked: an input of the customer's never chooses the host.
"""

from conjunct.connectors.oauth.answers import LONGEST_TOKEN, IssuedTokens, read_tokens
from conjunct.connectors.oauth.authorization import (
    NoOAuthFlow,
    authorization_url,
    browser_flow,
    callback_facts,
    challenge_of,
)
from conjunct.connectors.oauth.exchange import exchange_request, exchanged_values, unpacked
from conjunct.connectors.oauth.requests import (
    Login,
    OAuthClient,
    TokenRequest,
    client_credentials_request,
    code_request,
    password_request,
    refresh_request,
)
from conjunct.connectors.oauth.revocation import RevocationRequest, revocation_request

__all__ = [
    "LONGEST_TOKEN",
    "IssuedTokens",
    "Login",
    "NoOAuthFlow",
    "OAuthClient",
    "RevocationRequest",
    "TokenRequest",
    "authorization_url",
    "browser_flow",
    "callback_facts",
    "challenge_of",
    "client_credentials_request",
    "code_request",
    "exchange_request",
    "exchanged_values",
    "password_request",
    "read_tokens",
    "refresh_request",
    "revocation_request",
    "unpacked",
]
