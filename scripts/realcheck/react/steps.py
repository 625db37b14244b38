"""What people do with the library, step by step, and what must be true after each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from scripts.realcheck.browser.driving import Browser
from scripts.realcheck.judging import require, require_equal, say
from scripts.realcheck.platform_under_test import Request
from scripts.realcheck.processes import until
from scripts.realcheck.react.consent import PROVIDER, TENANT, Consent
from scripts.realcheck.react.platform_under_test import Platform
from scripts.realcheck.react.product import Product

HERE = Path(__file__).parent
RECORDS = 1000  # contacts of the simulated HubSpot
MAPPED_LEADS = {"NEW": "fresh", "IN_PROGRESS": "busy"}


@dataclass
class Steps:
    """The check, step by step; `figures` are told at the end."""

    platform: Platform
    product: Product
    browser: Browser
    consent: Consent
    figures: dict[str, str] = field(default_factory=dict)
    app: str = ""

    def run(self) -> Counter[Request]:
        """All steps; what the browser has asked of the platform. Raises `CheckFailed`."""
        self.register()
        begun = self.platform.requests()
        self.refused()
        self.install_with_key()
        self.change()
        self.delivered()
        self.reconnect()
        self.uninstall("mill")
        self.install_with_token()
        self.connect_only()
        self.connect_in_steps()
        self.headless()
        self.without_choice()
        self.browser.note()
        return self.platform.requests() - begun

    def register(self) -> None:
        """What a builder does once: destination, manifest, provider app, a key for pages, a key that signs tokens."""
        call = self.platform.call
        metadata = {"url": self.product.webhook}
        call("POST", "/destinations", {"name": "check-webhook", "type": "webhook", "metadata": metadata})
        self.platform.deploy(HERE)
        app = {"provider": "hubspot", "clientId": "refused", "clientSecret": "secret"}
        self.app = call("POST", "/provider-apps", app)["id"]
        key = call("POST", "/api-keys", {"label": "page", "scopes": ["frontend"]})["key"]
        self.product.settings = {"project": "default", "apiKey": key}
        registration = {"label": "check", "algorithm": "RS256", "publicKeyPem": self.product.public_key}
        self.product.kid = call("POST", "/jwt-keys", registration)["kid"]

    def refused(self) -> None:
        """The provider refuses; the page tells it, and the customer can try again."""
        say("The provider refuses the customer …")
        page = self.browser
        page.open(self._page("install", "mill"))
        page.see("Set up HubSpot integration")
        self._through_provider("Next")
        page.see("HubSpot did not give access")
        require(not self.platform.connections("mill"), "there is a connection that the provider refused")
        change = {"updateMask": ["clientId"], "providerApp": {"clientId": "client"}}
        self.platform.call("PATCH", f"/provider-apps/{self.app}", change)

    def install_with_key(self) -> None:
        """OAuth in a window, fields as hydration offers them, a choice of them, an installation that says just that."""
        say("A customer connects, chooses fields and installs; the page has a key of the scope `frontend` …")
        before = self.platform.requests()
        page = self.browser
        page.open(self._page("install", "mill", dynamic="yes"))
        page.see("Set up HubSpot integration")
        self._through_provider("Next")
        page.see("reads the following fields")
        described = self.platform.provider_requests()
        self.figures["asked of HubSpot"] = ", ".join(f"{count} {route}" for route, count in sorted(described.items()))
        connection = self._the_only(self.platform.connections("mill"))
        require(connection["status"] in ("created", "working"), f"the connection is {connection['status']}")
        require_equal(
            "the checkboxes", ["Select all 3 fields", "City", "Phone Number", "Website URL"], page.names("checkbox")
        )
        require_equal(
            "the tabs", ["Contacts", "Accounts", "Write", "Manage"], [each.split("\n")[0] for each in page.names("tab")]
        )
        offered = page.do("options", label="Role")
        require({"Job Title", "Company Name", "Interests"} <= set(offered), f"for a mapping were offered {offered}")
        page.choose("Role", "Job Title")
        page.choose("Nickname", "Company Name")
        page.choose("Lead: Fresh", "New")
        page.choose("Lead: Busy", "In Progress")
        page.tick("Phone Number")
        page.tick("City")
        page.press("Install")
        installed = self._told("installed")
        installation = self._the_only(self.platform.installations("mill"))
        require(installed["values"][0] == installation["id"], f"the page was told of {installed['values'][0]}")
        require(installation["connection"]["id"] == connection["id"], "it is bound to another connection")
        self._require_read(
            "mill",
            "contacts",
            selectedFields={"phone": True, "city": True},
            selectedFieldMappings={"role": "jobtitle", "nickname": "company", "stage": "lifecyclestage"},
            selectedValueMappings={"hs_lead_status": {"fresh": "NEW", "busy": "IN_PROGRESS"}},
        )
        self._count("an install with a key", before)

    def change(self) -> None:
        """Another field, a second object, an object to write to, an object stopped: each changes only itself."""
        say("The customer changes what they have installed …")
        before = self.platform.requests()
        page = self.browser
        page.tab("Contacts")
        page.tick("City")
        page.tick("Website URL")
        page.choose("Nickname", "First Name")
        page.press("Save")
        self._told("updated")
        contacts = {
            "selectedFields": {"phone": True, "website": True},
            "selectedFieldMappings": {"role": "jobtitle", "nickname": "firstname", "stage": "lifecyclestage"},
            "selectedValueMappings": {"hs_lead_status": {"fresh": "NEW", "busy": "IN_PROGRESS"}},
        }
        self._require_read("mill", "contacts", **contacts)
        page.tab("Accounts")
        page.do("fill", css="#field-search", text="Industry")
        page.tick("Industry")
        page.press("Save")
        self._told("updated", 2)
        self._require_read("mill", "companies", selectedFields={"industry": True}, selectedFieldMappings={})
        page.tab("Write")
        page.tick("Contacts")
        page.press("Save")
        self._told("updated", 3)
        write = self._content("mill")["write"]["objects"]
        require_equal("what is written to", {"contacts"}, set(write))
        page.tab("Accounts")
        page.press("Stop reading from Companies")
        page.press("Stop reading")
        page.see("Reading is currently disabled")
        require(self._read("mill", "companies")["disabled"] is True, "companies are still read")
        page.press("Re-enable reading from Companies")
        page.see("Reading from Companies is enabled.")
        require(self._read("mill", "companies").get("disabled") in (False, None), "companies are not read again")
        self._require_read("mill", "contacts", **contacts)
        self._count("five changes", before)

    def delivered(self) -> None:
        """What was chosen in the browser is what arrives."""
        say("Waiting for the backfill …")

        def records() -> list[dict[str, Any]]:
            return [each for message in list(self.product.messages) for each in message["result"]]

        until(f"{RECORDS} contacts arrive", lambda: len(records()) >= RECORDS, within=90)
        for each in records():
            mapped = each["mappedFields"]
            require_equal("the mapped names", {"family", "role", "nickname", "stage", "lead"}, set(mapped))
            status = each["raw"]["properties"]["hs_lead_status"]
            require_equal(f"the lead of {status}", MAPPED_LEADS.get(status, status), mapped["lead"])
        self.figures["backfill"] = f"{len(records())} records, with the fields that were chosen"

    def reconnect(self) -> None:
        """The customer agrees anew; the connection stays the same one."""
        say("The customer agrees anew …")
        before = self._the_only(self.platform.connections("mill"))
        self.browser.tab("Manage")
        self._through_provider("Next")
        self.browser.see("Connection updated successfully")
        after = self._the_only(self.platform.connections("mill"))
        require(before["id"] == after["id"] and before["updateTime"] != after["updateTime"], f"{before} became {after}")

    def uninstall(self, group: str) -> None:
        """The customer uninstalls."""
        self.browser.tab("Manage")
        self.browser.press("Yes, uninstall")
        self.browser.see("Integration successfully uninstalled.")
        self._told("uninstalled")
        require(not self.platform.installations(group), "it is still installed")
        require(not self.platform.connections(group), "it is still connected, though nothing uses that")

    def install_with_token(self) -> None:
        """The same with tokens that the builder's server signs."""
        say("Another customer does the same; the page has tokens that the builder's server signs …")
        before = self.platform.requests()
        page = self.browser
        page.open(self._page("install", "harbor", auth="jwt"))
        page.see("Set up HubSpot integration")
        self._through_provider("Next")
        page.choose("Role", "Company Name")
        page.tick("Website URL")
        page.press("Install")
        self._told("installed")
        self._count("an install with tokens", before)
        chosen = {"role": "company", "stage": "lifecyclestage"}
        self._require_read("harbor", "contacts", selectedFields={"website": True}, selectedFieldMappings=chosen)
        page.tab("Contacts")
        page.tick("Website URL")
        page.tick("Phone Number")
        page.press("Save")
        self._told("updated")
        self._require_read("harbor", "contacts", selectedFields={"phone": True}, selectedFieldMappings=chosen)
        self.uninstall("harbor")
        self.figures["tokens"] = f"{self.product.tokens} signed for one customer's page"

    def connect_only(self) -> None:
        """`ConnectProvider`: a connection without an installation, with tokens and with a key; and away with it."""
        say("Customers only connect: with OAuth, and with a key of theirs …")
        page = self.browser
        page.open(self._page("connect", "ferry", auth="jwt", provider="hubspot"))
        self._through_provider("Next")
        page.see("You have successfully connected your HubSpot account")
        connection = self._the_only(self.platform.connections("ferry"))
        require_equal("what the page was told of", connection["id"], self._told("connected")["values"][0]["id"])
        page.press("Update connection")
        page.press("Remove connection")
        self._told("disconnected")
        require(not self.platform.connections("ferry"), "it is still connected")
        page.open(self._page("connect", "ferry", auth="key", provider="redmine"))
        page.see("Set up Redmine integration")
        page.do("fill", css="#apiKey", text="0123456789abcdef")
        page.do("fill", css="#workspace", text=self.product.url)
        page.press("Next")
        page.see("You have successfully connected your Redmine account")
        made = self._the_only(self.platform.connections("ferry"))
        require(made["provider"] == "redmine", f"{made}")

    def connect_in_steps(self) -> None:
        """A provider of several steps: a consent in a window, whose callback the library hands back."""
        say("An administrator agrees to a provider that is connected in several steps …")
        self.platform.call("POST", "/provider-apps", {"provider": PROVIDER, "clientId": "c", "clientSecret": "s"})
        page = self.browser
        page.open(self._page("connect", "lodge", auth="jwt", provider=PROVIDER))
        self._through_provider("Next", "custom-auth")
        page.see("You have successfully connected your Microsoft (Admin consent) account")
        made = self._the_only(self.platform.connections("lodge"))
        require_equal("what the page was told of", made["id"], self._told("connected")["values"][0]["id"])
        require_equal("its status", "working", made["status"])
        steps = ["/organizations/v2.0/adminconsent", f"/{TENANT}/oauth2/v2.0/token", "/v1.0/organization"]
        require_equal("what the provider was asked", steps, [each.split()[1] for each in self.consent.asked])

    def headless(self) -> None:
        """The hooks, with an interface of the builder's own."""
        say("A builder's own interface uses the hooks …")
        page = self.browser
        page.open(self._page("connect", "quarry", auth="jwt", provider="hubspot"))
        self._through_provider("Next")
        page.see("You have successfully connected")
        page.open(self._page("headless", "quarry", auth="jwt"))
        page.see("Not installed")
        require({"email", "interests"} <= set(page.text("#fields").split()), "the customer's fields are not all there")
        page.press("Choose phone")
        page.press("Map role")
        page.press("Create")
        self._told("installed")
        mapped = {"role": "jobtitle", "stage": "lifecyclestage"}
        self._require_read("quarry", "contacts", selectedFields={"phone": True}, selectedFieldMappings=mapped)
        page.press("Let write")
        page.press("Stop")
        page.press("Update")
        self._told("updated")
        require(self._read("quarry", "contacts")["disabled"] is True, "contacts are still read")
        require_equal("what is written to", {"contacts"}, set(self._content("quarry")["write"]["objects"]))
        page.press("Delete")
        self._told("uninstalled")
        page.see("Not connected")  # the connection goes with the last installation that uses it
        require(not self.platform.installations("quarry"), "it is still installed")

    def without_choice(self) -> None:
        """Without anything to choose, it is installed at once; an object that is not there is told, and left out."""
        say("Integrations without a choice, and with an object that is not there …")
        page = self.browser
        page.open(self._page("install", "quay", auth="jwt", integration="crm-proxy"))
        page.see("Set up HubSpot integration")
        self._through_provider("Next")
        page.see("You have successfully installed your HubSpot integration.")
        made = self._the_only(self.platform.installations("quay", "crm-proxy"))
        require_equal("what the page was told of", made["id"], self._told("installed")["values"][0])
        require_equal("what is installed", {"enabled": True}, made["config"]["content"].get("proxy"))
        page.open(self._page("install", "quay", auth="jwt", integration="crm-odd"))
        page.see("Unable to load object")
        page.tab("Deals")
        page.press("Install")
        self._told("installed")
        made = self._the_only(self.platform.installations("quay", "crm-odd"))
        require_equal("what is installed", {"deals"}, set(made["config"]["content"]["read"]["objects"]))
        connections = self.platform.connections("quay")
        require(len(connections) == 1, f"two integrations of one customer use {len(connections)} connections")

    def _page(self, shown: str, group: str, auth: str = "key", **more: str) -> str:
        return f"{self.product.url}/?{urlencode({'show': shown, 'group': group, 'auth': auth, **more})}"

    def _through_provider(self, button: str, flow: str = "oauth") -> None:
        addresses = self.browser.window(button).addresses
        callback = f"{self.platform.url}/callbacks/v1/{flow}"
        require(any(each.startswith(callback) for each in addresses), f"the window went through {addresses}")

    def _told(self, event: str, times: int = 1) -> dict[str, Any]:
        def ask() -> list[dict[str, Any]] | None:
            found = [each for each in self.browser.told() if each["event"] == event]
            return found if len(found) >= times else None

        return until(f"the library calls back {event!r}", ask, within=20)[-1]

    def _content(self, group: str) -> dict[str, Any]:
        content: dict[str, Any] = self._the_only(self.platform.installations(group))["config"]["content"]
        return content

    def _read(self, group: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._content(group)["read"]["objects"][name]
        return found

    def _require_read(self, group: str, name: str, **chosen: Any) -> None:
        found = self._read(group, name)
        for key, value in chosen.items():
            require_equal(f"{key} of {name}", value, found.get(key))

    def _the_only(self, found: list[dict[str, Any]]) -> dict[str, Any]:
        require(len(found) == 1, f"there is not one: {found}")
        return found[0]

    def _count(self, what: str, before: Counter[Request]) -> None:
        asked = self.platform.requests() - before
        operations = len({each[:2] for each in asked if each[0] != "OPTIONS"})
        counted = f"{sum(asked.values()) - preflights(asked)} requests of {operations} operations"
        self.figures[what] = f"{counted}, and {preflights(asked)} preflights"


def preflights(asked: Mapping[Request, int]) -> int:
    """How many of these requests asked only whether a page may ask."""
    return sum(count for (method, _, _), count in asked.items() if method == "OPTIONS")
