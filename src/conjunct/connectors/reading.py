"""Reading the records of an object, page by page: the request of each, and everything that makes its answer a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from conjunct.connectors.addresses import without_query
from conjunct.connectors.associating import AssociationPlan, InRecordPlan, association_plans, with_associations
from conjunct.connectors.by_ids import by_ids_plan
from conjunct.connectors.custom_names import CustomNames
from conjunct.connectors.errors import CursorLoop, ProviderError, ResourceNotFound
from conjunct.connectors.exchange import Answered, Exchange
from conjunct.connectors.hydrating import hydrate_plan, whole_records
from conjunct.connectors.page_tokens import PageToken
from conjunct.connectors.paging import Answer
from conjunct.connectors.parents import PARENT_ID, Part, Place, parents_query, read_under
from conjunct.connectors.plans import (
    HttpRequest,
    ObjectPlan,
    ReadNotSupported,
    ReadPlan,
    object_plan,
    page_variables,
)
from conjunct.connectors.query import FailedRecord, ReadQuery, Record
from conjunct.connectors.read_definition import EmptyIf, Parent
from conjunct.connectors.records import RecordReader, TimeFilter, compile_reader, locate

FROZEN_UNTIL = "frozen_until"
"""The sticky part of a page token that keeps the end of a read that was begun without one."""

MOST_READERS = 200


@dataclass(frozen=True, slots=True)
class Way:
    """How the pages of a query are read: what is the same for all of them."""

    query: ReadQuery
    plan: ObjectPlan
    reading: ReadPlan
    associations: Sequence[AssociationPlan]
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PageTurn:
    """One page being read: what was asked, how it is read, where it begins."""

    query: ReadQuery
    plan: ObjectPlan
    reading: ReadPlan
    associations: Sequence[AssociationPlan]
    here: PageToken
    is_first: bool
    variables: dict[str, Any]


class Reader:
    """Reads the records of a connector's provider. Safe to use from several tasks."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._definition = exchange.definition
        self.custom_names = CustomNames(exchange)
        self._readers: dict[tuple[str, tuple[str, ...]], RecordReader] = {}
        self._last_way: Way | None = None

    async def read(self, query: ReadQuery, here: PageToken) -> Part:
        """The page that begins there. Raises as `Connector.read_page`."""
        plan = object_plan(self._definition, query.object)
        query, here = self._with_bounds(plan, query, here)
        rule = plan.rule.parent
        if rule is None:
            return await self._page(self._turn(query, here, {}))
        # What cannot be read is refused here, before anything is asked of the parents.
        path = self.turn(query, PageToken()).reading.request.path
        return await read_under(
            rule,
            here,
            path,
            lambda there: self.read(parents_query(rule, query), there),
            lambda place: self._children(query, rule, place),
        )

    def turn(self, query: ReadQuery, here: PageToken) -> PageTurn:
        """What a page is read with; what parents would give is blank. Raises `UnknownObject`, `ReadNotSupported`."""
        plan = object_plan(self._definition, query.object)
        query, here = self._with_bounds(plan, query, here)
        names = (PARENT_ID, *plan.rule.parent.take) if plan.rule.parent is not None else ()
        return self._turn(query, here, dict.fromkeys(names, "-"))

    def request(self, turn: PageTurn) -> HttpRequest:
        """The request for a page. Raises `UnusableValue`, `ForeignUrl`."""
        address, plan = self._exchange.address, turn.reading.request
        if turn.here.url is None:
            return plan.build(turn.variables, address)
        headers, body = plan.content(turn.variables)
        return HttpRequest(plan.method, address.own(turn.here.url), headers, body, bucket=plan.bucket)

    async def by_ids(
        self, object_name: str, ids: Sequence[str], fields: tuple[str, ...], associations: tuple[str, ...]
    ) -> list[Record]:
        """The records of those ids that there are, in the order of the ids. Raises as `Connector.get_by_ids`."""
        query = ReadQuery(object_name, fields, associations=associations)
        plan = object_plan(self._definition, object_name)
        known = by_ids_plan(self._definition, plan)
        plans, variables = self._variables(plan, query)
        wanted = list(dict.fromkeys(ids))
        entries = await known.entries(self._exchange, wanted, variables)
        reader = await self._reader(plan, fields)
        with self._exchange.hiding_secrets():
            records, _ = reader.read(entries)
        order = {each: index for index, each in enumerate(wanted)}
        found = {record.id or "": record for record in records}
        ordered = sorted(found.values(), key=lambda record: order.get(record.id or "", len(order)))
        return await with_associations(self._exchange, plans, ordered, variables)

    async def found(self, query: ReadQuery, entries: list[Any]) -> Part:
        """The records that another request than that of a read gave. Raises `ProviderError` by its classes."""
        turn = self.turn(query, PageToken())
        records, failed = (await self._reader(turn.plan, query.fields)).read(entries)
        records, odd, _ = await self._hydrated(turn, records, None)
        return Part(records, failed=[*failed, *odd])

    def _with_bounds(self, plan: ObjectPlan, query: ReadQuery, here: PageToken) -> tuple[ReadQuery, PageToken]:
        """The query as the provider needs it: begun earlier where it tells of changes late; with both bounds where it
        wants both, the end staying what it was on the first page."""
        if plan.rule.lookback is not None and query.since is not None:
            earliest = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
            query = replace(query, since=max(query.since, earliest) - timedelta(seconds=plan.rule.lookback))
        if not plan.rule.freeze_until or query.since is None or query.until is not None:
            return query, here
        frozen = here.sticky.get(FROZEN_UNTIL)
        until = datetime.fromisoformat(frozen) if isinstance(frozen, str) else self._exchange.clock.now()
        return replace(query, until=until), replace(here, sticky={**here.sticky, FROZEN_UNTIL: str(until)})

    def _turn(self, query: ReadQuery, here: PageToken, given: Mapping[str, Any]) -> PageTurn:
        way = self._way(query, given)
        plan, reading = way.plan, way.reading
        variables = page_variables(reading, way.variables, here, query.page_size)
        if plan.where is not None and (here.variables or here.sticky):
            variables["where"] = plan.where.render(variables)
        is_first = here.sticky.keys() <= {FROZEN_UNTIL} and here == PageToken(sticky=here.sticky)
        return PageTurn(query, plan, reading, way.associations, here, is_first, variables)

    def _way(self, query: ReadQuery, given: Mapping[str, Any]) -> Way:
        last = self._last_way
        if last is not None and last.query is query and not given:  # a long read asks with one query, page by page
            return last
        plan = object_plan(self._definition, query.object)
        associations, base = self._variables(plan, query)
        base |= given
        reading = plan.choose(base, query.page_size, self._exchange.address)
        _refuse_what_it_cannot(query, reading)
        way = Way(query, plan, reading, associations, base)
        if not given:
            self._last_way = way
        return way

    def _variables(self, plan: ObjectPlan, query: ReadQuery) -> tuple[list[AssociationPlan], dict[str, Any]]:
        associations = association_plans(self._definition, plan, query.associations)
        base = plan.variables(query, self._exchange.inputs)
        asked = [name for each in associations if isinstance(each, InRecordPlan) for name in each.asked(base)]
        if asked:
            base["fields"] = list(dict.fromkeys([*base.get("fields", ()), *asked]))
        return associations, base

    async def _children(self, query: ReadQuery, rule: Parent, place: Place) -> Part | None:
        try:
            return await self._page(self._turn(query, place.token, place.variables), into=rule.into)
        except ResourceNotFound:
            return None  # the parent is gone since it was listed

    async def _page(self, turn: PageTurn, into: str | None = None) -> Part:
        request = self.request(turn)
        try:
            answered = await self._exchange.send(request)
        except ProviderError as error:
            if not says_empty(turn.plan.rule.empty_if, error):
                raise
            return Part([], None, 0 if turn.is_first and turn.plan.rule.parent is None else None)
        reader = await self._reader(turn.plan, turn.query.fields)
        with self._exchange.hiding_secrets():
            entries = locate(answered.body, turn.reading.records, optional=turn.plan.rule.records_optional)
            if into is not None:
                _give(entries, reader, into, turn.variables[PARENT_ID])
            listed, failed = reader.read(entries)
            following = self._following(turn, request, answered, entries, listed)
        records, ended = _within_bounds(turn, listed)
        filtered = len(listed) - len(records)
        records, odd, left_out = await self._hydrated(turn, records, into)
        failed, filtered = [*failed, *odd], filtered + left_out
        records = await with_associations(self._exchange, turn.associations, records, turn.variables)
        total = _total(turn.reading, answered.body) if turn.is_first and turn.plan.rule.parent is None else None
        return Part(records, None if ended else following, total, failed, filtered)

    async def _hydrated(
        self, turn: PageTurn, listed: list[Record], into: str | None
    ) -> tuple[list[Record], list[FailedRecord], int]:
        plan = hydrate_plan(self._definition, turn.plan)
        if plan is None:
            return listed, [], 0
        found, failed = await whole_records(self._exchange, plan, listed, turn.variables)
        reader = await self._reader(turn.plan, turn.query.fields)
        for record in found:
            if into is not None:
                record.raw.setdefault(into, turn.variables[PARENT_ID])
        whole = [record._replace(fields=reader.project(record.raw)) for record in found]
        # Once more: what is left out of the list may tell of its time only now.
        records, _ = _within_bounds(turn, whole)
        return records, failed, len(whole) - len(records)

    async def _reader(self, plan: ObjectPlan, fields: tuple[str, ...]) -> RecordReader:
        custom = await self.custom_names.of(plan.name) if fields else None
        if custom is None:
            return self._definition.once(("reader", plan.name, fields), lambda: compile_reader(plan.rule, fields))
        reader = self._readers.get((plan.name, fields))
        if reader is None:
            if len(self._readers) >= MOST_READERS:
                self._readers.clear()
            names = {identifier: each.name for identifier, each in custom.items()}
            reader = self._readers[plan.name, fields] = compile_reader(plan.rule, fields, names)
        return reader

    def _following(
        self, turn: PageTurn, request: HttpRequest, answered: Answered, entries: list[Any], records: list[Record]
    ) -> PageToken | None:
        """The token as it is kept: on our hosts, without secrets, with what tells a page that is served twice."""
        answer = Answer(answered.body, answered.headers, entries, turn.variables)
        following = turn.reading.pager.following(answer, turn.here)
        if following is None:
            return None
        if following.url is not None:
            own = self._exchange.address.own(following.url, request.url)
            return replace(following, url=without_query(own, self._exchange.secret_parameters))
        counts = turn.reading.page.style in ("offset", "page") and following.variables
        if not counts or not records or len(records) == 1:
            return following
        first = records[0].id
        if first is not None and first == turn.here.first:
            raise CursorLoop("the provider gave the same page twice; it does not heed where we want to go on")
        return replace(following, first=first)


