"""What the higher slices can say of a deploy before it is made: whom it would concern, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.integrations.changes import Revision
from conjunct.manifests import Action

EffectKind = Literal[
    "readStarts",
    "backfillStarts",
    "readStops",
    "readContinues",
    "scheduleChanges",
    "destinationChanges",
    "nameChanges",
    "fieldsChange",
    "deliveryChanges",
    "mappingMissing",
    "writeStops",
    "subscribeStops",
]


@dataclass(frozen=True, slots=True)
class Proposal:
    """An integration's latest revision, and the one that a deploy would make of it."""

    latest: Revision
    proposed: Revision


@dataclass(frozen=True, slots=True)
class Affected:
    """An installation that a deploy would concern."""

    id: str
    group_ref: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What a deploy would do to one object of `total` installations, of which the first few are named."""

    kind: EffectKind
    action: Action
    object_name: str
    total: int
    installations: tuple[Affected, ...]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """How many installations an integration has, and what a deploy would do to them."""

    installations: int = 0
    effects: tuple[Effect, ...] = ()


class Foresight(Protocol):
    """Foresees what proposed revisions would do, without doing it."""

    async def foresee(
        self, session: AsyncSession, project_id: str, proposals: Sequence[Proposal]
    ) -> Mapping[str, Foreseen]:
        """What each proposal would do, by the integration's id; in one query for the installations of all."""
        ...


class DestinationNames(Protocol):
    """Knows which destinations there are."""

    async def missing(self, session: AsyncSession, project_id: str, names: Sequence[str]) -> frozenset[str]:
        """Those of the names (or ids) that no destination of the project has."""
        ...
