"""OAuth 2: consent given at once, and tokens by every grant that Salesforce has."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.salesforce import moments
from conjunct.simulators.salesforce.access import Tokens
from conjunct.simulators.salesforce.bodies import json_answer
from conjunct.simulators.salesforce.database import Database
from conjunct.simulators.salesforce.errors import SalesforceError

_REFRESH_TOKEN = "sim-refresh"  # noqa: S105 - it opens nothing but the simulator
_REFUSING_CLIENT = "refused"
_BAD = "wrong"
_MOST_CODES = 1000
_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SCOPES = "refresh_token api id"


class OAuthApi:
    """Any client is good but one named `refused`, to which users never agree, and those whose secret is `wrong`.

    A code is good once, for the client and the address that it was given to, and the verifier of its challenge. Any
    refresh token is good, but for the words `expired` and `revoked`, and for those that were revoked.
    """

    def __init__(self, tokens: Tokens, clock: Callable[[], datetime], database: Callable[[], Database]) -> None:
        self._tokens = tokens
        self._clock = clock
        self._database = database
        self.reset()

    def reset(self) -> None:
        """Forget every code that was given, and give the same ones again."""
        self._given = 0
        self._codes: dict[str, tuple[str, str, str]] = {}
        self._revoked = {"expired", "revoked", ""}

    def routes(self) -> Sequence[Route]:
        """The routes; they look for an access token themselves where they need one."""
        return (
            Route("GET", "/services/oauth2/authorize", self.authorize),
            Route("POST", "/services/oauth2/token", self.token),
            Route("POST", "/services/oauth2/revoke", self.revoke),
            Route("GET", "/services/oauth2/revoke", self.revoke),
            Route("GET", "/services/oauth2/userinfo", self.user_info),
            Route("POST", "/services/oauth2/userinfo", self.user_info),
            Route("GET", "/id/{org}/{user}", self.identity),
        )

    def authorize(self, call: Call) -> Answer:
        """Send the browser back with a code, as if the user had agreed."""
        target, client = call.query.get("redirect_uri"), call.query.get("client_id")
        if not target or not client:
            return _refusal("invalid_request", "client_id and redirect_uri are required")
        if client == _REFUSING_CLIENT:
            answer = {"error": "access_denied", "error_description": "end-user denied authorization"}
        else:
            self._given += 1
            code = f"sim-code-{self._given}"
            self._codes[code] = (client, target, call.query.get("code_challenge", ""))
            while len(self._codes) > _MOST_CODES:
                del self._codes[next(iter(self._codes))]
            answer = {"code": code}
        if "state" in call.query:
            answer["state"] = call.query["state"]
        separator = "&" if "?" in target else "?"
        return Answer(302, headers={"Location": f"{target}{separator}{urlencode(answer)}"})

    def token(self, call: Call) -> Answer:
        """A new access token; earlier ones stay good until they expire. The refresh token never changes."""
        form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        client, secret = _client(call.headers, form)
        if secret == _BAD or client == _BAD:
            return _refusal("invalid_client", "invalid client credentials")
        grant = form.get("grant_type", "")
        checks: dict[str, Callable[[], bool]] = {
            "authorization_code": lambda: self._takes_code(form, client),
            "refresh_token": lambda: form.get("refresh_token", "") not in self._revoked,
            "password": lambda: bool(form.get("username")) and form.get("password") != _BAD,
            "client_credentials": lambda: bool(client and secret),
            _JWT: lambda: self._is_good_assertion(form.get("assertion", "")),
        }
        if grant not in checks:
            return _refusal("unsupported_grant_type", "grant type not supported")
        if not checks[grant]():
            words = {"password": "authentication failure", "authorization_code": "expired authorization code"}
            return _refusal("invalid_grant", words.get(grant, "expired access/refresh token"))
        return json_answer(self._granted(call, with_refresh_token=grant == "authorization_code"))

    def revoke(self, call: Call) -> Answer:
        """An access token or a refresh token is good no longer."""
        form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
        token = form.get("token") or call.query.get("token", "")
        if not token:
            return _refusal("unsupported_token_type", "this token type is not supported")
        self._revoked.add(token)
        self._tokens.revoke(token)
        return Answer(200)

    def user_info(self, call: Call) -> Answer:
        """Who the access token stands for, in the words of OpenID."""
        try:
            self._tokens.check(call.headers)
        except SalesforceError:
            return Answer(403, b"Bad_OAuth_Token", content_type="text/html;charset=UTF-8")
        user, org = self._user(), self._org_id()
        return json_answer(
            {
                "sub": self._identity_url(call),
                "user_id": user["Id"],
                "organization_id": org,
                "preferred_username": user["Username"],
                "nickname": user["Alias"],
                "name": user["Name"],
                "given_name": user["FirstName"],
                "family_name": user["LastName"],
                "email": user["Email"],
                "email_verified": True,
                "zoneinfo": user["TimeZoneSidKey"],
                "urls": _urls(call),
                "active": True,
                "user_type": "STANDARD",
                "language": "en_US",
                "locale": "en_US",
                "utcOffset": 0,
                "updated_at": user["LastModifiedDate"],
            }
        )

    def identity(self, call: Call) -> Answer:
        """What the `id` of a token's answer leads to."""
        try:
            self._tokens.check(call.headers)
        except SalesforceError:
            return Answer(403, b"Bad_OAuth_Token", content_type="text/html;charset=UTF-8")
        user = self._user()
        return json_answer(
            {
                "id": self._identity_url(call),
                "asserted_user": True,
                "user_id": user["Id"],
                "organization_id": self._org_id(),
                "username": user["Username"],
                "display_name": user["Name"],
                "email": user["Email"],
                "first_name": user["FirstName"],
                "last_name": user["LastName"],
                "urls": _urls(call),
                "active": True,
            }
        )

    def _granted(self, call: Call, *, with_refresh_token: bool) -> dict[str, Any]:
        granted = {
            "access_token": self._tokens.issue(self._org_id()),
            "signature": "c2ltdWxhdGVk",
            "scope": _SCOPES,
            "instance_url": call.origin,
            "id": self._identity_url(call),
            "token_type": "Bearer",
            "issued_at": str(moments.to_millis(self._clock())),
        }
        return granted | ({"refresh_token": _REFRESH_TOKEN} if with_refresh_token else {})

    def _takes_code(self, form: Mapping[str, str], client: str) -> bool:
        """Whether the code is one that was given for just this, and not used before."""
        given = self._codes.pop(form.get("code", ""), None)
        if given is None or given[:2] != (client, form.get("redirect_uri")):
            return False
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if given[2] and base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != given[2]:
            return False
        self._revoked.discard(_REFRESH_TOKEN)
        return True

    def _is_good_assertion(self, assertion: str) -> bool:
        """Whether it is a token with a subject and an end that is to come; whose key signed it is not looked at."""
        parts = assertion.split(".")
        try:
            claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
            end = float(claims["exp"])
        except (IndexError, ValueError, TypeError, KeyError):
            return False
        known = bool(claims.get("iss")) and claims.get("sub") not in (None, "", "unknown")
        return len(parts) == 3 and known and end > self._clock().timestamp()

    def _user(self) -> Mapping[str, Any]:
        return self._database().records("User").values(0)

    def _org_id(self) -> str:
        return self._database().records("Organization").record_id(0)

    def _identity_url(self, call: Call) -> str:
        return f"{call.origin}/id/{self._org_id()}/{self._user()['Id']}"


def _client(headers: Mapping[str, str], form: Mapping[str, str]) -> tuple[str, str]:
    """The client's id and secret, from the form or from basic authentication."""
    scheme, _, encoded = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client, _, secret = base64.b64decode(encoded.strip()).decode().partition(":")
        except ValueError:
            return _BAD, _BAD
        return client, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def _urls(call: Call) -> dict[str, str]:
    names = {"rest": "", "sobjects": "sobjects/", "search": "search/", "query": "query/"}
    return {name: f"{call.origin}/services/data/v{{version}}/{path}" for name, path in names.items()}


def _refusal(error: str, description: str) -> Answer:
    """Refusals of OAuth have a shape of their own."""
    return Answer(400, orjson.dumps({"error": error, "error_description": description}))
