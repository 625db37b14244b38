"""What kinds of association there are between two objects: HubSpot's own, and the account's labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conjunct.simulators.hubspot.definitions import ObjectType

HUBSPOT_DEFINED = "HUBSPOT_DEFINED"
USER_DEFINED = "USER_DEFINED"

# (from, to): the type without a label, then the one of the primary record where there is one; and the same backwards.
_KNOWN: dict[tuple[str, str], tuple[tuple[int, ...], tuple[int, ...]]] = {
    ("contact", "company"): ((279, 1), (280, 2)),
    ("deal", "contact"): ((3,), (4,)),
    ("deal", "company"): ((341, 5), (342, 6)),
    ("deal", "ticket"): ((27,), (28,)),
    ("deal", "line_item"): ((19,), (20,)),
    ("ticket", "contact"): ((16,), (15,)),
    ("ticket", "company"): ((339, 26), (340, 25)),
    ("quote", "deal"): ((64,), (63,)),
    ("quote", "line_item"): ((67,), (68,)),
    ("call", "contact"): ((194,), (193,)),
    ("call", "company"): ((182,), (181,)),
    ("call", "deal"): ((206,), (205,)),
    ("call", "ticket"): ((220,), (219,)),
    ("email", "contact"): ((198,), (197,)),
    ("email", "company"): ((186,), (185,)),
    ("email", "deal"): ((210,), (209,)),
    ("email", "ticket"): ((224,), (223,)),
    ("meeting", "contact"): ((200,), (199,)),
    ("meeting", "company"): ((188,), (187,)),
    ("meeting", "deal"): ((212,), (211,)),
    ("meeting", "ticket"): ((226,), (225,)),
    ("note", "contact"): ((202,), (201,)),
    ("note", "company"): ((190,), (189,)),
    ("note", "deal"): ((214,), (213,)),
    ("note", "ticket"): ((228,), (227,)),
    ("task", "contact"): ((204,), (203,)),
    ("task", "company"): ((192,), (191,)),
    ("task", "deal"): ((216,), (215,)),
    ("task", "ticket"): ((230,), (229,)),
    ("communication", "contact"): ((81,), (82,)),
    ("contact", "contact"): ((449,), (449,)),
    ("company", "company"): ((450,), (450,)),
    ("deal", "deal"): ((451,), (451,)),
    ("ticket", "ticket"): ((452,), (452,)),
}
_FIRST_MADE_UP = 2000


@dataclass(frozen=True, slots=True)
class AssociationType:
    """One kind of association, in one direction; `inverse` is the id of the same in the other."""

    id: int
    inverse: int
    name: str
    label: str | None = None
    category: str = HUBSPOT_DEFINED

    def to_wire(self) -> dict[str, Any]:
        """As the API of version 4 tells it."""
        return {"category": self.category, "typeId": self.id, "label": self.label}


class AssociationTypes:
    """The types for each ordered pair of objects. A pair that HubSpot's list above lacks gets a type of its own."""

    def __init__(self) -> None:
        self._types: dict[tuple[str, str], list[AssociationType]] = {}
        self._next = _FIRST_MADE_UP
        for (one, other), (forth, back) in _KNOWN.items():
            self._add(one, other, forth, back)

    def between(self, one: ObjectType, other: ObjectType) -> list[AssociationType]:
        """Every type from `one` to `other`, the one without a label first."""
        pair = (one.singular, other.singular)
        if pair not in self._types:
            ids = self._two_ids()
            self._add(*pair, ids[:1], ids[:1] if pair[0] == pair[1] else ids[1:])
        return self._types[pair]

    def find(self, one: ObjectType, other: ObjectType, type_id: Any, category: Any = None) -> AssociationType | None:
        """The type of this id, in this direction."""
        known = self.between(one, other)
        return next((item for item in known if item.id == type_id and category in (None, item.category)), None)

    def target(self, one: ObjectType, type_id: Any) -> str | None:
        """The object to which a type of this id leads from `one`."""
        pairs = ((pair[1], types) for pair, types in self._types.items() if pair[0] == one.singular)
        return next((other for other, types in pairs if any(item.id == type_id for item in types)), None)

    def label(self, one: ObjectType, other: ObjectType, name: str, label: str, inverse: str | None) -> AssociationType:
        """Make a label of the account's own, and its inverse; returns the first."""
        forth, back = self._two_ids()
        made = AssociationType(forth, back, name, label, USER_DEFINED)
        self.between(one, other).append(made)
        self.between(other, one).append(AssociationType(back, forth, name, inverse or label, USER_DEFINED))
        return made

    def unlabel(self, one: ObjectType, other: ObjectType, type_id: int) -> None:
        """Take a label of the account's own away, in both directions."""
        gone = self.find(one, other, type_id, USER_DEFINED)
        if gone is not None:
            self.between(one, other).remove(gone)
            back = self.find(other, one, gone.inverse, USER_DEFINED)
            if back is not None:
                self.between(other, one).remove(back)

    def _add(self, one: str, other: str, forth: tuple[int, ...], back: tuple[int, ...]) -> None:
        self._types[one, other] = list(_directed(one, other, forth, back))
        self._types[other, one] = list(_directed(other, one, back, forth))

    def _two_ids(self) -> tuple[int, int]:
        self._next += 2
        return self._next - 2, self._next - 1


def _directed(one: str, other: str, ids: tuple[int, ...], inverses: tuple[int, ...]) -> Iterator[AssociationType]:
    name = f"{one}_to_{other}"
    has_primary = len(ids) > 1
    for place, (type_id, inverse) in enumerate(zip(ids, inverses, strict=True)):
        plain = f"{name}_unlabeled" if has_primary else name
        yield AssociationType(type_id, inverse, name if place else plain, "Primary" if place else None)
