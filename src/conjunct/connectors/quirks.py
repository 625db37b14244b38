"""Code beside a definition, for what data cannot say: `quirks.py` in a provider's folder.

It has one class that derives from `Quirks` and overrides the methods that it needs. The catalog finds it, the connector
asks it. It works through its `Host`, so that every request of its own has the credentials, limits and errors that all
others have. It never comes with a definition that somebody uploads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from conjunct.connectors.addresses import Address
from conjunct.connectors.answers import Tells
from conjunct.connectors.definition import Definition
from conjunct.connectors.exchange import Answered, Exchange
from conjunct.connectors.field_plans import FieldDraft
from conjunct.connectors.page_tokens import PageToken
from conjunct.connectors.parents import Part
from conjunct.connectors.plans import HttpRequest
from conjunct.connectors.query import ObjectSchema, Page, ReadQuery

Filters = tuple[tuple[str, Any], ...]
"""(field, value) equalities."""

Send = Callable[[HttpRequest], Awaitable[Answered]]


@dataclass(frozen=True, slots=True)
class Host:
    """The connector as its quirks see it.

    `describe` is that of the connector; `wait` lets so many seconds pass.
    """

    exchange: Exchange
    describe: Callable[[str], Awaitable[ObjectSchema]]
    wait: Callable[[float], Awaitable[None]]

    @property
    def definition(self) -> Definition:
        """What the quirks belong to."""
        return self.exchange.definition

    @property
    def address(self) -> Address:
        """Where the provider is."""
        return self.exchange.address

    async def send(self, request: HttpRequest) -> Answered:
        """Send a request with good credentials. Raises `ProviderError` by its classes."""
        return await self.exchange.send(request)


@dataclass(frozen=True, slots=True)
class Turn:
    """One page to be read: the query, where it begins, the request that asks for it, and the usual way to read it.

    `found` makes records of the entries of a page that came in another way.
    """

    query: ReadQuery
    here: PageToken
    is_first: bool
    request: HttpRequest
    usual: Callable[[], Awaitable[Page]]
    found: Callable[[list[Any]], Awaitable[Part]]


class Quirks:
    """What a provider does in a way of its own. Each method does here what happens without it.

    One is made for each connector. Like it, it must be safe to use from several tasks.
    """

    def __init__(self, host: Host) -> None:
        self.host = host

    async def send(self, request: HttpRequest, send: Send) -> Answered:
        """Every request goes through here; `send` sends one."""
        return await send(request)

    async def filters(self, _object_name: str, filters: Filters) -> Filters:
        """The values that a read, a count or a search is limited to, as the templates are to be given them."""
        return filters

    async def read_page(self, turn: Turn) -> Page:
        """One page of a read. A token of its own making begins with `PageToken(variables=...)`."""
        return await turn.usual()

    def field(self, draft: FieldDraft) -> FieldDraft:
        """A field to be made, with the facts that the templates are to be given."""
        return draft

    async def after_field(self, _object_name: str, _field: str, _draft: FieldDraft) -> tuple[str, ...]:
        """A field is as it should be: do what else it needs. Gives warnings for whoever wanted it."""
        return ()


class QuirkyExchange(Exchange):
    """An exchange whose requests go through quirks."""

    quirks: Quirks | None = None

    async def send(self, request: HttpRequest, tells: Tells | None = None) -> Answered:
        """As `Exchange.send`."""
        send: Send = partial(super().send, tells=tells)
        return await (send(request) if self.quirks is None else self.quirks.send(request, send))
