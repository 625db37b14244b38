"""A customer with a link and a browser; every page that they see is judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from scripts.realcheck.browser.driving import Browser
from scripts.realcheck.connect_link.providers_server import KEY, PASSWORD, USER, WELCOME
from scripts.realcheck.judging import require, require_equal, say
from scripts.realcheck.platform_under_test import Platform

AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NARROW = 320  # pixels
WHO = {"groupRef": "acme", "groupName": "Acme <b>Inc</b>", "consumerRef": "ada"}
ALL = ["desk", "ledger", "hubspot"]


@dataclass
class Walk:
    """All ways through the pages, in a browser that runs scripts or none. axe-core is a script, and so needs them."""

    platform: Platform
    browser: Browser
    others: str
    scripts: bool
    pages: list[str] = field(default_factory=list)
    rules: int = 0
    connected: int = 0

    def run(self) -> None:
        """Connect in every way, and meet every refusal."""
        for step in (self.a_key, self.a_password, self.agreeing, self.refused, self.over):
            say(f"{step.__name__.replace('_', ' ')}, {'with' if self.scripts else 'without'} scripts")
            step()

    def a_key(self) -> None:
        """One of several providers, what is wrong on the way, and on to the builder's page at the end."""
        link = self.link(providers=ALL, returnUrl=f"{self.others}/welcome?tab=crm")
        self.open(link["url"])
        self.judge("choice", "What do you want to connect?")
        self.browser.do("click", role="link", name="Help Desk")
        self.judge("form", "Address of your help desk")
        self.press("Connect Help Desk")
        self.judge("form with what is missing", "Give the API key.")
        require_equal("what has the focus", "alert", self.browser.do("focused"))
        self.fill(providerWorkspaceRef=self.others, apiKey="wrong")
        self.press("Connect Help Desk")
        self.judge("form with what the provider refused", "You are not connected yet")
        self.fill(apiKey=KEY)
        self.press("Connect Help Desk")
        self.browser.see(WELCOME)
        query = dict(parse_qsl(urlsplit(self.browser.do("url")).query))
        require_equal("the query at the end", {"tab": "crm", "connectionId": self.became(link)}, query)
        self.open(link["url"])
        self.judge("done, with the way on", "You are connected")

    def a_password(self) -> None:
        """A provider's user name and password, with nowhere to go at the end."""
        link = self.link(provider="ledger")
        self.open(link["url"])
        self.fill(**{"providerWorkspaceRef": self.others, "basicAuth.username": USER, "basicAuth.password": PASSWORD})
        self.judge("form with a password", "Password for Ledger & Sons")
        self.press("Connect Ledger & Sons")
        self.judge("done", "You can close this window now.")
        self.became(link)

    def agreeing(self) -> None:
        """OAuth: to the provider and back, by full pages."""
        link = self.link(provider="hubspot")
        self.open(link["url"])
        self.judge("on to the provider", "come back here when you have agreed")
        self.press("Continue to HubSpot")
        self.browser.see("You are connected")
        require_equal("the page at the end", urlsplit(link["url"]).path, urlsplit(self.browser.do("url")).path)
        self.became(link)

    def refused(self) -> None:
        """The provider did not let the customer; they try again."""
        link = self.link(provider="hubspot", returnUrl=f"{self.others}/welcome")
        answer = self.platform.client.post(
            link["url"] + "?provider=hubspot", headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        state = answer.text.partition("state=")[2].partition("&")[0].partition('"')[0]
        refusal = f"/callbacks/v1/oauth?state={state}&error=access_denied&error_description=<i>No</i>"
        self.open(self.platform.url + refusal)
        self.judge("what the provider refused", "<i>No</i>")
        self.press("Continue to HubSpot")
        self.browser.see(WELCOME)
        self.became(link)

    def over(self) -> None:
        """A link that was revoked."""
        link = self.link(provider="desk")
        self.platform.call("DELETE", f"/connect-links/{link['id']}")
        self.open(link["url"])
        self.judge("revoked", "has been revoked")

    def link(self, **body: Any) -> dict[str, Any]:
        """Make a link."""
        made: dict[str, Any] = self.platform.call("POST", "/connect-links", {**WHO, **body})
        return made

    def became(self, link: dict[str, Any]) -> str:
        """The id of the connection that a link was used for."""
        shown = self.platform.call("GET", f"/connect-links/{link['id']}")
        require_equal("the link's status", "connected", shown["status"])
        self.connected += 1
        return str(self.platform.call("GET", f"/connections/{shown['connectionId']}")["id"])

    def open(self, url: str) -> None:
        """Go there, in a new session."""
        self.browser.open(url, scripts=self.scripts, width=NARROW)

    def fill(self, **values: str) -> None:
        """Type into fields, by their names."""
        for name, value in values.items():
            self.browser.do("fill", css=f'[name="{name}"]', text=value)

    def press(self, name: str) -> None:
        """Press a button."""
        self.browser.press(name)

    def judge(self, page: str, text: str) -> None:
        """See the page, and see that nothing is wrong with it: it fits, and is accessible."""
        self.browser.see(text)
        self.pages.append(page)
        width, window = self.browser.do("width")
        require(width <= window, f"{page} is {width} pixels wide, in a window of {window}")
        if self.scripts:
            found = self.browser.do("accessibility", axe=str(AXE), tags=TAGS)
            require(not found["violations"], f"{page} is not accessible: {found['violations']}")
            require(not found["open"], f"{page} may not be accessible: {found['open']}")
            self.rules += found["met"]
