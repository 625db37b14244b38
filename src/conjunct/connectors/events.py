"""Requests with which a provider tells of changes: whether they are its own, and what they tell. Pure.

Whatever comes in, it is refused with `EventRefused` or read: what is no event is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from conjunct.connectors.answers import read_json
from conjunct.connectors.errors import MalformedAnswer
from conjunct.connectors.event_definition import Challenge, Changed, EventKind, EventRule, Events, Place
from conjunct.connectors.formats import read_time
from conjunct.connectors.paths import parse_path
from conjunct.connectors.records import NotARecord, exact_id

MOST_EVENTS = 10_000
"""How many events a request may hold."""

_LONGEST = 1000
_UNREAD: Any = object()


class EventRefused(Exception):
    """A request is not the provider's, or cannot be read. `reason` is for whoever runs this, not for the sender."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class EventRequest:
    """A request as it came. `url` is the address that the provider was given, with the query that came.

    Names of headers are found in any letter case.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    status: int = 200

    def header(self, name: str) -> str | None:
        """The value of a header."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), None)

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the URL; the first of each name."""
        try:
            pairs = parse_qsl(urlsplit(self.url).query, keep_blank_values=True)
        except ValueError:
            return {}
        return dict(reversed(pairs))

    def json(self) -> Any:
        """The body, with exact numbers. Raises `EventRefused`."""
        try:
            return read_json(self)
        except MalformedAnswer as error:
            raise EventRefused(f"the body cannot be read: {error.message}") from None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a record.

    `name` is the provider's. `object` and `id` are None where they are not told; then `kind` is `other`. `changed` are
    names of fields; empty where they are not told. `account` tells whose it is. `record` is the record, if it came
    along.
    """

    kind: EventKind
    name: str
    object: str | None
    id: str | None
    changed: tuple[str, ...] = ()
    time: datetime | None = None
    account: str | None = None
    record: dict[str, Any] | None = None
    raw: Any = None


@dataclass(frozen=True, slots=True)
class ChallengeAnswer:
    """What a challenge wants to hear. `secret`: what later requests are signed with, if the challenge told it.

    Anybody can send a challenge: whoever keeps its secret takes the first, while it waits for one, and no other.
    """

    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)


def challenged(rule: Events, request: EventRequest) -> tuple[Challenge, str] | None:
    """The challenge that a request is, with its value; None where it is none."""
    body: Any = _UNREAD
    for each in rule.challenge:
        if each.at is not None or each.when:
            body = _read(request) if body is _UNREAD else body
        if any(text_in(parse_path(path).find(body)) != text for path, text in each.when.items()):
            continue
        if each.query is not None:
            value = request.query.get(each.query)
        elif each.header is not None:
            value = request.header(each.header)
        else:
            value = text_in(parse_path(each.at or "").find(body))
        if value and len(value) <= _LONGEST and value.isprintable():
            return each, value
    return None


def answer_to(rule: Challenge, value: str) -> ChallengeAnswer:
    """What the challenge wants to hear."""
    secret = value if rule.is_secret else None
    if rule.answer == "header":
        return ChallengeAnswer(headers={rule.name or rule.header or "": value}, secret=secret)
    if rule.answer == "json":
        body = orjson.dumps({rule.name or "challenge": value})
        return ChallengeAnswer(body, {"Content-Type": "application/json"}, secret)
    return ChallengeAnswer(value.encode(), {"Content-Type": "text/plain"}, secret)


def parse(rule: Events, request: EventRequest) -> list[Event]:
    """What a request tells of. Raises `EventRefused` where it cannot be read."""
    events: list[Event] = []
    for source in _sources(rule, request):
        for event in _events(rule.event, source):
            if len(events) >= MOST_EVENTS:
                raise EventRefused(f"there are more than {MOST_EVENTS} events in it")
            events.append(event)
    return events


def _sources(rule: Events, request: EventRequest) -> Iterator[_Source]:
    body = request.json()
    for entry in _entries(rule.each, body):
        if rule.within is None:
            yield _Source(entry, {}, body, request)
            continue
        for inner in _entries(rule.within, entry):
            yield _Source(inner, entry, body, request)


def _entries(path: str, body: Any) -> list[dict[str, Any]]:
    found = parse_path(path).find(body)
    return [entry for entry in (found if isinstance(found, list) else [found]) if isinstance(entry, dict)]


@dataclass(frozen=True, slots=True)
class _Source:
    """An event as it came, and what stands around it."""

    entry: dict[str, Any]
    outer: dict[str, Any]
    body: Any
    request: EventRequest

    def find(self, place: Place) -> Any:
        """What stands at a place."""
        if place.header is not None:
            found: Any = self.request.header(place.header)
        elif place.query is not None:
            found = self.request.query.get(place.query)
        elif place.envelope is not None:
            found = parse_path(place.envelope).find(self.body)
        elif place.outer is not None:
            found = parse_path(place.outer).find(self.outer)
        else:
            found = parse_path(place.at or "").find(self.entry)
        if place.part is None:
            return found
        part = re.search(place.part, (text_in(found) or ""))
        return part[1] if part is not None else None

    def text(self, places: Iterable[Place]) -> str | None:
        """The first text that stands at one of these."""
        return next((text for place in places if (text := text_in(self.find(place)))), None)


def _events(rule: EventRule, source: _Source) -> Iterator[Event]:
    name = ".".join(text for place in rule.name if (text := text_in(source.find(place))))
    kind, named = _kind(rule, name)
    told = source.text(rule.object) or named
    object_name = rule.objects.get(told, told) if told is not None else None
    ids = next((ids for place in rule.id if (ids := _ids(source.find(place)))), [])
    form = rule.id_as.get(object_name or "")
    record = parse_path(rule.record).find(source.entry) if rule.record is not None else None
    time = rule.time
    for identifier in ids or (None,):
        is_told = object_name is not None and identifier is not None
        yield Event(
            kind if is_told else "other",
            name,
            object_name,
            form.replace("{id}", identifier) if form is not None and identifier is not None else identifier,
            _changed(rule.changed, source.entry),
            read_time(parse_path(time.at).find(source.entry), time.format) if time is not None else None,
            source.text([rule.account]) if rule.account is not None else None,
            record if isinstance(record, dict) else None,
            source.entry,
        )


def _kind(rule: EventRule, name: str) -> tuple[EventKind, str | None]:
    for pattern, kind in rule.kinds.items():
        found = re.fullmatch(pattern, name)
        if found is not None:
            return kind, found.groupdict().get("object")
    return "other", None


def _ids(value: Any) -> list[str]:
    ids: list[str] = []
    for each in value if isinstance(value, list) else [value]:
        try:
            ids.append(exact_id(each))
        except NotARecord:
            continue
    return [text for text in ids if len(text) <= _LONGEST]


def _changed(rule: Changed | None, entry: Any) -> tuple[str, ...]:
    if rule is None:
        return ()
    found = parse_path(rule.at).find(entry)
    if rule.names == "text":
        found = [found]
    elif rule.names == "keys":
        found = list(found) if isinstance(found, dict) else []
    return tuple(each for each in found if isinstance(each, str) and each) if isinstance(found, list) else ()


def _read(request: EventRequest) -> Any:
    try:
        return request.json()
    except EventRefused:
        return None


def text_in(value: Any) -> str | None:
    """A short text or a whole number as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if 0 < len(text) <= _LONGEST else None