def _give(entries: list[Any], reader: RecordReader, into: str, parent_id: str) -> None:
    """Lay the id of the record that these are listed under beside what they have."""
    for entry in entries:
        raw = reader.item.find(entry)
        if isinstance(raw, dict):
            raw.setdefault(into, parent_id)


def says_empty(rule: EmptyIf | None, error: ProviderError) -> bool:
    """Whether the error is the provider's way to say that there are no records."""
    if rule is None or error.status != rule.status:
        return False
    return rule.match is None or rule.match.lower() in error.message.lower()


def _within_bounds(turn: PageTurn, records: list[Record]) -> tuple[list[Record], bool]:
    # Also where the provider was given a bound: what it calls "since" may begin earlier.
    rule, since, until = turn.plan.rule.client_filter, turn.query.since, turn.query.until
    if rule is None or (since is None and until is None):
        return records, False
    return TimeFilter(rule, since, until).keep(records)


def asked_for(query: ReadQuery) -> set[str]:
    """The variables by which a query limits what is read."""
    asked = {"since": query.since, "until": query.until, "filter": query.filters, "deleted": query.deleted}
    return {name for name, value in asked.items() if value}


def _refuse_what_it_cannot(query: ReadQuery, reading: ReadPlan) -> None:
    """Bounds that are not sent cost a longer read; anything else that is not sent would give other records."""
    for name, what in (("filter", "limit a read to equal values"), ("deleted", "tell of deleted records")):
        if name in asked_for(query) and name not in reading.names:
            raise ReadNotSupported(f"The provider cannot {what} when it reads '{query.object}' in this way.")


def _total(reading: ReadPlan, body: Any) -> int | None:
    total = reading.total.find(body) if reading.total is not None else None
    return total if isinstance(total, int) and not isinstance(total, bool) and 0 <= total < 2**63 else None
