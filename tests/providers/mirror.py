"""A provider made of its own definition: it serves made-up records in pages as the definition says that they come.

It proves that a definition is at one with itself, for each of its objects: what one page names leads to the next, and
every record comes once, with its id digit for digit. What a provider really does is for the samples to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

from conjunct.connectors import Definition, ReadQuery
from conjunct.connectors.definition_base import Request
from conjunct.connectors.formats import TIMES, read_time
from conjunct.connectors.paths import JsonPath, parse_path
from conjunct.connectors.plans import ObjectPlan, object_plan, records_path
from conjunct.connectors.read_definition import PageRule
from tests.connectors.scripted import Received, Reply
from tests.providers.wire_patterns import Match, Pattern

FIRST_ID = 2**53 + 1
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
FIELD = "mirrored"
"""A field that every record has."""

Answering = Callable[[Received, Mapping[str, Any]], Reply]


@dataclass(frozen=True)
class Made:
    """A made-up record: what it is known by, and as it stands in a list. `day` is when it was changed."""

    number: int
    id: str
    raw: dict[str, Any]
    day: datetime


@dataclass
class Mirror:
    """Serves one object, and those that it stands under. `kinds` are what is served; `faults` are what was odd."""

    definition: Definition
    name: str
    inputs: Mapping[str, str]
    kinds: frozenset[str] = frozenset({"read"})
    faults: list[str] = field(default_factory=list)
    url: str = ""
    _kept: dict[tuple[int, int | None], list[Made]] = field(default_factory=dict)

    @cached_property
    def plan(self) -> ObjectPlan:
        return object_plan(self.definition, self.name)

    @cached_property
    def above(self) -> Mirror | None:
        """The object that this one's records stand under."""
        rule = self.plan.rule.parent
        return Mirror(self.definition, rule.object, self.inputs) if rule is not None else None

    @cached_property
    def size(self) -> int:
        return self.plan.primary.page_size(2) or 2

    @cached_property
    def known(self) -> dict[str, Any]:
        made = self.plan.variables(ReadQuery(self.name), self.inputs)
        names = {*self.inputs, *self.plan.vars, "object"} - self.moved
        return {key: made[key] for key in names if key in made}

    @property
    def moved(self) -> set[str]:
        """The variables with which a read begins anew at the last record, so that it comes twice."""
        pages = (each.page for each in (self.plan.primary, *self.plan.variants))
        return {page.restart.var for page in pages if page.restart is not None and page.restart.each_page}

    @property
    def repeats(self) -> bool:
        """Whether records may come twice, by themselves or because those that they stand under do."""
        return bool(self.moved) or (self.above is not None and self.above.repeats)

    def records(self, number: int = 0, count: int | None = None) -> list[Made]:
        """The records under the parent of that number, in the order in which they are listed."""
        if (number, count) not in self._kept:
            self._kept[number, count] = self._all_made(number, count)
        return self._kept[number, count]

    def _all_made(self, number: int, count: int | None) -> list[Made]:
        first = 0 if count is None else 10  # others that these stand over have changed since
        places = range(count or 2 * self.size + 1)
        made = [self._made(number * 100 + place + 1, first + place) for place in places]
        rule = self.plan.rule.client_filter
        return made[::-1] if rule is not None and rule.order == "desc" else made

    def everything(self, *, deep: bool = False) -> list[Made]:
        """The records under all parents."""
        count = 2 if deep else None
        if self.above is None:
            return self.records(0, count)
        return [each for parent in self.above.everything(deep=True) for each in self.records(parent.number, count)]

    def _made(self, number: int, place: int) -> Made:
        rule, raw = self.plan.rule, dict[str, Any]()
        identifier, day = FIRST_ID + number, FIRST_DAY + timedelta(days=place)
        put(raw, (*parse_path(rule.fields_from[0]).steps, FIELD), number)
        if rule.id:
            put(raw, parse_path(rule.id).steps, identifier if number % 2 else str(identifier))
        if rule.client_filter is not None:
            put(raw, parse_path(rule.client_filter.at).steps, TIMES[rule.client_filter.format](day))
        for each in (self.plan.primary, *self.plan.variants):
            restart = each.page.restart
            if restart is not None and restart.from_ != rule.id:
                fill(raw, restart.from_, TIMES[restart.format or "rfc3339"](day))
            if each.page.from_last is not None:
                fill(raw, each.page.from_last, identifier)
        for path in (rule.hydrate.take if rule.hydrate is not None else {}).values():
            fill(raw, path, f"taken-{number}")
        for path in self._asked_of_us():
            fill(raw, path, f"taken-{number}")
        # Where the id is the time, that is it.
        told = str(parse_path(rule.id).find(raw)) if rule.id else str(identifier)
        return Made(number, told, raw, day)

    def answer(self, received: Received) -> Reply:
        """The answer to whatever is asked."""
        place = re.search(r"[?&]mirrored=(\d+)", received.raw_path)
        query = {name: value for name, value in received.query.items() if name != "mirrored"}
        received = Received(received.method, received.path, received.raw_path, query, received.headers, received.body)
        seen = {"mirrored": int(place[1])} if place else {}
        found: list[tuple[int, Answering, Mapping[str, Any]]] = []
        for pattern, answering in self._patterns():
            match: Match | None = pattern.match(received)
            if match is not None:
                found.append((match.score, answering, {**match.values, **seen}))
        if not found:
            self.faults.append(f"unknown: {received.method} {received.raw_path} {received.body.decode()[:300]}")
            return Reply({"message": "no request of the definition"}, 400)
        _, answering, values = max(found, key=lambda each: each[0])
        return answering(received, values)

    def _patterns(self) -> Iterator[tuple[Pattern, Answering]]:
        rule, known = self.plan.rule, self.plan.definition
        if "read" in self.kinds:
            yield from self._reads(deep=False)
        above = self.above
        while above is not None and "read" in self.kinds:
            above.url = self.url
            yield from above._reads(deep=True)
            above = above.above
        if "search" in self.kinds and known.search is not None:
            yield Pattern(known.search.request, self.known, is_open=True), self._listing(known.search.records)
        if "count" in self.kinds and known.count is not None and known.count.request is not None:
            yield Pattern(known.count.request, self.known), self._count
        if "by_ids" in self.kinds and known.by_ids is not None:
            yield Pattern(known.by_ids.request, self.known), self._listing(known.by_ids.records, named=True)
        if rule.hydrate is not None:
            yield Pattern(rule.hydrate.request, self.known), self._whole
        definitions = rule.custom_fields.definitions if rule.custom_fields is not None else None
        if definitions is not None:
            none = Reply(self._body(parse_path(definitions.at), []))
            yield Pattern(definitions.request, self.known, is_open=True), lambda *_: none
        check = self.definition.check
        if check is not None and check.guards_reads:
            yield Pattern(Request(method=check.method, path=check.path), self.inputs), lambda *_: Reply({})

    def _listing(self, at: str | None, *, named: bool = False) -> Answering:
        """What gives all records at once, or those that are named."""
        place = self.plan.rule.records if at is None else at
        return lambda received, _: self._list(self._named(received) if named else self.records(), place)

    def _reads(self, *, deep: bool) -> Iterator[tuple[Pattern, Answering]]:
        rule = self.plan.rule
        ways = [(rule.request, rule.page, rule.records)]
        ways += [
            (each.request, each.page or rule.page, rule.records if each.records is None else each.records)
            for each in rule.variants
        ]
        for request, page, at in ways:
            yield Pattern(request, self.known), self._paged(page, at, deep=deep)

    def _paged(self, page: PageRule, at: str, *, deep: bool) -> Answering:
        def answer(received: Received, values: Mapping[str, Any]) -> Reply:
            self._check_size(page, values)
            all_of_it = self._under(values, deep=deep)
            if page.restart is not None:
                all_of_it = _from_there(all_of_it, page, values, self.plan.rule.where)
            size = 1 if deep else max(self.size, page.size.min or 1 if page.size else 1)
            if page.style in (None, "none") or (deep and (page.stop == "short_page" or page.advance == "page_size")):
                size = max(len(all_of_it), 1)
            start = _position(page, all_of_it, size, received, values)
            listed = all_of_it[start : start + size]
            reply = self._list(listed, at)
            count = self.plan.definition.count
            if count is not None and count.via == "read" and isinstance(reply.body, dict):
                put(reply.body, parse_path(count.at).steps, len(all_of_it))
            told = len(all_of_it) - start if page.style == "keyset" else len(all_of_it)
            return self._pointed(page, reply, received, start, start + size, told, size)

        return answer

    def _check_size(self, page: PageRule, values: Mapping[str, Any]) -> None:
        asked = str(values.get("page_size", ""))
        if asked.isdigit() and page.size is not None and int(asked) > (page.size.max or page.size.default):
            self.faults.append(f"a page of {asked} is asked for")

    def _under(self, values: Mapping[str, Any], *, deep: bool) -> list[Made]:
        count = 2 if deep else None
        if self.above is None:
            return self.records(0, count)
        told = {str(value) for value in values.values()}
        for parent in self.above.everything(deep=True):
            if {parent.id, *self._taken(parent)} & told:
                return self.records(parent.number, count)
        self.faults.append(f"no parent is named: {dict(values)}")
        return []

    def _taken(self, parent: Made) -> set[str]:
        take = self.plan.rule.parent.take if self.plan.rule.parent is not None else {}
        return {str(found) for path in take.values() if (found := parse_path(path).find(parent.raw)) is not None}

    def _pointed(
        self, page: PageRule, reply: Reply, received: Received, start: int, end: int, total: int, size: int
    ) -> Reply:
        """The answer with all that tells where the next page is."""
        has_more = end - (start if page.style == "keyset" else 0) < total
        body, headers = reply.body, dict(reply.headers)
        following: Any = {"offset": (page.start or 0) + end}.get(page.style or "", f"mirror-{end}")
        if page.style == "page":
            following = (1 if page.start is None else page.start) + end // size
        url = f"{self.url}{re.sub(r'[?&]mirrored=[0-9]+', '', received.raw_path)}"
        url += f"{'&' if '?' in url else '?'}mirrored={end}"
        if page.style == "next_url":
            following = url
        if page.parameter is not None:  # on a host of theirs that nobody asks
            following = f"https://elsewhere.example.com/?{page.parameter}={following}"
        if page.style == "link_header" and has_more:
            headers["Link"] = f'<{url}>; rel="next"'
        if page.header is not None and has_more:
            headers[page.header] = str(following)
        if isinstance(body, dict):
            if page.at is not None and has_more:
                put(body, parse_path(page.at).steps, following)
            if page.more_at is not None and not parse_path(page.more_at).find(body):
                put(body, parse_path(page.more_at).steps, has_more)
            if page.stop_if is not None and not has_more:
                put(body, parse_path(page.stop_if).steps, True)
            if page.total_at is not None:
                put(body, parse_path(page.total_at).steps, total)
            if page.last_at is not None:
                first = 1 if page.start is None else page.start
                put(body, parse_path(page.last_at).steps, first + (total - 1) // size)
        return Reply(body, 200, headers)

    def _list(self, listed: list[Made], at: str) -> Reply:
        """An answer that has these records where the definition looks for them."""
        entries = []
        for each in listed:
            entry: Any = each.raw
            if self.plan.rule.item:
                entry = {}
                put(entry, parse_path(self.plan.rule.item).steps, each.raw)
            entries.append(entry)
        return Reply(self._body(records_path(at, self.name), entries))

    def _asked_of_us(self) -> list[str]:
        """Where records that stand under these look for what they take of them."""
        known = (self.definition.object(name) for name in self.definition.objects)
        parents = [each.read.parent for each in known if each is not None and each.read is not None]
        return [path for each in parents if each and each.object == self.name for path in each.take.values() if path]

    def _body(self, at: JsonPath, found: Any) -> Any:
        if not at.steps:
            return found
        body: Any = {}
        put(body, at.steps, found)
        if self.definition.errors.fail_unless is not None:
            put(body, parse_path(self.definition.errors.fail_unless).steps, True)
        return body

    def _count(self, *_: Any) -> Reply:
        assert self.plan.definition.count is not None
        return Reply(self._body(parse_path(self.plan.definition.count.at), len(self.everything())))

    def _named(self, received: Received) -> list[Made]:
        text = on_the_wire(received)
        return [each for each in self.everything() if each.id in text or f"taken-{each.number}" in text]

    def _whole(self, received: Received, _: Mapping[str, Any]) -> Reply:
        rule = self.plan.rule.hydrate
        assert rule is not None
        named = self._named(received)
        if len(named) != 1:
            self.faults.append(f"{len(named)} records are named: {received.raw_path}")
            return Reply({}, 404)
        return Reply(self._body(parse_path(rule.at), named[0].raw))


def on_the_wire(received: Received) -> str:
    """Everything that a request says, in plain text."""
    headers = "\n".join(received.headers.values())
    return f"{unquote_plus(received.raw_path)}\n{unquote_plus(received.body.decode())}\n{headers}"


def put(target: Any, steps: tuple[str, ...], value: Any) -> None:
    """Put a value where a path leads, with all that must be there for it."""
    for step, following in zip(steps, (*steps[1:], None), strict=True):
        inner: Any = value if following is None else ([] if following.isdigit() else {})
        if isinstance(target, list):
            position = int(step)
            target += [{} for _ in range(position + 1 - len(target))]
            if following is None or not isinstance(target[position], dict | list):
                target[position] = inner
            target = target[position]
        elif following is None or not isinstance(target.get(step), dict | list):
            target[step] = inner
            target = inner
        else:
            target = target[step]


def fill(target: Any, path: str, value: Any) -> None:
    """As `put`, where nothing stands yet."""
    if parse_path(path).find(target) is None:
        put(target, parse_path(path).steps, value)


def _position(page: PageRule, listed: list[Made], size: int, received: Received, values: Mapping[str, Any]) -> int:
    """Where in the list a page begins."""
    if page.style in ("next_url", "link_header"):
        return int(values.get("mirrored", 0))
    if page.style in ("cursor", "graphql"):
        found = re.search(r"mirror-(\d+)", on_the_wire(received))
        return int(found[1]) if found else 0
    if page.style == "offset":
        return int(values.get("offset", page.start or 0)) - (page.start or 0)
    if page.style == "page":
        first = 1 if page.start is None else page.start
        return (int(values.get("page", first)) - first) * size
    if page.style == "keyset":
        path, after = parse_path(page.from_last or ""), str(values.get("after", ""))
        seen = [place for place, each in enumerate(listed) if str(path.find(each.raw)) == after]
        return seen[0] + 1 if seen else 0
    return 0


def _from_there(listed: list[Made], page: PageRule, values: Mapping[str, Any], where: Any) -> list[Made]:
    """The records from the moment on at which a read begins anew."""
    restart = page.restart
    assert restart is not None
    told = dict(values)
    if where is not None and restart.var not in told:
        for term in where.terms:
            pattern = re.escape(str(term)).replace(re.escape("{" + restart.var + "}"), r"(?P<told>[^ \"']+)")
            found = re.search(pattern, str(values.get("where", ""))) if "(?P<told>" in pattern else None
            told |= {restart.var: found["told"]} if found else {}
    value = told.get(restart.var)
    bound = read_time(value, "unix" if str(value).isdigit() else "rfc3339")
    return listed if bound is None else [each for each in listed if each.day >= bound]
