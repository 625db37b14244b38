"""What a deploy would change and for whom, found out without doing it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.integrations.change_schemas import (
    AffectedInstallation,
    Changes,
    Plan,
    PlannedEffect,
    PlannedIntegration,
    PlanWarning,
)
from conjunct.integrations.changes import Revision
from conjunct.integrations.deploys import Step, steps_of
from conjunct.integrations.foresight import DestinationNames, Effect, EffectKind, Foreseen, Foresight, Proposal
from conjunct.integrations.repository import IntegrationRepository
from conjunct.manifests import Changes as ManifestChanges
from conjunct.manifests import Manifest, destinations

_WORDS: Mapping[EffectKind, str] = {
    "readStarts": "{object} begins to be read for {whom}",
    "backfillStarts": "a backfill of {object} starts for {whom}, unless it has been read before",
    "readStops": "{object} is no longer read for {whom}: the reads are paused",
    "readContinues": "{object} is read on, as it was declared last, for {whom}",
    "scheduleChanges": "{object} is read on another schedule for {whom}",
    "destinationChanges": "{object} goes to another destination for {whom}",
    "nameChanges": "{object} is delivered under another name for {whom}",
    "fieldsChange": "other fields of {object} are delivered for {whom}",
    "deliveryChanges": "results of {object} are sent at other times or sizes for {whom}",
    "mappingMissing": "a required mapping of {object} has not been made by {whom}: its field is left out until then",
    "writeStops": "{object} can no longer be written for {whom}",
    "subscribeStops": "events of {object} are no longer received for {whom}",
}


class DeployPlanner:
    """Plans deploys. What it finds wrong with a manifest is what a deploy refuses, as both take the same steps."""

    def __init__(self, destinations: DestinationNames, foresight: Foresight) -> None:
        self._destinations = destinations
        self._foresight = foresight

    async def plan(self, session: AsyncSession, project_id: str, manifest: Manifest, *, destructive: bool) -> Plan:
        """What deploying the manifest would do; raises what `IntegrationService.deploy` raises. Only reads.

        A constant number of queries, whatever the number of integrations and installations.
        """
        repository = IntegrationRepository(session)
        steps = await steps_of(repository, project_id, manifest.integrations)
        foreseen = await self._foresight.foresee(session, project_id, list(_proposals(steps, destructive=destructive)))
        named = {name for each in manifest.integrations for name in destinations(each)}
        missing = await self._destinations.missing(session, project_id, sorted(named))
        planned = [_planned(step, foreseen, missing) for step in steps]
        others = await repository.all_but(project_id, [each.entry.name for each in steps])
        return Plan(
            destructive=destructive,
            integrations=[*planned, *(_left_out(name, provider, key) for key, name, provider in others)],
        )


def _proposals(steps: Iterable[Step], *, destructive: bool) -> Iterator[Proposal]:
    for step in steps:
        if step.latest is not None and step.kind == "changed":
            latest = step.latest
            proposed = Revision(
                "", latest.integration_id, latest.project_id, latest.number + 1, step.entry, destructive
            )
            yield Proposal(latest, proposed)


def _planned(step: Step, foreseen: Mapping[str, Foreseen], missing: frozenset[str]) -> PlannedIntegration:
    latest = step.latest
    found = foreseen.get(latest.integration_id, Foreseen()) if latest else Foreseen()
    return PlannedIntegration(
        name=step.entry.name,
        provider=step.entry.provider,
        integration_id=latest.integration_id if latest else None,
        latest_revision_id=latest.id if latest else None,
        kind=step.kind,
        installations=found.installations,
        changes=Changes.of(step.changes),
        effects=[_effect(each) for each in found.effects],
        warnings=[*_missing_destinations(step, missing), *_still_read(found.effects)],
    )


def _left_out(name: str, provider: str, integration_id: str) -> PlannedIntegration:
    """An integration that the manifest has not: a deploy leaves it as it is."""
    return PlannedIntegration(
        name=name,
        provider=provider,
        integration_id=integration_id,
        kind="notInManifest",
        changes=Changes.of(ManifestChanges()),
        effects=[],
        warnings=[],
    )


def _effect(effect: Effect) -> PlannedEffect:
    whom = "1 installation" if effect.total == 1 else f"{effect.total} installations"
    return PlannedEffect(
        kind=effect.kind,
        action=effect.action,
        object_name=effect.object_name,
        detail=_WORDS[effect.kind].format(object=effect.object_name, whom=whom),
        total=effect.total,
        installations=[AffectedInstallation(id=each.id, group_ref=each.group_ref) for each in effect.installations],
    )


def _missing_destinations(step: Step, missing: frozenset[str]) -> Iterator[PlanWarning]:
    for name in sorted(destinations(step.entry) & missing):
        yield PlanWarning(
            kind="destinationMissing",
            detail=f"There is no destination {name!r}: what is meant for it cannot be delivered.",
            remedy="Create the destination first, or name one that exists.",
        )


def _still_read(effects: Sequence[Effect]) -> Iterator[PlanWarning]:
    for name in [each.object_name for each in effects if each.kind == "readContinues"]:
        yield PlanWarning(
            kind="stillRead",
            detail=f"{name} is removed from the manifest, but installations that read it go on.",
            remedy="Deploy with destructive=true to have these reads paused.",
        )
