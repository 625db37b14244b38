"""Customers in a browser: from the builder's page through the OAuth server's own pages to ours, and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from scripts.realcheck.browser.driving import Browser, Window
from scripts.realcheck.judging import require, require_equal
from scripts.realcheck.oidc.identity import Identity
from scripts.realcheck.platform_under_test import Platform
from scripts.realcheck.processes import CheckFailed

CALLBACK = "/callbacks/v1/oauth"
PROVIDER = "check-identity"
SIGN_IN = (
    {"fill": "[name=login]", "text": "ada"},
    {"fill": "[name=password]", "text": "any"},
    {"role": "button", "name": "Sign-in"},
)
AGREE = {"role": "button", "name": "Continue"}
DENY = {"role": "link", "name": "[ Cancel ]"}
YES = (*SIGN_IN, AGREE)


@dataclass(frozen=True)
class Attempt:
    """How it went: what the window showed, and what it told the page that had opened it."""

    window: Window
    messages: list[dict[str, Any]]

    @property
    def callback(self) -> str:
        """The address by which the OAuth server sent the customer to us, with the code and the state."""
        found = [each for each in self.window.addresses if urlsplit(each).path == CALLBACK and urlsplit(each).query]
        require(bool(found), f"the window never came to us: {self.window.addresses}")
        return found[0]

    def query(self, name: str) -> str:
        """A parameter of that address."""
        return parse_qs(urlsplit(self.callback).query)[name][0]


@dataclass
class Customers:
    """Connects customers, each in a browser that remembers nothing. `secrets` are what must not be logged."""

    platform: Platform
    identity: Identity
    browser: Browser
    page: str
    apps: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set, repr=False)

    def start(self, group: str, client: str) -> str:
        """Where to send a customer."""
        body = {
            "projectIdOrName": "default",
            "provider": PROVIDER,
            "providerAppId": self.apps[client],
            "providerWorkspaceRef": self.identity.url,
            "groupRef": group,
            "consumerRef": f"ada@{group}",
        }
        answer = self.platform.client.post("/v1/oauth-connect", json=body)
        require_equal("the answer to oauth-connect", 200, answer.status_code)
        return answer.text

    def start_again(self, connection_id: str) -> str:
        """Where to send a customer who is to agree anew."""
        answer = self.platform.ask("PATCH", f"/connections/{connection_id}:oauth-update")
        require_equal("the answer to oauth-update", 200, answer.status_code)
        return answer.text

    def go(self, start: str, steps: tuple[dict[str, str], ...] = YES, **more: Any) -> Attempt:
        """Go there from the builder's page, in a new browsing session."""
        self.browser.open(f"{self.page}/?{urlencode({'start': start, 'platform': self.platform.url})}")
        window = self.browser.window("Connect", steps, **more)
        attempt = Attempt(window, self.browser.told())
        self.browser.note()
        for address in window.addresses:
            given = parse_qs(urlsplit(address).query)
            self.secrets.update(*(given.get(name, ()) for name in ("code", "state")))
        return attempt

    def connect(self, group: str, client: str = "steady", start: str | None = None) -> str:
        """Connect a customer; gives the connection's id as the page was told it."""
        attempt = self.go(start or self.start(group, client))
        require("You are connected" in attempt.window.shown[-1], f"the window showed {attempt.window.shown}")
        [connection] = self.platform.connections(group)
        wanted = {"ours": True, "eventType": "AUTHORIZATION_SUCCEEDED", "data": {"connection": connection["id"]}}
        require_equal("what the page was told", [wanted], attempt.messages)
        identifier: str = connection["id"]
        return identifier

    def fail(self, start: str, words: str, steps: tuple[dict[str, str], ...] = YES, **more: Any) -> Attempt:
        """Go there and be refused by us with these words, in the window and in the message."""
        attempt = self.go(start, steps, **more)
        if len(attempt.messages) != 1:
            raise CheckFailed(f"the page was told {attempt.messages}")
        [told] = attempt.messages
        require(words in told.get("message", ""), f"the page was told {told}, and not of {words!r}")
        wanted = {"ours": True, "eventType": "AUTHORIZATION_FAILED", "message": told["message"]}
        require_equal("what the page was told", wanted | {"data": {"error": told["message"]}}, told)
        last = attempt.window.shown[-1]
        require("You are not connected" in last and told["message"] in last, f"the window showed {last!r}")
        return attempt

    def tokens(self, connection_id: str) -> dict[str, Any]:
        """A connection's tokens."""
        found = self.platform.call("GET", f"/connections/{connection_id}?includeCreds=true&includeRefreshToken=true")
        tokens: dict[str, Any] = found["oauth2AuthorizationCode"]
        self.secrets.update(tokens[name]["token"] for name in ("accessToken", "refreshToken") if tokens.get(name))
        return tokens

    def status(self, connection_id: str) -> str:
        """A connection's status."""
        status: str = self.platform.call("GET", f"/connections/{connection_id}")["status"]
        return status
