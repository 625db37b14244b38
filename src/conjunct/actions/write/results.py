"""What is known of the records of an asynchronous write, from one attempt to the next. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import orjson

from conjunct.connectors import WriteFault, Written
from conjunct.connectors.errors import ErrorKind

LOST = "The process that sent it ended before the provider's answer was heard."

Sending = Sequence[tuple[int, bool]]
"""Records on their way: the place of each, and whether doing it twice comes to the same."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one record so far. `repeats` is how often it was sent again without an answer to the last time."""

    written: Written
    is_final: bool = False
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Results:
    """The fates of all records, in order; `trouble` is what stood in the way last."""

    fates: tuple[Fate, ...]
    trouble: str | None = None

    @classmethod
    def untried(cls, count: int) -> Self:
        """Nothing is known yet."""
        return cls((Fate(Written("untried")),) * count)

    @property
    def left(self) -> list[int]:
        """The places of those that are still to be done."""
        return [place for place, fate in enumerate(self.fates) if not fate.is_final]

    @property
    def repeated(self) -> list[int]:
        """The places of those that were sent again without an answer to the time before."""
        return [place for place, fate in enumerate(self.fates) if fate.repeats]

    @property
    def written(self) -> list[Written]:
        """What became of each."""
        return [fate.written for fate in self.fates]

    def heard(
        self, places: Sequence[int], told: Sequence[Written], trouble: str | None, *, all_or_none: bool = False
    ) -> Self:
        """With what an attempt made of these records.

        Of records that are written all or none, none is done with before all are.
        """
        again = [each.may_be_tried_again for each in told]
        if all_or_none and not any(each.success for each in told):
            is_risky = any(each.state == "unknown" and not each.repeatable for each in told)
            again = [any(again) and not is_risky] * len(told)
        fates = list(self.fates)
        for place, each, is_left in zip(places, told, again, strict=True):
            before = fates[place]
            repeats = before.repeats + (before.written.state == "unknown")
            fates[place] = Fate(replace(each, record=None), not is_left, repeats)
        return replace(self, fates=tuple(fates), trouble=trouble if trouble is not None else self.trouble)

    def lost(self, sending: Sending) -> Self:
        """With records that were on their way when their sender ended: what may be repeated is still to be done."""
        if not sending:
            return self
        fault = (WriteFault(LOST, kind=ErrorKind.UNREACHABLE),)
        told = [Written("unknown", faults=fault, repeatable=repeatable) for _, repeatable in sending]
        return self.heard([place for place, _ in sending], told, LOST)

    def ended(self, reason: str | None) -> Self:
        """With nothing left to do, for that reason."""
        fates = tuple(replace(fate, is_final=True) for fate in self.fates)
        return replace(self, fates=fates, trouble=reason if reason is not None else self.trouble)

    def to_bytes(self) -> bytes:
        """As it is kept."""
        return orjson.dumps({"fates": [_to_json(fate) for fate in self.fates], "trouble": self.trouble})

    @classmethod
    def from_bytes(cls, kept: bytes) -> Self:
        """What `to_bytes` gave."""
        found = orjson.loads(kept)
        return cls(tuple(_from_json(fate) for fate in found["fates"]), found["trouble"])


def _to_json(fate: Fate) -> dict[str, Any]:
    written = fate.written
    faults = [[fault.message, fault.code, fault.kind.value] for fault in written.faults]
    told = {"state": written.state, "id": written.id, "faults": faults, "repeatable": written.repeatable}
    return {**told, "final": fate.is_final, "repeats": fate.repeats}


def _from_json(kept: Mapping[str, Any]) -> Fate:
    faults = tuple(WriteFault(message, code, ErrorKind(kind)) for message, code, kind in kept["faults"])
    written = Written(kept["state"], kept["id"], faults=faults, repeatable=kept["repeatable"])
    return Fate(written, kept["final"], kept["repeats"])
