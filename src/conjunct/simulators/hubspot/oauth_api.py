"""OAuth 2: consent given at once, tokens for the code that it gave or for a refresh token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import bodies, errors
from conjunct.simulators.hubspot.access import Tokens
from conjunct.simulators.hubspot.definitions import PORTAL_ID

_REFRESH_TOKEN = "sim-refresh"  # noqa: S105 - it opens nothing but the simulator
_REFUSING_CLIENT = "refused"
_BAD_SECRET = "wrong"  # noqa: S105 - a word that stands for such secrets
_MOST_CODES = 1000


class OAuthApi:
    """Any client is good but one named `refused`, to which users never agree, and those whose secret is `wrong`.

    A code is good once, for the client and the address that it was given to. Any refresh token is good, but for the
    words `expired` and `revoked`, and for one that was deleted, until a user agrees anew.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self.reset()

    def reset(self) -> None:
        """Forget every code that was given, and give the same ones again."""
        self._given = 0
        self._codes: dict[str, tuple[str, str]] = {}
        self._deleted: set[str] = set()

    def routes(self) -> Sequence[Route]:
        """The routes; none needs an access token."""
        return (
            Route("GET", "/oauth/authorize", self.authorize),
            Route("POST", "/oauth/v1/token", self.token),
            Route("GET", "/oauth/v1/access-tokens/{token}", self.describe),
            Route("GET", "/oauth/v1/refresh-tokens/{token}", self.describe_refresh_token),
            Route("DELETE", "/oauth/v1/refresh-tokens/{token}", self.delete),
        )

    def authorize(self, call: Call) -> Answer:
        """Send the browser back with a code, as if the user had agreed."""
        target = call.query.get("redirect_uri")
        if not target or not call.query.get("client_id"):
            raise errors.invalid("client_id and redirect_uri are required")
        client = call.query["client_id"]
        if client == _REFUSING_CLIENT:
            answer = {"error": "access_denied", "error_description": "The user did not agree."}
        else:
            answer = {"code": self._new_code(client, target)}
        if "state" in call.query:
            answer["state"] = call.query["state"]
        separator = "&" if "?" in target else "?"
        return Answer(302, headers={"Location": f"{target}{separator}{urlencode(answer)}"})

    def token(self, call: Call) -> Answer:
        """A new access token; earlier ones stay good until they expire. The refresh token never changes."""
        form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
        grant = form.get("grant_type")
        parameter = {"authorization_code": "code", "refresh_token": "refresh_token"}.get(grant or "")
        if parameter is None:
            return _refusal("BAD_GRANT_TYPE", f"missing or unknown grant type '{grant}'")
        if form.get("client_secret") == _BAD_SECRET:
            return _refusal("BAD_CLIENT_SECRET", "missing or invalid client secret")
        secret = form.get(parameter, "")
        if not (self._takes(form) if parameter == "code" else self._is_good(secret)):
            words = {"code": "auth code", "refresh_token": "refresh token"}[parameter]
            return _refusal(f"BAD_{words.replace(' ', '_').upper()}", f"missing or invalid {words}")
        if parameter == "code":
            self._deleted.discard(_REFRESH_TOKEN)
        return bodies.json_answer(
            {
                "token_type": "bearer",
                "refresh_token": secret if parameter == "refresh_token" else _REFRESH_TOKEN,
                "access_token": self._tokens.issue(),
                "expires_in": self._tokens.lifetime,
            }
        )

    def delete(self, call: Call) -> Answer:
        """End a grant; access tokens that came of it stay good until they expire."""
        self._deleted.add(call.params["token"])
        return Answer(204)

    def _is_good(self, refresh_token: str) -> bool:
        return refresh_token not in ("", "expired", "revoked") and refresh_token not in self._deleted

    def _new_code(self, client: str, target: str) -> str:
        self._given += 1
        code = f"sim-code-{self._given}"
        self._codes[code] = (client, target)
        while len(self._codes) > _MOST_CODES:
            del self._codes[next(iter(self._codes))]
        return code

    def _takes(self, form: Mapping[str, str]) -> bool:
        """Whether the code is one that was given for just this, and not used before."""
        given = self._codes.pop(form.get("code", ""), None)
        return given is not None and given == (form.get("client_id"), form.get("redirect_uri"))

    def describe(self, call: Call) -> Answer:
        """Whose an access token is, and for how long still."""
        token = call.params["token"]
        left = self._tokens.seconds_left(token)
        return bodies.json_answer({**_whose(token), "app_id": 1, "expires_in": left, "token_type": "access"})

    def describe_refresh_token(self, call: Call) -> Answer:
        """Whose a refresh token is."""
        token = call.params["token"]
        if not self._is_good(token):
            raise errors.HubSpotError(404, "refresh token not found", "OBJECT_NOT_FOUND")
        return bodies.json_answer({**_whose(token), "client_id": "simulated", "token_type": "refresh"})


def _whose(token: str) -> dict[str, Any]:
    return {
        "token": token,
        "user": "admin@example.com",
        "hub_domain": "example.com",
        "scopes": ["oauth", "crm.objects.contacts.read"],
        "hub_id": PORTAL_ID,
        "user_id": 1,
    }


def _refusal(status: str, message: str) -> Answer:
    """Refusals of the token endpoint have a shape of their own."""
    return Answer(400, orjson.dumps({"status": status, "message": message}))
