"""A connector: one provider, for one customer's credentials, read through its definition."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from conjunct.connectors.addresses import Address, address_of, checked_inputs, without_query
from conjunct.connectors.auth import Credentials
from conjunct.connectors.definition import Definition
from conjunct.connectors.describing import described_fields, display_name, sampled_fields, static_fields
from conjunct.connectors.errors import CursorLoop, MalformedAnswer
from conjunct.connectors.exchange import Exchange
from conjunct.connectors.field_plans import field_plan
from conjunct.connectors.field_upserts import ObjectFields
from conjunct.connectors.keeping import Fixed, Keeper
from conjunct.connectors.limits import Limiter, Unlimited
from conjunct.connectors.page_tokens import FIRST_PAGE, PageToken
from conjunct.connectors.paging import Answer, LoopGuard
from conjunct.connectors.paths import parse_path
from conjunct.connectors.plans import (
    HttpRequest,
    ObjectPlan,
    ReadNotSupported,
    ReadPlan,
    UnknownObject,
    object_plan,
    page_variables,
)
from conjunct.connectors.query import ALL_FIELDS, FieldMetadata, ObjectSchema, Page, ReadQuery, Record
from conjunct.connectors.quirks import Filters, Host, Quirks, QuirkyExchange, Turn
from conjunct.connectors.records import TimeFilter, compile_reader, locate
from conjunct.connectors.schema_definition import SchemaRule
from conjunct.connectors.searching import SearchQuery, search_plan
from conjunct.connectors.transport import Transport
from conjunct.connectors.write_query import WriteQuery, Written
from conjunct.connectors.writing import Writer
from conjunct.core.problems import NotFound
from conjunct.kit.clock import Clock, SystemClock

FROZEN_UNTIL = "frozen_until"
"""The sticky part of a page token that keeps the end of a read that was begun without one."""


class UnknownModule(NotFound):
    """The provider has no module of that name."""

    slug = "unknown-module"
    title = "The provider has no such module"


@dataclass(frozen=True, slots=True)
class _Turn:
    """One page being read: what was asked, how it is read, where it begins."""

    query: ReadQuery
    plan: ObjectPlan
    reading: ReadPlan
    here: PageToken
    is_first: bool
    variables: dict[str, Any]


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

    async def read_page(self, query: ReadQuery, token: str | None = None) -> Page:
        """One page of a read: the first, or the one that `token` (the `next` of the page before) names.

        Entries that are not records are in `failed`; the page goes on without them. Raises `ProviderError` by its
        classes, `UnknownObject`, `ReadNotSupported`, `UnusableValue`, `BadPageToken`.
        """
        here = PageToken.decode(token) if token is not None else FIRST_PAGE
        if self._quirks is None:
            return await self._usual_page(self._turn(query, here))
        if here.url is None:
            query = replace(query, filters=await self._filters(query.object, query.filters))
        turn = self._turn(query, here)
        usual = partial(self._usual_page, turn)
        return await self._quirks.read_page(Turn(turn.query, turn.here, turn.is_first, self._request(turn), usual))

    async def _usual_page(self, turn: _Turn) -> Page:
        answered = await self._exchange.send(self._request(turn))
        with self._exchange.hiding_secrets():
            page = self._page(turn, answered.headers, answered.body)
        if self._exchange.is_guarded and (turn.is_first or page.next is None):
            # With the last page, too: keys that are still good were good for all pages before.
            await self.check()
        return page

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
        turn = self._turn(replace(query, page_size=1), FIRST_PAGE)
        request = plan.count or turn.reading.request
        names = request.names | (plan.where.names if plan.where is not None and "where" in request.names else set())
        if _asked_for(turn.query) - names or any(turn.variables.get(name) for name in rule.unless):
            return None
        answered = await self._exchange.send(request.build(turn.variables, self._address))
        total = parse_path(rule.at).find(answered.body)
        if isinstance(total, str) and total.isascii() and total.isdigit():
            total = int(total)
        if isinstance(total, bool) or not isinstance(total, int) or total < 0:
            raise MalformedAnswer(f"the number of records at '{rule.at}' is not one but of {type(total).__name__}")
        return total

    async def search(self, query: SearchQuery) -> Page:
        """The one page of records that a search gives.

        Raises `ProviderError` by its classes, `UnknownObject`, `ReadNotSupported`, `SearchNotSupported`,
        `UnusableValue`.
        """
        plan = search_plan(self.definition, query.object)
        query = replace(query, filters=await self._filters(query.object, query.filters))
        answered = await self._exchange.send(plan.build(query, self._inputs, self._address))
        with self._exchange.hiding_secrets():
            page = plan.page(answered.body, query.fields)
        if self._exchange.is_guarded:
            await self.check()
        return page

    async def write(self, query: WriteQuery) -> list[Written]:
        """What became of each record, in order; see `Writer.write` for what is raised when."""
        return await Writer(self._exchange).write(query)

    async def describe(self, object_name: str) -> ObjectSchema:
        """The object's fields. Raises `UnknownObject` and `ProviderError` by its classes."""
        known = self.definition.object(object_name)
        if known is None:
            raise UnknownObject(f"{self.definition.display} has no object '{object_name}'.")
        rule = known.schema_ or SchemaRule()
        fields = static_fields(rule.fields)
        plan = object_plan(self.definition, object_name)
        if plan.describe is not None:
            variables = plan.variables(ReadQuery(object_name), self._inputs)
            answered = await self._exchange.send(plan.describe.build(variables, self._address))
            fields |= described_fields(answered.body, rule)
        elif rule.source == "sample":
            fields = {**await self._sampled(object_name, rule.sample_size), **fields}
        return ObjectSchema(object_name, known.display or display_name(object_name), fields)

    def fields_of(self, object_name: str) -> ObjectFields:
        """The object's fields, to create and change them. Raises `UnknownObject`, `FieldsNotSupported`."""
        plan = field_plan(self.definition, object_name)
        return ObjectFields(plan, object_name, self._exchange, self._quirks)

    async def check(self) -> None:
        """Prove that the credentials are good. Raises `AuthInvalid` and the other classes of `ProviderError`.

        Does nothing for a provider that has no harmless request to prove it with.
        """
        await self._exchange.check()

    async def _filters(self, object_name: str, filters: Filters) -> Filters:
        return filters if self._quirks is None else await self._quirks.filters(object_name, filters)

    def _turn(self, query: ReadQuery, here: PageToken) -> _Turn:
        plan = object_plan(self.definition, query.object)
        is_first = here is FIRST_PAGE
        if plan.rule.freeze_until and query.since is not None and query.until is None:
            frozen = here.sticky.get(FROZEN_UNTIL)
            query = replace(
                query, until=datetime.fromisoformat(frozen) if isinstance(frozen, str) else self._clock.now()
            )
            here = replace(here, sticky={**here.sticky, FROZEN_UNTIL: str(query.until)})
        base = plan.variables(query, self._inputs)
        reading = plan.choose(base, query.page_size, self._address)
        _refuse_what_it_cannot(query, reading)
        return _Turn(query, plan, reading, here, is_first, page_variables(reading, base, here, query.page_size))

    def _request(self, turn: _Turn) -> HttpRequest:
        if turn.here.url is None:
            return turn.reading.request.build(turn.variables, self._address)
        headers, body = turn.reading.request.content(turn.variables)
        return HttpRequest(
            turn.reading.request.method,
            self._address.own(turn.here.url),
            headers,
            body,
            bucket=turn.reading.request.bucket,
        )

    def _page(self, turn: _Turn, headers: Mapping[str, str], body: Any) -> Page:
        rule, reading = turn.plan.rule, turn.reading
        entries = locate(body, reading.records, optional=rule.records_optional)
        reader = self.definition.once(
            ("reader", turn.plan.name, turn.query.fields), lambda: compile_reader(rule, turn.query.fields)
        )
        records, failed = reader.read(entries)
        following = reading.pager.following(Answer(body, headers, entries, turn.variables), turn.here)
        if following is not None:
            following = self._kept(turn, following, records)
        wanted, ended = _within_bounds(turn, records)
        return Page(
            records=wanted,
            next=following.encode() if following is not None and not ended else None,
            total=_total(reading, body) if turn.is_first else None,
            failed=failed,
            filtered=len(records) - len(wanted),
        )

    def _kept(self, turn: _Turn, following: PageToken, records: list[Record]) -> PageToken:
        """The token as it is kept: on our hosts, without secrets, with what tells a page that is served twice."""
        if following.url is not None:
            seen_at = turn.here.url or turn.reading.request.build(turn.variables, self._address).url
            own = self._address.own(following.url, self._address.own(seen_at))
            return replace(following, url=without_query(own, self._exchange.secret_parameters))
        if turn.reading.page.style not in ("offset", "page") or not records or len(records) == 1:
            return following
        first = records[0].id
        if first is not None and first == turn.here.first:
            raise CursorLoop("the provider gave the same page twice; it does not heed where we want to go on")
        return replace(following, first=first)

    async def _sampled(self, object_name: str, size: int) -> dict[str, FieldMetadata]:
        page = await self.read_page(ReadQuery(object_name, (ALL_FIELDS,), page_size=size))
        rule = object_plan(self.definition, object_name).rule
        return sampled_fields((record.raw for record in page.records[:size]), rule)


def _within_bounds(turn: _Turn, records: list[Record]) -> tuple[list[Record], bool]:
    # Also where the provider was given a bound: what it calls "since" may begin earlier.
    rule, since, until = turn.plan.rule.client_filter, turn.query.since, turn.query.until
    if rule is None or (since is None and until is None):
        return records, False
    return TimeFilter(rule, since, until).keep(records)


def _asked_for(query: ReadQuery) -> set[str]:
    asked = {"since": query.since, "until": query.until, "filter": query.filters, "deleted": query.deleted}
    return {name for name, value in asked.items() if value}


def _refuse_what_it_cannot(query: ReadQuery, reading: ReadPlan) -> None:
    """Bounds that are not sent cost a longer read; anything else that is not sent would give other records."""
    for name, what in (("filter", "limit a read to equal values"), ("deleted", "tell of deleted records")):
        if name in _asked_for(query) and name not in reading.names:
            raise ReadNotSupported(f"The provider cannot {what} when it reads '{query.object}' in this way.")


def _total(reading: ReadPlan, body: Any) -> int | None:
    total = reading.total.find(body) if reading.total is not None else None
    return total if isinstance(total, int) and not isinstance(total, bool) else None
