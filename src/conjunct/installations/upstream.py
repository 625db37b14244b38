"""What happens to installations when what they stand on changes: their integration, or their connection."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections import StoppedInstallation
from conjunct.core.database import Database
from conjunct.installations.always import AlwaysInstaller
from conjunct.installations.repository import InstallationRepository
from conjunct.installations.service import InstallationService
from conjunct.integrations import IntegrationNotFound, IntegrationService, Revision
from conjunct.manifests import Changes
from conjunct.queue import Done, Engine, Handler, Job, NewJob, Outcome

FOLLOW = "installation.follow"
BATCH = 100
"""Installations that follow a deploy in one transaction; further ones follow by a job."""


class Upstream:
    """Listens to integrations and connections, and carries installations along. See `following` for the rule."""

    def __init__(
        self,
        database: Database,
        integrations: IntegrationService,
        installations: InstallationService,
        engine: Engine,
        always: AlwaysInstaller,
        batch: int = BATCH,
    ) -> None:
        self._database = database
        self._integrations = integrations
        self._installations = installations
        self._engine = engine
        self._always = always
        self._batch = batch

    @property
    def handlers(self) -> dict[str, Handler]:
        """The jobs of this slice, for the worker."""
        return {FOLLOW: self.run_follow, **self._always.handlers}

    async def on_integration_added(self, session: AsyncSession, revision: Revision) -> None:
        """Install it for those who are connected, if nobody has to."""
        await self._always.after_deploy(session, revision.project_id, revision.integration_id, revision.content, None)

    async def on_revision(
        self,
        session: AsyncSession,
        project_id: str,
        integration_id: str,
        revision_id: str,
        changes: Changes,  # noqa: ARG002 - each installation is compared for itself
        destructive: bool,  # noqa: ARG002 - the revision remembers it, for jobs that come later
    ) -> None:
        """Carry the installations over to the new revision: one batch at once, the others by a job."""
        if await self._follow_batch(session, project_id, integration_id, revision_id) == self._batch:
            lane = f"{project_id}/follow/{integration_id}"
            await self._engine.enqueue(session, [NewJob(project_id, FOLLOW, integration_id, lane=lane)])
        new = await self._integrations.revision(session, project_id, revision_id)
        old = await self._integrations.revision_before(session, project_id, revision_id)
        await self._always.after_deploy(session, project_id, integration_id, new.content, old.content if old else None)

    async def on_integration_deleted(self, session: AsyncSession, project_id: str, integration_id: str) -> None:
        """Delete its installations. Their connections stay: they belong to the customer."""
        for installation_id in await InstallationRepository(session).ids(project_id, integration_id=integration_id):
            await self._installations.remove(session, project_id, installation_id)

    async def on_connection_made(self, session: AsyncSession, project_id: str, connection_id: str) -> None:
        """Install what nobody has to install."""
        await self._always.after_connecting(session, project_id, connection_id)

    async def on_connection_deleting(self, session: AsyncSession, project_id: str, connection_id: str) -> None:
        """Delete the installations that cannot be without the connection."""
        for installation_id in await InstallationRepository(session).ids(project_id, connection_id=connection_id):
            await self._installations.remove(session, project_id, installation_id)

    async def stopped_by_deletion(
        self, session: AsyncSession, project_id: str, connection_id: str
    ) -> list[StoppedInstallation]:
        """The installations that go with the connection."""
        return [
            StoppedInstallation(
                id=state.id,
                integration_id=state.integration_id,
                integration_name=state.integration_name,
                group_ref=state.group_ref,
                read_objects=list(state.read_objects),
            )
            for state in await self._installations.load_of_connection(session, project_id, connection_id)
        ]

    async def run_follow(self, job: Job) -> Outcome:
        """Carry over every installation that is behind its integration, a batch a transaction."""
        while True:
            async with self._database.transaction() as session:
                try:
                    found = await self._integrations.find(session, job.tenant, job.ref_id, lock="keep")
                except IntegrationNotFound:
                    return Done()
                moved = await self._follow_batch(session, job.tenant, found.id, found.latest_revision_id)
            if moved < self._batch:
                return Done()

    async def _follow_batch(self, session: AsyncSession, project_id: str, integration_id: str, revision_id: str) -> int:
        ids = await InstallationRepository(session).lock_behind(project_id, integration_id, revision_id, self._batch)
        for state in await self._installations.load_all(session, project_id, ids):
            plan = await self._installations.plan_following(session, state, revision_id)
            await self._installations.save(session, plan)
        return len(ids)
