"""Whom a deploy would concern: every installation is carried over as the deploy would do it, and nothing is saved."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.installations.content import ConfigContent
from conjunct.installations.following import Carried, carry_over, with_retained
from conjunct.installations.read_objects import ReadObject, resolve_read_objects
from conjunct.installations.repository import InstallationRepository
from conjunct.integrations import Affected, Effect, EffectKind, Foreseen, IntegrationService, Proposal, Revision
from conjunct.manifests import Action, Integration, IntegrationObject, find_read_object, read_objects, required_mappings

NAMED = 20
"""Installations that an effect names; of the others it tells the number."""

Key = tuple[EffectKind, Action, str]
"""What happens, by which action, to which object."""

_COMPARED: tuple[tuple[EffectKind, tuple[str, ...]], ...] = (
    ("scheduleChanges", ("schedule",)),
    ("destinationChanges", ("destination",)),
    ("nameChanges", ("delivered_name",)),
    ("fieldsChange", ("fields", "mappings", "all_fields", "value_mappings")),
    ("deliveryChanges", ("delivery_mode", "page_size")),
)
_ENDS: tuple[tuple[Action, EffectKind], ...] = (("write", "writeStops"), ("subscribe", "subscribeStops"))


@dataclass(slots=True)
class _Tally:
    """How many installations an effect concerns, and the first of them."""

    total: int = 0
    named: list[Affected] = field(default_factory=list)

    def add(self, total: int, named: Iterable[Affected]) -> None:
        self.total += total
        self.named = sorted((*self.named, *named), key=lambda each: each.id)[:NAMED]


class InstallationForesight:
    """Foresees deploys for all installations of some integrations in one query: equal configs count as one."""

    def __init__(self, integrations: IntegrationService) -> None:
        self._integrations = integrations

    async def foresee(
        self, session: AsyncSession, project_id: str, proposals: Sequence[Proposal]
    ) -> Mapping[str, Foreseen]:
        """See `conjunct.integrations.foresight.Foresight`."""
        views = {each.latest.integration_id: _View(each) for each in proposals}
        if not views:
            return {}
        repository = InstallationRepository(session)
        for integration_id, revision_id in await repository.revisions_in_use(project_id, list(views)):
            views[integration_id].history[revision_id] = await self._since(session, project_id, revision_id)
        async for rows in repository.distinct_configs(project_id, list(views), named=NAMED):
            # In a thread, so that other requests are answered meanwhile.
            await asyncio.to_thread(_count, views, rows)
        return {each: view.foreseen() for each, view in views.items()}

    async def _since(self, session: AsyncSession, project_id: str, revision_id: str) -> list[Revision]:
        """A revision and those after it: mostly none, as installations follow a deploy within moments."""
        revision = await self._integrations.revision(session, project_id, revision_id)
        later = await self._integrations.revisions_after(session, project_id, revision.integration_id, revision.number)
        return [revision, *later]


class _View:
    """What is found out of one integration."""

    def __init__(self, proposal: Proposal) -> None:
        self.proposed = proposal.proposed
        self.history: dict[str, list[Revision]] = {}
        self._installations = 0
        self._tallies: dict[Key, _Tally] = {}

    def add(self, row: RowMapping) -> None:
        """Count the installations with one config."""
        self._installations += row["total"]
        named = [Affected(*each) for each in zip(row["ids"], row["group_refs"], strict=True)]
        for key in set(_effects(row, self.history[row["revision_id"]], self.proposed)):
            self._tallies.setdefault(key, _Tally()).add(row["total"], named)

    def foreseen(self) -> Foreseen:
        """What was counted, by action, object and kind, so that a plan reads the same each time."""
        keys = sorted(self._tallies, key=lambda key: (key[1], key[2], key[0]))
        effects = (Effect(*key, self._tallies[key].total, tuple(self._tallies[key].named)) for key in keys)
        return Foreseen(self._installations, tuple(effects))


def _count(views: Mapping[str, _View], rows: Iterable[RowMapping]) -> None:
    for row in rows:
        views[row["integration_id"]].add(row)


def _effects(row: RowMapping, revisions: Sequence[Revision], proposed: Revision) -> Iterator[Key]:
    """What the proposed revision would do to installations with this config."""
    declared, *later = revisions
    content = ConfigContent.model_validate(row["content"])
    retained = tuple(IntegrationObject.model_validate(each) for each in row["retained"])
    stored = Carried(declared.id, with_retained(declared.content, retained), retained, content)
    before = carry_over(stored, later)
    after = carry_over(before, [proposed])
    yield from _effects_on_reads(before, after, proposed.content)
    for action, kind in _ENDS:
        for name in _chosen(before.content, action) - _chosen(after.content, action):
            yield kind, action, name


def _effects_on_reads(before: Carried, after: Carried, proposed: Integration) -> Iterator[Key]:
    old = resolve_read_objects(before.integration, before.content)
    new = resolve_read_objects(after.integration, after.content)
    newly_declared = {each.object_name for each in read_objects(proposed)}
    retained_already = {each.object_name for each in before.retained}
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            yield "readStops", "read", name
        elif name not in old:
            yield from ((kind, "read", name) for kind in _beginnings(new[name]))
        elif name not in newly_declared:
            if name not in retained_already:
                yield "readContinues", "read", name
        else:
            yield from ((kind, "read", name) for kind in _differences(old[name], new[name]))
            if _lacks_mapping(name, before, after, new[name]):
                yield "mappingMissing", "read", name


def _beginnings(read_object: ReadObject) -> Iterator[EffectKind]:
    if not read_object.disabled:
        yield "readStarts"
        if read_object.backfill.kind != "none":
            yield "backfillStarts"


def _differences(old: ReadObject, new: ReadObject) -> Iterator[EffectKind]:
    for kind, names in _COMPARED:
        if any(getattr(old, name) != getattr(new, name) for name in names):
            yield kind


def _lacks_mapping(name: str, before: Carried, after: Carried, resolved: ReadObject) -> bool:
    """Whether a mapping is required from now on that this config does not make."""
    newly = _required(after.integration, name) - _required(before.integration, name)
    return bool(newly - resolved.mappings.keys())


def _required(integration: Integration, name: str) -> set[str]:
    declared = find_read_object(integration, name)
    return {each.map_to_name for each in required_mappings(declared)} if declared else set()


def _chosen(content: ConfigContent, action: str) -> set[str]:
    part = getattr(content, action)
    return {each.object_name or key for key, each in part.objects.items()} if part else set()
