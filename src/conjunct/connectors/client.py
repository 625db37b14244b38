"""A connector: one provider, for one customer's credentials, read through its definition."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from conjunct.connectors.addresses import Address, address_of, checked_inputs, endpoint
from conjunct.connectors.auth import Credentials
from conjunct.connectors.definition import Definition
from conjunct.connectors.errors import MalformedAnswer, ProviderError
from conjunct.connectors.exchange import Exchange
from conjunct.connectors.field_plans import field_plan
from conjunct.connectors.field_upserts import ObjectFields
from conjunct.connectors.keeping import Fixed, Keeper
from conjunct.connectors.limits import Limiter, Unlimited
from conjunct.connectors.page_tokens import FIRST_PAGE, PageToken
from conjunct.connectors.paging import Answer, LoopGuard
from conjunct.connectors.passage import Passage
from conjunct.connectors.paths import parse_path
from conjunct.connectors.plans import HttpRequest, object_plan
from conjunct.connectors.query import ALL_FIELDS, ObjectSchema, Page, ReadQuery, Record
from conjunct.connectors.quirks import Filters, Host, Quirks, QuirkyExchange, Turn
from conjunct.connectors.reading import Reader, asked_for, says_empty
from conjunct.connectors.schemas import Describer
from conjunct.connectors.searching import Condition, SearchQuery, search_plan
from conjunct.connectors.traffic import Traffic
from conjunct.connectors.transport import Transport
from conjunct.connectors.write_query import WriteManner, WriteQuery, Written
from conjunct.connectors.writing import Writer
from conjunct.core.problems import NotFound
from conjunct.kit.clock import Clock, SystemClock


class UnknownModule(NotFound):
    """The provider has no module of that name."""

    slug = "unknown-module"
    title = "The provider has no such module"


class Connector:
    """Reads a provider by its definition.

    Before each request `keeper` sees to it that the credentials are good ones; a request that the provider refuses for
    them is repeated once with renewed ones. Without a keeper they are what they are. `limiter` has each request wait
    until the provider's limits allow it, `patience` seconds at most. `inputs` are what the customer gave besides
    credentials; `base_url_override` sends everything to another server (a simulator). Raises `InvalidInputs`,
    `UnusableCredentials`, `UnknownModule`. `timeout` is seconds a request, `max_bytes` the largest answer. Safe to use
    from several tasks.
    """

    def __init__(
        self,
        definition: Definition,
        *,
        transport: Transport,
        credentials: Credentials,
        keeper: Keeper | None = None,
        limiter: Limiter | None = None,
        patience: float = 10.0,
        inputs: Mapping[str, str] | None = None,
        module: str | None = None,
        base_url_override: str | None = None,
        clock: Clock | None = None,
        timeout: float = 60.0,
        max_bytes: int = 64 * 1024 * 1024,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if module is not None and module not in definition.modules:
            known = ", ".join(definition.modules) or "none"
            raise UnknownModule(f"{definition.display} has no module '{module}'.", remedy=f"There are: {known}.")
        self.definition = definition
        self.module = module or definition.default_module
        self._inputs = checked_inputs(definition, inputs or {})
        self._override = base_url_override
        self._address = address_of(definition, self._inputs, base_url_override)
        self._clock = clock or SystemClock()
        make = Exchange if definition.quirks is None else QuirkyExchange
        self._exchange = make(
            definition,
            transport=transport,
            credentials=credentials,
            keeper=keeper or Fixed(credentials),
            limiter=limiter or Unlimited(),
            patience=patience,
            inputs=self._inputs,
            address=self._address,
            clock=self._clock,
            timeout=timeout,
            max_bytes=max_bytes,
        )
        self._reader = Reader(self._exchange)
        self._describer = Describer(self._exchange, self._reader.custom_names, self._sampled)
        self._quirks = self._quirks_of(definition, wait)

    def _quirks_of(self, definition: Definition, wait: Callable[[float], Awaitable[None]]) -> Quirks | None:
        if definition.quirks is None or not isinstance(self._exchange, QuirkyExchange):
            return None
        self._exchange.quirks = definition.quirks(Host(self._exchange, self.describe, wait))
        return self._exchange.quirks

    def __repr__(self) -> str:
        return f"Connector({self.definition.name!r}, {self._address.base_url!r})"

    @property
    def address(self) -> Address:
        """Where the provider is, and which hosts may see the credentials."""
        return self._address

    @property
    def traffic(self) -> Traffic:
        """What it has asked of the provider so far."""
        return self._exchange.traffic

    def passage(self, *, by_module: bool = False) -> Passage:
        """The way for requests that are passed through: relative to the provider's base URL, or to the module's."""
        module = self.definition.modules.get(self.module or "") if by_module else None
        if module is None or module.base_url is None:
            return Passage(self._exchange, self._address.base_url)
        url = endpoint(self.definition, module.base_url, self._inputs, self._override)
        return Passage(self._exchange, url.rstrip("/"))

    async def read_page(self, query: ReadQuery, token: str | None = None) -> Page:
        """One page of a read: the first, or the one that `token` (the `next` of the page before) names.

        Entries that are not records are in `failed`; the page goes on without them. Raises `ProviderError` by its
        classes, `UnknownObject`, `ReadNotSupported`, `UnusableValue`, `BadPageToken`.
        """
        here = PageToken.decode(token) if token is not None else FIRST_PAGE
        if self._quirks is None:
            return await self._usual_page(query, here)
        if here.url is None:
            query = replace(query, filters=await self._filters(query.object, query.filters))
        turn = self._reader.turn(query, here)
        ways = partial(self._usual_page, query, here), partial(self._reader.found, query)
        request = self._reader.request(turn)
        return await self._quirks.read_page(Turn(turn.query, turn.here, turn.is_first, request, *ways))

    async def _usual_page(self, query: ReadQuery, here: PageToken) -> Page:
        part = await self._reader.read(query, here)
        following = part.next.encode() if part.next is not None else None
        if self._exchange.is_guarded and (here is FIRST_PAGE or following is None):
            # With the last page, too: keys that are still good were good for all pages before.
            await self.check()
        return Page(part.records, following, part.total, part.failed, part.filtered, part.under)

    async def pages(self, query: ReadQuery, token: str | None = None) -> AsyncIterator[Page]:
        """All pages from `token` on. Raises as `read_page`, and `CursorLoop` when they lead round in a circle."""
        guard = LoopGuard()
        while True:
            page = await self.read_page(query, token)
            if page.next is not None:
                guard.check(page.next)
            yield page
            token = page.next
            if token is None:
                return

    async def count(self, query: ReadQuery) -> int | None:
        """How many records match, or None where the provider cannot tell. Raises as `read_page`."""
        plan = object_plan(self.definition, query.object)
        rule = plan.definition.count
        if rule is None:
            return None
        query = replace(query, filters=await self._filters(query.object, query.filters))
        if plan.count is None and plan.rule.parent is not None:
            return None  # there is no one page that tells of all
        turn = self._reader.turn(replace(query, page_size=1), FIRST_PAGE)
        request = plan.count or turn.reading.request
        names = request.names | (plan.where.names if plan.where is not None and "where" in request.names else set())
        if asked_for(turn.query) - names or any(turn.variables.get(name) for name in rule.unless):
            return None
        answered = await self._exchange.send(request.build(turn.variables, self._address))
        total = parse_path(rule.at).find(answered.body)
        if isinstance(total, str) and total.isascii() and total.isdigit() and len(total) < 20:
            total = int(total)
        if isinstance(total, bool) or not isinstance(total, int) or not 0 <= total < 2**63:
            raise MalformedAnswer(f"the number of records at '{rule.at}' is not one but of {type(total).__name__}")
        return total

    async def search(self, query: SearchQuery) -> Page:
        """A page of the records that a search finds.

        Raises `ProviderError` by its classes, `UnknownObject`, `ReadNotSupported`, `SearchNotSupported`,
        `UnusableValue`, `BadPageToken`.
        """
        plan = search_plan(self.definition, query.object)
        filters = await self._filters(query.object, query.filters)
        query = replace(query, filters=filters, conditions=await self._conditions(query))
        turn = plan.turn(query, self._inputs, self._address)
        entries: list[Any] = []
        following = None
        try:
            answered = await self._exchange.send(turn.request)
        except ProviderError as error:
            if not says_empty(plan.object.rule.empty_if, error):
                raise
        else:
            with self._exchange.hiding_secrets():
                entries = plan.entries(answered.body, query)
                following = plan.following(turn, Answer(answered.body, answered.headers, entries, turn.variables))
        part = await self._reader.found(ReadQuery(query.object, query.fields), entries)
        if self._exchange.is_guarded:
            await self.check()
        return Page(part.records, next=following, failed=part.failed)

    async def get_by_ids(
        self,
        object_name: str,
        ids: Sequence[str],
        fields: tuple[str, ...] = (),
        associations: tuple[str, ...] = (),
    ) -> list[Record]:
        """The records of those ids, in their order; those that are not there are left out.

        Raises `ProviderError` by its classes, `UnknownObject`, `ReadNotSupported` where it cannot be asked so,
        `UnusableValue`.
        """
        records = await self._reader.by_ids(object_name, ids, fields, associations)
        if self._exchange.is_guarded:
            await self.check()
        return records

    def write_manner(self, query: WriteQuery) -> WriteManner:
        """How `write` would send the query. Raises `UnknownObject`, `WriteNotSupported`."""
        return Writer(self._exchange, self._reader.custom_names).manner(query)

    async def preview_write(self, query: WriteQuery) -> list[HttpRequest]:
        """The requests that `write` would send, without secrets; see `Writer.preview`."""
        return await Writer(self._exchange, self._reader.custom_names).preview(query)

    async def write(self, query: WriteQuery) -> list[Written]:
        """What became of each record, in order; see `Writer.write` for what is raised when."""
        return await Writer(self._exchange, self._reader.custom_names).write(query)

    async def describe(self, object_name: str) -> ObjectSchema:
        """The object's fields. Raises `UnknownObject` and `ProviderError` by its classes."""
        return await self._describer.describe(object_name)

    async def field_names(self, object_name: str) -> tuple[str, ...]:
        """The names of the object's fields. Raises as `describe`."""
        return await self._describer.names(object_name)

    def fields_of(self, object_name: str) -> ObjectFields:
        """The object's fields, to create and change them. Raises `UnknownObject`, `FieldsNotSupported`."""
        plan = field_plan(self.definition, object_name)
        return ObjectFields(plan, object_name, self._exchange, self._quirks)

    async def check(self) -> None:
        """Prove that the credentials are good. Raises `AuthInvalid` and the other classes of `ProviderError`.

        Does nothing for a provider that has no harmless request to prove it with.
        """
        await self._exchange.check()

    async def _conditions(self, query: SearchQuery) -> tuple[Condition, ...]:
        """The conditions with values as the provider's code wants them; a part of a text is one, whatever the field."""
        made: list[Condition] = []
        for each in query.conditions:
            values = each.value if isinstance(each.value, list) else [each.value]
            if each.operator != "contains":
                pairs = await self._filters(query.object, tuple((each.field, value) for value in values))
                values = [value for _, value in pairs]
            made.append(replace(each, value=values if isinstance(each.value, list) else values[0]))
        return tuple(made)

    async def _filters(self, object_name: str, filters: Filters) -> Filters:
        return filters if self._quirks is None else await self._quirks.filters(object_name, filters)

    async def _sampled(self, object_name: str, size: int) -> list[dict[str, Any]]:
        page = await self.read_page(ReadQuery(object_name, (ALL_FIELDS,), page_size=size))
        return [record.raw for record in page.records[:size]]
