"""What a deploy does with each entry of a manifest: worked out once, for deploying it and for planning it alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from conjunct.core.problems import Issue
from conjunct.integrations.changes import Revision
from conjunct.integrations.models import IntegrationRow, RevisionRow
from conjunct.integrations.problems import ProviderChanged
from conjunct.integrations.repository import IntegrationRepository
from conjunct.manifests import Changes, Integration, diff

PREVIOUS, LATEST = "previous", "latest"
"""Names that stand for ids of revisions."""

Kind = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True)
class Step:
    """One entry, beside the integration of its name as it was deployed last, if there is one."""

    entry: Integration
    latest: Revision | None = None

    @cached_property
    def changes(self) -> Changes:
        """What the entry changes; everything is added where there is no integration yet."""
        return diff(self.latest.content if self.latest else None, self.entry)

    @property
    def kind(self) -> Kind:
        """An entry written otherwise is a change, even where nothing differs in effect."""
        if self.latest is None:
            return "created"
        return "unchanged" if self.latest.content.to_wire() == self.entry.to_wire() else "changed"


async def steps_of(
    repository: IntegrationRepository, project_id: str, integrations: Sequence[Integration]
) -> list[Step]:
    """The steps that deploy these entries; raises ProviderChanged with every entry that is for another provider."""
    known = await repository.by_names(project_id, [each.name for each in integrations])
    _require_same_providers(integrations, known)
    return [Step(each, revision_of(known[each.name][1]) if each.name in known else None) for each in integrations]


def revision_of(row: RevisionRow) -> Revision:
    """The revision that a row holds."""
    content = Integration.model_validate(row.content)
    return Revision(row.id, row.integration_id, row.project_id, row.number, content, row.destructive)


def _require_same_providers(
    integrations: Sequence[Integration], known: dict[str, tuple[IntegrationRow, RevisionRow]]
) -> None:
    """Refuse a change of provider: the connections of existing installations would not fit."""
    issues = []
    for index, integration in enumerate(integrations):
        row = known[integration.name][0] if integration.name in known else None
        if row is not None and row.provider != integration.provider:
            issues.append(
                Issue(
                    f"integrations.{index}.provider",
                    f"{integration.name} is an integration for {row.provider}",
                    value=integration.provider,
                    remedy="Give the new integration another name, or delete the old one first.",
                )
            )
    if issues:
        raise ProviderChanged("A deploy cannot change an integration's provider; nothing was changed.", issues=issues)
