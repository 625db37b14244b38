"""Records that are listed under each record of another object: where a read is among those parents.

A read takes a few parents at a time and one page of children of each. Its token holds the parents that were read and
are not done, each with the place in its own list, and where the parents' own list goes on. So a read can go on after a
crash whatever becomes of the list of parents meanwhile, and its memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from conjunct.connectors.page_tokens import FIRST_PAGE, PageToken, Scalar, bad_token
from conjunct.connectors.paths import parse_path
from conjunct.connectors.query import FailedRecord, ReadQuery, Record
from conjunct.connectors.read_definition import Parent
from conjunct.connectors.several import AT_ONCE, several
from conjunct.connectors.templates import PathTemplate
from conjunct.kit.json_path import format_selector

PARENTS_AT_ONCE = 100
"""How many parents are asked for at once, if the provider lets us choose."""

MOST_KEPT = 200
"""How many parents a token holds. The page of a provider that lists more at once is asked for again after these."""

PATIENCE = 10
"""Rounds without a record after which a page is given all the same, so that what is done is kept."""

PARENT_ID = "parent_id"


@dataclass(frozen=True, slots=True)
class Part:
    """A page before it is given to anyone: as `Page`, with the token of the next as it is."""

    records: list[Record]
    next: PageToken | None = None
    total: int | None = None
    failed: list[FailedRecord] = field(default_factory=list)
    filtered: int = 0
    under: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A parent that is not done: the variables that it gives, and where its list of children goes on."""

    id: str
    taken: Mapping[str, Scalar]
    token: PageToken = FIRST_PAGE

    @property
    def variables(self) -> dict[str, Scalar]:
        """What the templates of its children see of it."""
        return {PARENT_ID: self.id, **self.taken}

    def to_json(self) -> dict[str, Any]:
        """As a part of a token."""
        parts = {"id": self.id, "take": dict(self.taken), "at": self.token.parts}
        return {key: value for key, value in parts.items() if value}


@dataclass(frozen=True, slots=True)
class Tour:
    """`left` are the parents at hand; `further` is where their list goes on, None at its end. `after`: further on the
    same page, behind the parent of this id."""

    left: tuple[Place, ...] = ()
    further: PageToken | None = FIRST_PAGE
    after: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to read."""
        return not self.left and self.further is None

    def to_json(self) -> dict[str, Any]:
        """As a part of a token."""
        parts: dict[str, Any] = {"left": [place.to_json() for place in self.left]}
        if self.further is not None:
            parts["further"] = self.further.parts
        if self.after is not None:
            parts["after"] = self.after
        return parts

    @classmethod
    def of(cls, parts: Mapping[str, Any] | None) -> Tour:
        """The tour in a token; the first without one. Raises `BadPageToken`."""
        if parts is None:
            return cls()
        left, after = parts.get("left"), parts.get("after")
        if not isinstance(left, list) or not (after is None or isinstance(after, str)):
            raise bad_token()
        further = PageToken.of(parts["further"]) if "further" in parts else None
        return cls(tuple(_place(each) for each in left), further, after)


def _place(parts: Any) -> Place:
    identifier, taken = (parts.get("id"), parts.get("take", {})) if isinstance(parts, dict) else (None, {})
    sound = isinstance(identifier, str) and isinstance(taken, dict)
    if not sound or not all(isinstance(value, str | int) for value in taken.values()):
        raise bad_token()
    return Place(str(identifier), taken, PageToken.of(parts.get("at", {})))


def parents_query(rule: Parent, query: ReadQuery) -> ReadQuery:
    """What is asked of the parents.

    Only their beginning is bounded: a parent that has changed again since the end of the read still has records that
    changed before.
    """
    fields = tuple(format_selector(parse_path(path).steps) for path in rule.take.values() if path)
    since = query.since if rule.bounded else None
    return ReadQuery(rule.object, tuple(dict.fromkeys(fields)), since=since, page_size=PARENTS_AT_ONCE)


async def read_under(
    rule: Parent,
    here: PageToken,
    path: PathTemplate,
    parents: Callable[[PageToken], Awaitable[Part]],
    children: Callable[[Place], Awaitable[Part | None]],
) -> Part:
    """The next records under parents.

    `parents` reads a page of parents. `children` reads a page under a parent; None when that is gone. `path` is that of
    the children's request. Raises as they do, and `BadPageToken`.
    """
    tour = Tour.of(here.tour)
    records: list[Record] = []
    failed: list[FailedRecord] = []
    filtered = rounds = 0
    under: tuple[str, ...] = ()
    while not tour.is_over and not records and not failed and rounds < PATIENCE:
        rounds += 1
        if not tour.left and tour.further is not None:
            tour, odd = _with_parents(rule, tour, await parents(tour.further), path)
            failed += odd
            continue
        now, later = tour.left[:AT_ONCE], tour.left[AT_ONCE:]
        under = tuple(place.id for place in now)
        parts = await several(children, now)
        for part in parts:
            if part is not None:
                records += part.records
                failed += part.failed
                filtered += part.filtered
        tour = replace(tour, left=(*_open(now, parts), *later))
    following = None if tour.is_over else PageToken(sticky=here.sticky, tour=tour.to_json())
    return Part(records, following, failed=failed, filtered=filtered, under=under)


def _open(places: Iterable[Place], parts: Iterable[Part | None]) -> list[Place]:
    return [
        replace(place, token=part.next)
        for place, part in zip(places, parts, strict=True)
        if part is not None and part.next is not None
    ]


def _with_parents(rule: Parent, tour: Tour, page: Part, path: PathTemplate) -> tuple[Tour, list[FailedRecord]]:
    parents = page.records
    known = next((index for index, parent in enumerate(parents) if parent.id == tour.after), None)
    # If the last one is gone, all of the page again: that repeats some, and loses none.
    parents = parents[known + 1 :] if tour.after is not None and known is not None else parents
    kept, failed = parents[:MOST_KEPT], list(page.failed)
    places: list[Place] = []
    for parent in kept:
        place = Place(parent.id or "", _taken(rule, parent))
        if path.takes(place.variables, {PARENT_ID, *rule.take}):
            places.append(place)
        else:
            failed.append(
                FailedRecord(0, f"the records under {rule.object} {parent.id!r} cannot be asked for", parent.raw)
            )
    if len(parents) > MOST_KEPT:
        return Tour(tuple(places), tour.further, kept[-1].id), failed
    return Tour(tuple(places), page.next), failed


def _taken(rule: Parent, parent: Record) -> dict[str, Scalar]:
    found = ((name, parse_path(path).find(parent.raw)) for name, path in rule.take.items())
    return {name: value for name, value in found if type(value) in (str, int)}
