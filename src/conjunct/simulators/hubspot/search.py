"""Searches: which records match a search body, in which order, remembered for the pages that follow."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from conjunct.simulators.hubspot import errors
from conjunct.simulators.hubspot.filters import Filter, parse_filter
from conjunct.simulators.hubspot.store import RecordStore

MAX_RESULTS = 10_000
_MAX_PAGE = 200
_DEFAULT_PAGE = 10
_MAX_GROUPS = 5
_MAX_FILTERS_PER_GROUP = 6
_MAX_FILTERS = 18
_REMEMBERED = 16


@dataclass(frozen=True, slots=True)
class Query:
    """What decides a search's results: any group must match, with all its filters; then every word of `words`."""

    groups: tuple[tuple[Filter, ...], ...] = ()
    words: tuple[str, ...] = ()
    sort: str = "hs_object_id"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """A query and the page of its results that is asked for. `properties` None stands for the default ones."""

    query: Query
    limit: int
    after: int
    properties: tuple[str, ...] | None


def parse_search(body: dict[str, Any], store: RecordStore) -> Search:
    """The search that a body writes. Raises `HubSpotError`, also for a page beyond the first 10,000 results."""
    limit = _whole(body, "limit", _DEFAULT_PAGE)
    if not 1 <= limit <= _MAX_PAGE:
        raise errors.invalid(f"The page size must be between 1 and {_MAX_PAGE}, not {limit}")
    after = _whole(body, "after", 0)
    if after >= MAX_RESULTS:
        raise errors.invalid(f"Paging is limited to the first {MAX_RESULTS} results of a search")
    properties = _list(body, "properties")
    if not all(isinstance(name, str) for name in properties):
        raise errors.invalid("Invalid input JSON: properties must be strings")
    sort, descending = _sort(_list(body, "sorts"), store)
    text = body.get("query") or ""
    if not isinstance(text, str):
        raise errors.invalid("Invalid input JSON: query must be a string")
    query = Query(_groups(_list(body, "filterGroups"), store), tuple(text.casefold().split()), sort, descending)
    return Search(query, limit, after, tuple(properties) or None)


class Searches:
    """Runs queries over one object's records. The last results are remembered until a record changes."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self._version = store.version
        self._results: OrderedDict[Query, Sequence[int]] = OrderedDict()

    def places(self, query: Query) -> Sequence[int]:
        """The places of all matching records, in the order of the query."""
        if self._version != self._store.version:
            self._results.clear()
            self._version = self._store.version
        if query not in self._results:
            self._results[query] = self._run(query)
            if len(self._results) > _REMEMBERED:
                self._results.popitem(last=False)
        return self._results[query]

    def _run(self, query: Query) -> Sequence[int]:
        found = [self._match(group) for group in query.groups or ((),)]
        places: Iterable[int] = found[0] if len(found) == 1 else sorted(set().union(*found))
        if query.words:
            places = [place for place in places if self._has_words(place, query.words)]
        ordered = places if isinstance(places, range | list) else list(places)
        return self._sorted(ordered, query)

    def _match(self, group: tuple[Filter, ...]) -> Iterable[int]:
        # Bounds on ids come first: they cost nothing and leave less to look at.
        places: Iterable[int] = range(self._store.count)
        for item in sorted(group, key=lambda item: not item.bounds_ids):
            places = item.apply(places, self._store)
        archived = self._store.archived
        return [place for place in places if place not in archived] if archived else places

    def _has_words(self, place: int, words: tuple[str, ...]) -> bool:
        record = self._store.properties(place)
        text = " ".join(record.get(name) or "" for name in self._store.kind.searchable).casefold()
        return all(word in text for word in words)

    def _sorted(self, places: Sequence[int], query: Query) -> Sequence[int]:
        """Places are in the order of ids. Records without a value come last, ties stay in the order of ids."""
        if query.sort == "hs_object_id":
            return places[::-1] if query.descending else places
        column = self._store.column(query.sort)
        valued = [place for place in places if column[place] is not None]
        empty = [place for place in places if column[place] is None]
        keys: Any = column
        return sorted(valued, key=keys.__getitem__, reverse=query.descending) + empty


def _groups(wire: list[Any], store: RecordStore) -> tuple[tuple[Filter, ...], ...]:
    if len(wire) > _MAX_GROUPS:
        raise errors.invalid(f"There are {len(wire)} filterGroups, and at most {_MAX_GROUPS} are allowed")
    groups = []
    for group in wire:
        if not isinstance(group, dict):
            raise errors.invalid("Invalid input JSON: a filterGroup must be an object")
        filters = _list(group, "filters")
        if len(filters) > _MAX_FILTERS_PER_GROUP:
            raise errors.invalid(f"A filterGroup may have at most {_MAX_FILTERS_PER_GROUP} filters")
        groups.append(tuple(parse_filter(item, store) for item in filters))
    if sum(len(group) for group in groups) > _MAX_FILTERS:
        raise errors.invalid(f"A search may have at most {_MAX_FILTERS} filters")
    return tuple(groups)


def _sort(wire: list[Any], store: RecordStore) -> tuple[str, bool]:
    if len(wire) > 1:
        raise errors.invalid("A search may be sorted by one property only")
    if not wire:
        return "hs_object_id", False
    given = wire[0]
    if isinstance(given, str):
        given = {
            "propertyName": given.removeprefix("-"),
            "direction": "DESCENDING" if given[:1] == "-" else "ASCENDING",
        }
    name = given.get("propertyName") if isinstance(given, dict) else None
    if not isinstance(name, str) or name not in store.definitions:
        raise errors.invalid(f"There was a problem with the request. Property '{name}' does not exist")
    direction = given.get("direction", "ASCENDING")
    if direction not in ("ASCENDING", "DESCENDING"):
        raise errors.invalid(f"Invalid input JSON: unknown sort direction {direction!r}")
    return name, direction == "DESCENDING"


def _list(body: dict[str, Any], name: str) -> list[Any]:
    value = body.get(name) or []
    if not isinstance(value, list):
        raise errors.invalid(f"Invalid input JSON: {name} must be an array")
    return value


def _whole(body: dict[str, Any], name: str, default: int) -> int:
    """A whole number, which HubSpot also takes as a text."""
    value = body.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, str) and value.isdecimal() and len(value) < 19:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise errors.invalid(f"Invalid input JSON: {name} must be a whole number, not {value!r}")
