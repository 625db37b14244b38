"""Hosted links as a test drives them: made over the API, their pages read as a browser reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.connections.flows import WHO, Flow

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PATH = "/v1/projects/acme/connect-links"


class _Reader(HTMLParser):
    """Elements with their attributes, and the text that is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("style", "title"):
            self.texts.append(data)


@dataclass(frozen=True, slots=True)
class Page:
    """A page: what is shown, what can be typed, where it leads."""

    response: httpx.Response
    text: str
    elements: list[tuple[str, dict[str, str]]] = field(repr=False)

    @classmethod
    def of(cls, response: httpx.Response) -> Page:
        reader = _Reader()
        reader.feed(response.text)
        return cls(response, " ".join(" ".join(reader.texts).split()), reader.elements)

    @property
    def status(self) -> int:
        return self.response.status_code

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of all elements of this kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def fields(self) -> dict[str, dict[str, str]]:
        """The controls that can be filled in, by name."""
        return {each["name"]: each for tag in ("input", "select", "textarea") for each in self.all(tag)}

    @property
    def forward(self) -> str | None:
        """Where the browser goes on to at once."""
        found = [each["content"] for each in self.all("meta") if each.get("http-equiv") == "refresh"]
        return found[0].removeprefix("0; url=") if found else None

    @property
    def links(self) -> list[str]:
        return [each["href"] for each in self.all("a")]

    def fault(self, name: str) -> str | None:
        """The words that a field is described by because of its value, which it then says is wrong."""
        control = self.fields[name]
        if control.get("aria-invalid") != "true":
            return None
        at = next(each for each in control["aria-describedby"].split() if each.endswith("-fault"))
        shown = self.response.text.partition(f'id="{at}">')[2].partition("</p>")[0]
        assert shown
        assert f"#{control['id']}" in self.links  # from the summary
        return shown


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a link, whose browser runs no script and keeps no cookie."""

    flow: Flow
    url: httpx.URL

    async def get(self, query: str = "") -> Page:
        return Page.of(await self.flow.browser.get(f"{self.url}{query}"))

    async def send(self, values: dict[str, str], query: str = "") -> httpx.Response:
        """Send the form."""
        return await self.flow.browser.post(f"{self.url}{query}", content=urlencode(values), headers=FORM)

    async def sent(self, values: dict[str, str], query: str = "") -> Page:
        """Send the form, and go where that leads on our own pages."""
        return await self.followed(await self.send(values, query))

    async def followed(self, answer: httpx.Response) -> Page:
        while answer.status_code == 303:
            answer = await self.flow.browser.get(answer.request.url.join(answer.headers["location"]))
        return Page.of(answer)


async def make_link(flow: Flow, provider: str | None = "redmine", **more: Any) -> dict[str, Any]:
    """Make a link over the API; gives its answer."""
    named = {} if provider is None else {"provider": provider}
    answer = await flow.client.post(PATH, json={**named, **WHO, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def visit(flow: Flow, provider: str | None = "redmine", **more: Any) -> Visitor:
    """Make a link and give it to somebody."""
    return visitor(flow, (await make_link(flow, provider, **more))["url"])


def visitor(flow: Flow, url: str) -> Visitor:
    """Somebody with this URL, which leads to where the test is served instead of the public URL."""
    return Visitor(flow, flow.client.base_url.join(httpx.URL(url).path))


async def link_json(flow: Flow) -> dict[str, Any]:
    """The project's only link, as the API shows it."""
    [found] = (await flow.client.get(PATH)).json()
    return dict(found)
