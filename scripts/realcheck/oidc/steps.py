"""What the check does, step by step, and what must be true after each step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from scripts.realcheck.judging import require, require_equal, say
from scripts.realcheck.oidc.customers import CALLBACK, DENY, PROVIDER, SIGN_IN, Customers
from scripts.realcheck.oidc.identity import Identity
from scripts.realcheck.platform_under_test import Platform
from scripts.realcheck.processes import until
from scripts.realcheck.receiver import Receiver

FORCED = 20
AT_ONCE = 20
ROUNDS = 3
CLIENTS = ("steady", "brief", "hasty", "elsewhere")


@dataclass
class Steps:
    """The check, step by step; `figures` are told at the end."""

    platform: Platform
    identity: Identity
    customers: Customers
    receiver: Receiver
    figures: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """All steps. Raises `CheckFailed`."""
        self.register()
        steady, brief = self.connect()
        self.rotate(steady)
        self.refresh_at_once(brief)
        self.revoked(steady)
        self.used_twice(brief)
        self.refusals()
        self.stolen_code()
        self.machine()
        self.delete(steady)
        self.kept_secrets()

    def register(self) -> None:
        """What a builder does once: the clients' ids and secrets, and where notifications go."""
        call = self.platform.call
        for client in CLIENTS:
            app = {"provider": PROVIDER, "clientId": client, "clientSecret": self.identity.secret}
            self.customers.apps[client] = call("POST", "/provider-apps", app)["id"]
        wrong = {"provider": PROVIDER, "clientId": "steady", "externalRef": "wrong", "clientSecret": "not-the-secret"}
        self.customers.apps["wrong"] = call("POST", "/provider-apps", wrong)["id"]
        metadata = {"url": self.receiver.url}
        hook = call("POST", "/destinations", {"name": "alerts", "type": "webhook", "metadata": metadata})
        shown = call("GET", "/destinations/alerts?includeSecrets=true")
        self.receiver.trust(shown["secrets"]["webhookSigningKey"])
        topic = call("POST", "/topics", {"name": "trouble"})["id"]
        route = {"eventType": "connection.error", "topicId": topic}
        call("POST", "/notification-event-topic-routes", route)
        call("POST", "/topic-destination-routes", {"topicId": topic, "destinationId": hook["id"]})

    def connect(self) -> tuple[str, str]:
        """From the builder's page through signing in and agreeing to a connection with tokens."""
        say("Two customers connect in a browser …")
        with self._timed("two connections in a browser"):
            steady, brief = self.customers.connect("mill"), self.customers.connect("harbor", "brief")
        made = self.platform.call("GET", f"/connections/{steady}")
        require_equal("its scheme", "oauth2/authorizationCodePKCE", made["authScheme"])
        require_equal("its workspace", self.identity.url, made["providerWorkspaceRef"])
        tokens = self.customers.tokens(steady)
        require_equal("its scopes", {"openid", "offline_access"}, set(tokens["scopes"]))
        require(self.identity.accepts(tokens["accessToken"]["token"]), "the server does not know its access token")
        asked = [each for each in self.identity.lines() if each.get("asked") == "token"]
        wanted = [("authorization_code", True, 200)] * 2
        require_equal("token requests", wanted, [(each["grant"], each["pkce"], each["status"]) for each in asked])
        return steady, brief

    def rotate(self, connection_id: str) -> None:
        """Each refresh spends a refresh token that is good only once."""
        say(f"{FORCED} refreshes, one after the other …")
        before, seen = self.identity.asked("refresh_token"), [self._refresh_token(connection_id)]
        begun = time.monotonic()
        for _ in range(FORCED):
            self.platform.call("GET", f"/connections/{connection_id}?refresh=force")
            seen.append(self._refresh_token(connection_id))
        taken = time.monotonic() - begun
        require_equal("different refresh tokens", FORCED + 1, len(set(seen)))
        require_equal("refreshes at the server", FORCED, self.identity.asked("refresh_token") - before)
        require_equal("refusals by the server", 0, self.identity.asked("refresh_token", 400))
        access = self.customers.tokens(connection_id)["accessToken"]["token"]
        require(self.identity.accepts(access), "the server does not know the last access token")
        self.figures["rotation"] = f"{FORCED} refreshes, {FORCED} rotated, 0 refused, in {taken:.1f} s"

    def refresh_at_once(self, connection_id: str) -> None:
        """Many who find the access token ended: one refresh."""
        say(f"{AT_ONCE} requests at once on an access token that has ended, {ROUNDS} times …")
        slowest = 0.0
        for _ in range(ROUNDS):
            self._await_end(connection_id)
            before = self.identity.asked("refresh_token")
            begun = time.monotonic()
            with ThreadPoolExecutor(AT_ONCE) as threads:
                answers = list(threads.map(self._get_fresh, [connection_id] * AT_ONCE))
            slowest = max(slowest, time.monotonic() - begun)
            require_equal("the answers", [200] * AT_ONCE, [each.status_code for each in answers])
            require_equal("refreshes at the server", 1, self.identity.asked("refresh_token") - before)
        require_equal("refusals by the server", 0, self.identity.asked("refresh_token", 400))
        self.figures["single flight"] = (
            f"{ROUNDS} times {AT_ONCE} requests at once, 1 refresh each time, slowest {slowest * 1000:.0f} ms"
        )

    def revoked(self, connection_id: str) -> None:
        """The customer ends the grant at the provider; they are told of once, and agree anew."""
        say("A grant is revoked at the server; the customer agrees anew …")
        self.identity.revoke(self._refresh_token(connection_id))
        self._require_refused(connection_id)
        again = self.customers.connect("mill", start=self.customers.start_again(connection_id))
        self._require_good(connection_id, again)

    def used_twice(self, connection_id: str) -> None:
        """Someone else uses an old refresh token, for which the server ends the grant: no less reported."""
        say("An old refresh token is used by a thief, so that the server ends the grant …")
        self._await_end(connection_id)
        old = self._refresh_token(connection_id)
        require_equal("a refresh", 200, self._get_fresh(connection_id).status_code)
        require_equal("why it is refused", "grant request is invalid", self.identity.refuses(old, "brief"))
        self._require_refused(connection_id)
        self._require_good(connection_id, self.customers.connect("harbor", "brief"))
        told = [body["data"]["connectionId"] for body in self.receiver.messages.values()]
        require_equal("connections that were told of", 2, len(told))
        require_equal("messages whose signature is wrong", 0, self.receiver.refused)
        self.figures["lost grants"] = "2 (revoked, reused), each told by 1 notification and made good by reconnecting"

    def refusals(self) -> None:
        """Everything that can go wrong in the browser ends in words, on our page and in the message."""
        say("What can go wrong in the browser …")
        customers, group = self.customers, "quay"
        start = customers.start(group, "steady")
        customers.fail(start, "did not give access: End-User aborted interaction", (*SIGN_IN, DENY))
        changed = {"path": CALLBACK, "query": {"state": "A" * 43}}
        tampered = customers.fail(customers.start(group, "steady"), "is not one of ours", held=changed)
        late = {"path": CALLBACK, "milliseconds": 2500}
        customers.fail(customers.start(group, "hasty"), "gave no tokens", held=late)
        customers.fail(customers.start(group, "wrong"), "gave no tokens")
        require_equal("requests of a wrong client", 1, self.identity.asked("authorization_code", 401))
        # The state of the tampered attempt is still good: it goes once, and then never again.
        customers.go(tampered.callback, ())
        require(len(self.platform.connections(group)) == 1, "the untouched address does not connect")
        customers.fail(tampered.callback, "was used before", ())
        stranded = customers.go(
            customers.start("ferry", "elsewhere"), (), until="redirect_uri did not match any of the client's"
        )
        require_equal("messages from the server's own page of errors", [], stranded.messages)
        require(not self.platform.connections("ferry"), "there is a connection that the server refused")
        self.figures["refusals in the browser"] = (
            "denied, tampered, expired, replayed, wrong secret: words, message; wrong redirect URI: its own page"
        )

    def stolen_code(self) -> None:
        """A code that was given to another customer's flow buys nothing: PKCE binds it to the one that asked."""
        say("Someone puts a code of their own into another customer's flow …")
        held = {"path": CALLBACK, "query": {"state": "B" * 43}}
        thief = self.customers.fail(self.customers.start("thief", "steady"), "is not one of ours", held=held)
        swapped = {"path": CALLBACK, "query": {"code": thief.query("code")}}
        before = self.identity.asked("authorization_code", 400)
        self.customers.fail(self.customers.start("victim", "steady"), "gave no tokens", held=swapped)
        require_equal("codes refused by the server", 1, self.identity.asked("authorization_code", 400) - before)
        require(not self.platform.connections("victim"), "the victim is connected to the thief's account")

    def machine(self) -> None:
        """Client credentials: a token at once, and another one when that has ended."""
        say("A customer gives client credentials …")
        before = self.identity.asked("client_credentials")
        body = {
            "provider": "check-machine",
            "providerWorkspaceRef": self.identity.url,
            "groupRef": "engine",
            "consumerRef": "engine",
            "oauth2ClientCredentials": {"clientId": "machine", "clientSecret": self.identity.secret},
        }
        made = self.platform.call("POST", "/connections:generate", body)
        require_equal("its scheme", "oauth2/clientCredentials", made["authScheme"])
        first = self._get_fresh(made["id"])
        require_equal("the answer", 200, first.status_code)
        require(self.identity.asked("client_credentials") - before >= 1, "no token was got at the server")
        time.sleep(6)  # until the token has ended, whose times are the server's
        before = self.identity.asked("client_credentials")
        with ThreadPoolExecutor(AT_ONCE) as threads:
            answers = list(threads.map(self._get_fresh, [made["id"]] * AT_ONCE))
        require_equal("the answers", [200] * AT_ONCE, [each.status_code for each in answers])
        require_equal("new tokens", 1, self.identity.asked("client_credentials") - before)
        wrong = {**body, "oauth2ClientCredentials": {"clientId": "machine", "clientSecret": "not-the-secret"}}
        refused = self.platform.ask("POST", "/connections:generate", {**wrong, "groupRef": "wrong"})
        if refused.status_code == 201:  # the token is got only when it is needed
            refused = self._get_fresh(refused.json()["id"])
        require(refused.status_code == 422, f"a wrong secret: {refused.status_code} {refused.text}")
        self.figures["client credentials"] = f"a token, {AT_ONCE} requests at once after its end: 1 new token"

    def delete(self, connection_id: str) -> None:
        """Deleting a connection ends the grant at the server."""
        say("A connection is deleted …")
        refresh_token, before = self._refresh_token(connection_id), self.identity.revocations()
        self.platform.call("DELETE", f"/connections/{connection_id}")
        until("the server is asked to revoke", lambda: self.identity.revocations() > before, within=20)
        require_equal("why it is refused", "grant request is invalid", self.identity.refuses(refresh_token))
        self.figures["deletion"] = f"{self.identity.revocations() - before} revocation at the server"

    def kept_secrets(self) -> None:
        """Nothing secret that went through all of this stands in the log."""
        text = self.platform.log.read_text(errors="replace")
        found = [each[:4] + "…" for each in self.customers.secrets | {self.identity.secret} if each in text]
        require(not found, f"the log holds secrets that begin with {found}")
        faults = [each["fault"] for each in self.identity.lines() if "fault" in each]
        require(not faults, f"the server has failed: {faults}")
        self.figures["secrets"] = f"{len(self.customers.secrets) + 1} looked for in the log, 0 found"

    def _refresh_token(self, connection_id: str) -> str:
        token: str = self.customers.tokens(connection_id)["refreshToken"]["token"]
        return token

    def _get_fresh(self, connection_id: str, refresh: str = "ifExpired") -> httpx.Response:
        return self.platform.ask("GET", f"/connections/{connection_id}?refresh={refresh}")

    def _await_end(self, connection_id: str) -> None:
        """Wait until the access token has ended."""
        end = datetime.fromisoformat(self.customers.tokens(connection_id)["accessToken"]["expiresAt"])
        time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()) + 0.1)

    def _require_refused(self, connection_id: str) -> None:
        """The grant is gone: each refresh says so, the connection is marked, and that is told once."""
        for _ in range(3):
            answer = self._get_fresh(connection_id, "force")
            problem: dict[str, Any] = answer.json()
            require_equal("the answer", 422, answer.status_code)
            require(problem["type"].endswith("/refresh-refused") and problem["remedy"], f"the problem is {problem}")
        require_equal("the status", "bad_credentials", self.customers.status(connection_id))
        until("a notification", lambda: self._told_of(connection_id), within=30)

    def _require_good(self, connection_id: str, again: str) -> None:
        require_equal("the connection after agreeing anew", connection_id, again)
        self.platform.call("GET", f"/connections/{connection_id}?refresh=force")
        require(self.customers.status(connection_id) in ("created", "working"), "the connection is not good again")
        require_equal("notifications of one lost grant", 1, len(self._told_of(connection_id)))

    def _told_of(self, connection_id: str) -> list[dict[str, Any]]:
        told = list(self.receiver.messages.values())
        return [
            body
            for body in told
            if body["notificationType"] == "connection.error" and body["data"]["connectionId"] == connection_id
        ]

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.figures[what] = f"{time.monotonic() - begun:.1f} s"
