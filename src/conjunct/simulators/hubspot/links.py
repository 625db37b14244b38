"""Which records are associated with which: made-up associations by arithmetic, and every change since."""

from __future__ import annotations

from collections.abc import Iterable

from conjunct.simulators.hubspot.association_types import AssociationType, AssociationTypes
from conjunct.simulators.hubspot.objects import Objects

# Each record of the first object belongs to one of the second. Places of all objects count along the contacts.
_MADE_UP = {
    ("contact", "company"): (279, 1),
    ("deal", "contact"): (3,),
    ("deal", "company"): (341, 5),
    ("ticket", "contact"): (16,),
    ("line_item", "deal"): (20,),
    ("note", "contact"): (202,),
    ("task", "deal"): (216,),
}

Found = dict[int, tuple[AssociationType, ...]]


class Links:
    """The associations of an account. A record is named by its object and its place; archived ones have none.

    `types` are the kinds of association that there are.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Return to the associations and labels of the start."""
        self.types = AssociationTypes()
        self._changed: dict[tuple[str, int, str], dict[int, frozenset[int]]] = {}

    def of(self, one: Objects, place: int, other: Objects) -> Found:
        """The associated records of `other` by place, in order, with the types in this direction."""
        found = dict.fromkeys(self._seeded(one, place, other), self._seeded_types(one, other))
        found.update(self._changed.get((one.kind.name, place, other.kind.name), {}))
        known = self.types.between(one.kind, other.kind)
        return {
            at: types
            for at in sorted(found)
            if at not in other.store.archived and (types := tuple(item for item in known if item.id in found[at]))
        }

    def add(self, one: Objects, place: int, other: Objects, at: int, types: Iterable[AssociationType]) -> None:
        """Associate two records, in both directions; beside what they have already."""
        current = self._current(one, place, other, at)
        self._set(one, place, other, at, current | {item.id for item in types})

    def remove(
        self, one: Objects, place: int, other: Objects, at: int, types: Iterable[AssociationType] | None = None
    ) -> None:
        """Take away these types of association between two records, or all."""
        current = self._current(one, place, other, at)
        gone = current if types is None else {item.id for item in types}
        self._set(one, place, other, at, current - gone)

    def move(self, one: Objects, gone: int, kept: int, others: Iterable[Objects]) -> None:
        """Give the associations of one record to another of the same object."""
        for other in others:
            for at, types in self.of(one, gone, other).items():
                self.remove(one, gone, other, at)
                if other is not one or at != kept:
                    self.add(one, kept, other, at, types)

    def _current(self, one: Objects, place: int, other: Objects, at: int) -> frozenset[int]:
        changed = self._changed.get((one.kind.name, place, other.kind.name), {})
        if at in changed:
            return changed[at]
        return self._seeded_types(one, other) if at in self._seeded(one, place, other) else frozenset()

    def _set(self, one: Objects, place: int, other: Objects, at: int, ids: frozenset[int]) -> None:
        inverse = {item.id: item.inverse for item in self.types.between(one.kind, other.kind)}
        self._changed.setdefault((one.kind.name, place, other.kind.name), {})[at] = ids
        back = frozenset(inverse[each] for each in ids if each in inverse)
        self._changed.setdefault((other.kind.name, at, one.kind.name), {})[place] = back

    def _seeded(self, one: Objects, place: int, other: Objects) -> range:
        """The places of the made-up associations."""
        forth = (one.kind.singular, other.kind.singular) in _MADE_UP
        if not (forth or (other.kind.singular, one.kind.singular) in _MADE_UP) or place >= one.seeded:
            return range(0)
        if forth:
            at = place * one.kind.share // other.kind.share
            return range(at, min(at + 1, other.seeded))
        share, parts = one.kind.share, other.kind.share
        return range(-(-place * share // parts), min(-(-(place + 1) * share // parts), other.seeded))

    def _seeded_types(self, one: Objects, other: Objects) -> frozenset[int]:
        pair = (one.kind.singular, other.kind.singular)
        if pair in _MADE_UP:
            return frozenset(_MADE_UP[pair])
        inverse = {item.id: item.inverse for item in self.types.between(other.kind, one.kind)}
        return frozenset(inverse[each] for each in _MADE_UP.get(pair[::-1], ()))
