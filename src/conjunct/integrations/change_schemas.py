"""Differences and plans on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from conjunct import manifests
from conjunct.integrations.foresight import EffectKind


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class KeyChange(_Wire):
    """A key that differs; null stands for a key that is not there."""

    key: str
    before: Any
    after: Any


class ObjectChange(_Wire):
    """An object of one action that is new, gone or different."""

    action: manifests.Action
    object_name: str
    kind: Literal["added", "removed", "changed"]
    changes: list[KeyChange]


class Changes(_Wire):
    """Everything that differs; `summary` says it in words, a line each."""

    objects: list[ObjectChange]
    settings: list[KeyChange]
    summary: list[str]

    @classmethod
    def of(cls, changes: manifests.Changes) -> Changes:
        """The changes as they are shown."""
        objects = [
            ObjectChange(
                action=each.action,
                object_name=each.object_name,
                kind=each.kind,
                changes=_keys(each.changes),
            )
            for each in changes.objects
        ]
        return cls(objects=objects, settings=_keys(changes.settings), summary=manifests.summarize(changes))


class RevisionReference(_Wire):
    """Which revision is meant; `number` counts from 1."""

    id: str
    number: int
    created_by: str
    create_time: datetime


class Difference(_Wire):
    """What `revision` changes of `against`, which is null where the first revision is looked at alone."""

    revision: RevisionReference
    against: RevisionReference | None
    changes: Changes


class AffectedInstallation(_Wire):
    """An installation that a deploy would concern."""

    id: str
    group_ref: str


class PlannedEffect(_Wire):
    """What the deploy would do to one object of `total` installations, of which the first few are named."""

    kind: EffectKind
    action: manifests.Action
    object_name: str
    detail: str
    total: int
    installations: list[AffectedInstallation]


class PlanWarning(_Wire):
    """What is worth a look before the deploy, and what to do about it."""

    kind: Literal["destinationMissing", "stillRead"]
    detail: str
    remedy: str


class PlannedIntegration(_Wire):
    """What the deploy would do with one integration of the manifest or of the project."""

    name: str
    provider: str
    integration_id: str | None = None
    latest_revision_id: str | None = None
    kind: Literal["created", "changed", "unchanged", "notInManifest"]
    installations: Annotated[int, Field(description="How many installations it has.")] = 0
    changes: Changes
    effects: list[PlannedEffect]
    warnings: list[PlanWarning]


class Plan(_Wire):
    """What a deploy would do. Nothing has been changed."""

    destructive: bool
    integrations: list[PlannedIntegration]


def _keys(changes: tuple[manifests.Change, ...]) -> list[KeyChange]:
    return [KeyChange(key=each.key, before=each.before, after=each.after) for each in changes]
