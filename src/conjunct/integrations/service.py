"""Integrations: deploy them, find them, delete them."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.paging import WHOLE, Items, Page
from conjunct.core.problems import Issue
from conjunct.integrations.cache import RevisionCache
from conjunct.integrations.changes import Revision, RevisionListener
from conjunct.integrations.deploys import PREVIOUS, Step, revision_of, steps_of
from conjunct.integrations.models import IntegrationRow, RevisionRow
from conjunct.integrations.problems import (
    AlreadyLatest,
    IntegrationExists,
    IntegrationNotFound,
    RevisionNotFound,
    SourceInvalid,
)
from conjunct.integrations.repository import IntegrationRepository, Lock
from conjunct.kit.ids import new_id
from conjunct.manifests import (
    SPEC_VERSION,
    Integration,
    Limits,
    Manifest,
    ManifestInvalid,
    parse_manifest,
    validate_integration,
)
from conjunct.providers import ProjectProviders
from conjunct.tenants.audit import note_change


class IntegrationService:
    """What the builder deploys. Every deploy is one transaction: all of a manifest, or nothing.

    Listeners are told of new revisions and deletions on that same transaction.
    """

    def __init__(self, limits: Limits, providers: ProjectProviders | None = None) -> None:
        self._limits = limits
        self._providers = providers
        self._listeners: list[RevisionListener] = []
        self._revisions = RevisionCache()

    def add_listener(self, listener: RevisionListener) -> None:
        """Have `listener` told. The composition root calls this."""
        self._listeners.append(listener)

    def parse(self, text: str | bytes, own: Mapping[str, tuple[str, ...]] | None = None) -> Manifest:
        """The manifest in a YAML text; raises ManifestInvalid with every fault. `own` are modules of further providers,
        by their names."""
        return parse_manifest(text, limits=self._limits_with(own or {}))

    def check_providers(self, texts: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        """The modules of definitions that are to be deployed, by name; raises InvalidDefinition with every fault."""
        if self._providers is None:
            return {}
        return {name: tuple(each.modules) for name, each in self._providers.check(texts).items()}

    async def own_modules(self, session: AsyncSession | AsyncConnection, project_id: str) -> dict[str, tuple[str, ...]]:
        """The modules of the providers that the project has deployed, by name."""
        return {} if self._providers is None else await self._providers.own_modules(session, project_id)

    async def keep_providers(self, session: AsyncSession, project_id: str, texts: Mapping[str, str]) -> None:
        """Keep definitions that `check_providers` found good, on the deploy's transaction; others stay as they are."""
        if self._providers is not None and texts:
            await IntegrationRepository(session).lock_deploys(project_id)
            await self._providers.store(session, project_id, texts)
            note_change(providers=sorted(texts))

    def _limits_with(self, own: Mapping[str, tuple[str, ...]]) -> Limits:
        known = self._limits.known_providers
        return (
            replace(self._limits, known_providers=ChainMap(dict(own), cast("Any", known)))
            if own and known
            else self._limits
        )

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
        self,
        session: AsyncSession,
        project_id: str,
        *,
        name: str,
        provider: str,
        spec_version: str,
        content: Any,
        created_by: str,
    ) -> str:
        """Make an integration with its first revision; answers it as JSON.

        Raises ManifestInvalid, with issues named as in the request, or IntegrationExists.
        """
        limits = self._limits_with(await self.own_modules(session, project_id))
        integration = validate_integration(content, limits=limits, path=("latestRevision", "content"))
        _require_agreement(integration, name=name, provider=provider, spec_version=spec_version)
        repository = IntegrationRepository(session)
        await repository.lock_deploys(project_id)
        if await repository.by_names(project_id, [name]):
            raise IntegrationExists(
                f"There is an integration {name!r} in this project already.",
                remedy="Choose another name, or make a revision of the one that exists.",
                issues=[Issue("name", "is taken", value=name)],
            )
        revision = await self._add(session, project_id, integration, created_by)
        return await self.get_json(session, project_id, revision.integration_id)

    async def deploy(
        self, session: AsyncSession, project_id: str, manifest: Manifest, *, destructive: bool, created_by: str
    ) -> str | bytes:
        """Make or change every integration of the manifest; answers them as JSON.

        One that has not changed gets no revision; those that the manifest leaves out stay as they are.
        """
        repository = IntegrationRepository(session)
        await repository.lock_deploys(project_id)
        revisions = [
            await self._carry_out(session, project_id, step, destructive=destructive, created_by=created_by)
            for step in await steps_of(repository, project_id, manifest.integrations)
        ]
        note_change(revisions={each.content.name: each.id for each in revisions})
        return (await repository.list_page(project_id, ids=[each.integration_id for each in revisions])).json

    async def revise(
        self,
        session: AsyncSession,
        project_id: str,
        id_or_name: str,
        manifest: Manifest,
        *,
        destructive: bool,
        created_by: str,
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
        [step] = await steps_of(repository, project_id, [integration])
        revision = await self._carry_out(session, project_id, step, destructive=destructive, created_by=created_by)
        note_change(resource_id=revision.id)
        return await repository.revision_json(project_id, revision.id)

    async def roll_back(
        self,
        session: AsyncSession,
        project_id: str,
        id_or_name: str,
        revision_id: str,
        *,
        destructive: bool,
        created_by: str,
    ) -> str:
        """Deploy what an integration was in an earlier revision, as a new one; returns that one's id.

        What was good then is checked against the rules of today. `previous` is the one before
        the latest. Nothing changes, and the latest revision is answered, when it holds the same already. Raises
        IntegrationNotFound, RevisionNotFound, AlreadyLatest for the latest revision itself, or ManifestInvalid.
        """
        repository = IntegrationRepository(session)
        await repository.lock_deploys(project_id)
        found = await self.find(session, project_id, id_or_name)
        earlier = await self._earlier(repository, found, revision_id)
        limits = self._limits_with(await self.own_modules(session, project_id))
        entry = validate_integration(earlier.content, limits=limits, path=("revision", "content"))
        [step] = await steps_of(repository, project_id, [entry])
        revision = await self._carry_out(session, project_id, step, destructive=destructive, created_by=created_by)
        note_change(resource_id=found.id, revision=revision.id, asOf=earlier.id)
        return revision.id

    async def delete(self, session: AsyncSession, project_id: str, id_or_name: str) -> None:
        """Delete an integration with its revisions and installations; raises IntegrationNotFound."""
        repository = IntegrationRepository(session)
        await repository.lock_deploys(project_id)
        # Locked before the listeners look: whatever is being installed is either seen by them or refused.
        found = await self.find(session, project_id, id_or_name, lock="change")
        note_change(resource_id=found.id, name=found.name)
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
            known = revision_of(row)
            self._revisions.put(known)
        return known

    async def latest_of_provider(self, session: AsyncSession, project_id: str, provider: str) -> list[Revision]:
        """The latest revisions of a project's integrations for a provider."""
        rows = await IntegrationRepository(session).latest_of_provider(project_id, provider)
        return [revision_of(row) for row in rows]

    async def revision_before(self, session: AsyncSession, project_id: str, revision_id: str) -> Revision | None:
        """The revision that was deployed before this one of the same integration; None for the first."""
        row = await IntegrationRepository(session).revision_before(project_id, revision_id)
        return None if row is None else revision_of(row)

    async def revisions_after(
        self, session: AsyncSession, project_id: str, integration_id: str, number: int
    ) -> list[Revision]:
        """The revisions of an integration that were deployed after the one of that number, oldest first."""
        rows = await IntegrationRepository(session).revisions_after(project_id, integration_id, number)
        return [revision_of(row) for row in rows]

    async def _earlier(self, repository: IntegrationRepository, of: IntegrationRow, revision_id: str) -> RevisionRow:
        if revision_id == of.latest_revision_id:
            raise AlreadyLatest(
                f"The revision {revision_id} of {of.name!r} is the latest one.",
                remedy="Name an earlier revision; listRevisions shows them.",
                issues=[Issue("revisionId", "names the latest revision", value=revision_id)],
            )
        if revision_id == PREVIOUS:
            earlier = await repository.revision_before(of.project_id, of.latest_revision_id)
        else:
            earlier = await repository.revision(of.project_id, revision_id)
        if earlier is None or earlier.integration_id != of.id:
            raise RevisionNotFound(revision_id)
        return earlier

    async def _carry_out(
        self, session: AsyncSession, project_id: str, step: Step, *, destructive: bool, created_by: str
    ) -> Revision:
        """The integration's latest revision, which is a new one unless the step changes nothing."""
        latest = step.latest
        if latest is None:
            return await self._add(session, project_id, step.entry, created_by)
        if step.kind == "unchanged":
            return latest
        integration_id, repository = latest.integration_id, IntegrationRepository(session)
        revision = Revision(new_id(), integration_id, project_id, latest.number + 1, step.entry, destructive)
        await _add_revision(repository, revision, created_by)
        await repository.follow(project_id, integration_id, revision.id)
        for listener in self._listeners:
            await listener.on_revision(session, project_id, integration_id, revision.id, step.changes, destructive)
        return revision

    async def _add(self, session: AsyncSession, project_id: str, integration: Integration, created_by: str) -> Revision:
        repository = IntegrationRepository(session)
        revision = Revision(new_id(), new_id(), project_id, 1, integration)
        await repository.add_integration(
            id=revision.integration_id,
            project_id=project_id,
            name=integration.name,
            provider=integration.provider,
            latest_revision_id=revision.id,
        )
        await _add_revision(repository, revision, created_by)
        for listener in self._listeners:
            await listener.on_integration_added(session, revision)
        return revision


async def _add_revision(repository: IntegrationRepository, revision: Revision, created_by: str) -> None:
    await repository.add_revision(
        id=revision.id,
        integration_id=revision.integration_id,
        project_id=revision.project_id,
        number=revision.number,
        spec_version=SPEC_VERSION,
        content=revision.content.to_wire(),
        destructive=revision.destructive,
        created_by=created_by,
    )


def _require_agreement(integration: Integration, *, name: str, provider: str, spec_version: str) -> None:
    said = (
        ("name", name, integration.name, "must be the name in latestRevision.content"),
        ("provider", provider, integration.provider, "must be the provider in latestRevision.content"),
        ("latestRevision.specVersion", spec_version, SPEC_VERSION, f"must be {SPEC_VERSION}"),
    )
    issues = [Issue(where, detail, value=given[:200]) for where, given, right, detail in said if given != right]
    if issues:
        raise ManifestInvalid(issues)
