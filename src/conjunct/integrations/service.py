"""Integrations: deploy them, find them, delete them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.paging import WHOLE, Items, Page
from conjunct.core.problems import Issue
from conjunct.integrations.cache import RevisionCache
from conjunct.integrations.changes import Revision, RevisionListener
from conjunct.integrations.models import IntegrationRow, RevisionRow
from conjunct.integrations.problems import IntegrationExists, IntegrationNotFound, ProviderChanged, SourceInvalid
from conjunct.integrations.repository import IntegrationRepository, Lock
from conjunct.kit.ids import new_id
from conjunct.manifests import (
    SPEC_VERSION,
    Integration,
    Limits,
    Manifest,
    ManifestInvalid,
    diff,
    parse_manifest,
    validate_integration,
)


class IntegrationService:
    """What the builder deploys. Every deploy is one transaction: all of a manifest, or nothing.

    Listeners are told of new revisions and deletions on that same transaction.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._listeners: list[RevisionListener] = []
        self._revisions = RevisionCache()

    def add_listener(self, listener: RevisionListener) -> None:
        """Have `listener` told. The composition root calls this."""
        self._listeners.append(listener)

    def parse(self, text: str | bytes) -> Manifest:
        """The manifest in a YAML text; raises ManifestInvalid with every fault."""
        return parse_manifest(text, limits=self._limits)

    async def list_page(self, connection: AsyncConnection, project_id: str, page: Page = WHOLE) -> Items:
        """A page of a project's integrations with their latest revisions, as JSON of the specification."""
        return await IntegrationRepository(connection).list_page(project_id, page)

    async def get_json(self, connection: AsyncConnection | AsyncSession, project_id: str, id_or_name: str) -> str:
        """One integration, as JSON of the specification; raises IntegrationNotFound."""
        found = await IntegrationRepository(connection).get_json(project_id, id_or_name)
        if found is None:
            raise IntegrationNotFound(id_or_name)
        return found

    async def create(
        self, session: AsyncSession, project_id: str, *, name: str, provider: str, spec_version: str, content: Any
    ) -> str:
        """Make an integration with its first revision; answers it as JSON.

        Raises ManifestInvalid, with issues named as in the request, or IntegrationExists.
        """
        integration = validate_integration(content, limits=self._limits, path=("latestRevision", "content"))
        _require_agreement(integration, name=name, provider=provider, spec_version=spec_version)
        repository = IntegrationRepository(session)
        await repository.lock_deploys(project_id)
        if await repository.by_names(project_id, [name]):
            raise IntegrationExists(
                f"There is an integration {name!r} in this project already.",
                remedy="Choose another name, or make a revision of the one that exists.",
                issues=[Issue("name", "is taken", value=name)],
            )
        integration_id = await self._add(session, project_id, integration)
        return await self.get_json(session, project_id, integration_id)

    async def deploy(self, session: AsyncSession, project_id: str, manifest: Manifest, *, destructive: bool) -> str:
        """Make or change every integration of the manifest; answers them as JSON.

        One that has not changed gets no revision; those that the manifest leaves out stay as they are.
        """
        repository = IntegrationRepository(session)
        await repository.lock_deploys(project_id)
        known = await repository.by_names(project_id, [each.name for each in manifest.integrations])
        _require_same_providers(manifest.integrations, known)
        ids = []
        for integration in manifest.integrations:
            if integration.name in known:
                row, latest = known[integration.name]
                await self._revise(session, row, latest, integration, destructive=destructive)
                ids.append(row.id)
            else:
                ids.append(await self._add(session, project_id, integration))
        return (await repository.list_page(project_id, ids=ids)).json

    async def revise(
        self, session: AsyncSession, project_id: str, id_or_name: str, manifest: Manifest, *, destructive: bool
    ) -> str:
        """Make a revision of one integration from its entry in the manifest; answers it as JSON.

        Nothing changes, and the latest revision is answered, when the entry is what was deployed last. Raises
        IntegrationNotFound, or SourceInvalid when the manifest has no such entry.
        """
        repository = IntegrationRepository(session)
        await repository.lock_deploys(project_id)
        name = (await self.find(session, project_id, id_or_name)).name
        integration = next((each for each in manifest.integrations if each.name == name), None)
        if integration is None:
            raise SourceInvalid(
                f"The manifest has no integration {name!r}.",
                remedy="Send a manifest that holds the integration whose revision it is to be.",
            )
        known = await repository.by_names(project_id, [name])
        _require_same_providers([integration], known)
        row, latest = known[name]
        revision_id = await self._revise(session, row, latest, integration, destructive=destructive)
        return await repository.revision_json(project_id, revision_id)

    async def delete(self, session: AsyncSession, project_id: str, id_or_name: str) -> None:
        """Delete an integration with its revisions and installations; raises IntegrationNotFound."""
        repository = IntegrationRepository(session)
        await repository.lock_deploys(project_id)
        # Locked before the listeners look: whatever is being installed is either seen by them or refused.
        found = await self.find(session, project_id, id_or_name, lock="change")
        for listener in self._listeners:
            await listener.on_integration_deleted(session, project_id, found.id)
        await repository.delete(project_id, found.id)

    async def find(
        self, session: AsyncSession, project_id: str, id_or_name: str, *, lock: Lock | None = None
    ) -> IntegrationRow:
        """The integration of that id or name; raises IntegrationNotFound.

        With the lock `keep`, no deploy changes it before the caller's transaction ends.
        """
        found = await IntegrationRepository(session).find(project_id, id_or_name, lock=lock)
        if found is None:
            raise IntegrationNotFound(id_or_name)
        return found

    async def revision(self, session: AsyncSession, project_id: str, revision_id: str) -> Revision:
        """A revision, remembered by the process because it never changes. Raises IntegrationNotFound."""
        known = self._revisions.get(project_id, revision_id)
        if known is None:
            row = await IntegrationRepository(session).revision(project_id, revision_id)
            if row is None:
                raise IntegrationNotFound(revision_id)
            known = _revision(row)
            self._revisions.put(known)
        return known

    async def revisions_after(
        self, session: AsyncSession, project_id: str, integration_id: str, number: int
    ) -> list[Revision]:
        """The revisions of an integration that were deployed after the one of that number, oldest first."""
        rows = await IntegrationRepository(session).revisions_after(project_id, integration_id, number)
        return [_revision(row) for row in rows]

    async def _add(self, session: AsyncSession, project_id: str, integration: Integration) -> str:
        integration_id, revision_id = new_id(), new_id()
        repository = IntegrationRepository(session)
        await repository.add_integration(
            id=integration_id,
            project_id=project_id,
            name=integration.name,
            provider=integration.provider,
            latest_revision_id=revision_id,
        )
        await _add_revision(repository, Revision(revision_id, integration_id, project_id, 1, integration))
        return integration_id

    async def _revise(
        self,
        session: AsyncSession,
        row: IntegrationRow,
        latest: RevisionRow,
        integration: Integration,
        *,
        destructive: bool,
    ) -> str:
        if latest.content == integration.to_wire():
            return latest.id
        revision_id = new_id()
        repository = IntegrationRepository(session)
        revision = Revision(revision_id, row.id, row.project_id, latest.number + 1, integration, destructive)
        await _add_revision(repository, revision)
        await repository.follow(row.project_id, row.id, revision_id)
        changes = diff(_revision(latest).content, integration)
        for listener in self._listeners:
            await listener.on_revision(session, row.project_id, row.id, revision_id, changes, destructive)
        return revision_id


async def _add_revision(repository: IntegrationRepository, revision: Revision) -> None:
    await repository.add_revision(
        id=revision.id,
        integration_id=revision.integration_id,
        project_id=revision.project_id,
        number=revision.number,
        spec_version=SPEC_VERSION,
        content=revision.content.to_wire(),
        destructive=revision.destructive,
    )


def _revision(row: RevisionRow) -> Revision:
    content = Integration.model_validate(row.content)
    return Revision(row.id, row.integration_id, row.project_id, row.number, content, row.destructive)


def _require_agreement(integration: Integration, *, name: str, provider: str, spec_version: str) -> None:
    said = (
        ("name", name, integration.name, "must be the name in latestRevision.content"),
        ("provider", provider, integration.provider, "must be the provider in latestRevision.content"),
        ("latestRevision.specVersion", spec_version, SPEC_VERSION, f"must be {SPEC_VERSION}"),
    )
    issues = [Issue(where, detail, value=given[:200]) for where, given, right, detail in said if given != right]
    if issues:
        raise ManifestInvalid(issues)


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
