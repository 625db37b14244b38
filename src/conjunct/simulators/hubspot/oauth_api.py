"""OAuth 2: consent given at once, tokens for a code or a refresh token."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode

import orjson

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import bodies, errors
from conjunct.simulators.hubspot.access import Tokens
from conjunct.simulators.hubspot.definitions import PORTAL_ID

_CODE = "sim-code"
_REFRESH_TOKEN = "sim-refresh"  # noqa: S105 - it opens nothing but the simulator


class OAuthApi:
    """Any client and any code or refresh token is good, but for the words `expired` and `revoked`."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def routes(self) -> Sequence[Route]:
        """The routes; none needs an access token."""
        return (
            Route("GET", "/oauth/authorize", self.authorize),
            Route("POST", "/oauth/v1/token", self.token),
            Route("GET", "/oauth/v1/access-tokens/{token}", self.describe),
        )

    def authorize(self, call: Call) -> Answer:
        """Send the browser back with a code, as if the user had agreed."""
        target = call.query.get("redirect_uri")
        if not target or not call.query.get("client_id"):
            raise errors.invalid("client_id and redirect_uri are required")
        answer = {"code": _CODE, **({"state": call.query["state"]} if "state" in call.query else {})}
        separator = "&" if "?" in target else "?"
        return Answer(302, headers={"Location": f"{target}{separator}{urlencode(answer)}"})

    def token(self, call: Call) -> Answer:
        """A new access token; earlier ones stay good until they expire. The refresh token never changes."""
        form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
        grant = form.get("grant_type")
        parameter = {"authorization_code": "code", "refresh_token": "refresh_token"}.get(grant or "")
        if parameter is None:
            return _refusal("BAD_GRANT_TYPE", f"missing or unknown grant type '{grant}'")
        secret = form.get(parameter, "")
        if secret in ("", "expired", "revoked"):
            words = {"code": "auth code", "refresh_token": "refresh token"}[parameter]
            return _refusal(f"BAD_{words.replace(' ', '_').upper()}", f"missing or invalid {words}")
        return bodies.json_answer(
            {
                "token_type": "bearer",
                "refresh_token": secret if parameter == "refresh_token" else _REFRESH_TOKEN,
                "access_token": self._tokens.issue(),
                "expires_in": self._tokens.lifetime,
            }
        )

    def describe(self, call: Call) -> Answer:
        """Whose an access token is, and for how long still."""
        token = call.params["token"]
        return bodies.json_answer(
            {
                "token": token,
                "user": "admin@example.com",
                "hub_domain": "example.com",
                "scopes": ["oauth", "crm.objects.contacts.read"],
                "hub_id": PORTAL_ID,
                "app_id": 1,
                "expires_in": self._tokens.seconds_left(token),
                "user_id": 1,
                "token_type": "access",
            }
        )


def _refusal(status: str, message: str) -> Answer:
    """Refusals of the token endpoint have a shape of their own."""
    return Answer(400, orjson.dumps({"status": status, "message": message}))
