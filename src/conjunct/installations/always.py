"""Integrations that install themselves: those that read an object `always`, for every group that connects.

A connection that is made has them installed for its group; a deploy by which an integration begins to read `always` has
it installed for the groups that are connected already. Neither happens again for what was there before: an installation
that was deleted stays so until its group makes a new connection.
"""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections import ConnectionService, ConnectionState
from conjunct.core.database import Database
from conjunct.core.problems import Problem
from conjunct.installations.repository import InstallationRepository
from conjunct.installations.schemas import CreateInstallation, NewConfig
from conjunct.installations.service import InstallationService
from conjunct.integrations import IntegrationNotFound, IntegrationService
from conjunct.manifests import Integration, read_objects
from conjunct.queue import Done, Engine, Handler, Job, NewJob, Outcome

INSTALL = "installation.install"
"""Installs for one connection, whose id is the job's `ref_id`; of one integration alone when `/` and its id follow."""

INSTALL_ALL = "installation.install_all"
"""Has an integration, whose id is the job's `ref_id`, installed for all groups that are connected."""

NOTHING_CHOSEN: dict[str, Any] = {"read": {"objects": {}}}
BATCH = 500

log = structlog.get_logger(__name__)


def reads_always(integration: Integration) -> bool:
    """Whether the integration has an object that is read for every installation."""
    return any(each.enabled == "always" for each in read_objects(integration))


class AlwaysInstaller:
    """Installs in the background what nobody has to install."""

    def __init__(
        self,
        database: Database,
        integrations: IntegrationService,
        connections: ConnectionService,
        installations: InstallationService,
        engine: Engine,
        batch: int = BATCH,
    ) -> None:
        self._database = database
        self._integrations = integrations
        self._connections = connections
        self._installations = installations
        self._engine = engine
        self._batch = batch

    @property
    def handlers(self) -> dict[str, Handler]:
        """The jobs by their kinds."""
        return {INSTALL: self.run_install, INSTALL_ALL: self.run_install_all}

    async def after_connecting(self, session: AsyncSession, project_id: str, connection_id: str) -> None:
        """Have everything installed that wants it, for a connection that was made on this transaction."""
        await self._engine.enqueue(session, [_install_job(project_id, connection_id)])

    async def after_deploy(
        self, session: AsyncSession, project_id: str, integration_id: str, new: Integration, old: Integration | None
    ) -> None:
        """Have an integration installed for all who are connected, if it has begun to read `always`."""
        if reads_always(new) and not (old is not None and reads_always(old)):
            await self._engine.enqueue(session, [NewJob(project_id, INSTALL_ALL, integration_id)])

    async def run_install(self, job: Job) -> Outcome:
        """Install for one connection."""
        connection_id, _, only = job.ref_id.partition("/")
        async with self._database.transaction() as session:
            connection = await self._connections.find(session, job.tenant, connection_id)
            if connection is None:
                return Done()
            latest = await self._integrations.latest_of_provider(session, job.tenant, connection.provider)
        for revision in latest:
            if only in ("", revision.integration_id) and reads_always(revision.content):
                await self._install(job.tenant, revision.integration_id, connection)
        return Done()

    async def run_install_all(self, job: Job) -> Outcome:
        """Make a job for each group's newest connection, a batch a transaction."""
        after = ""
        while True:
            async with self._database.transaction() as session:
                try:
                    found = await self._integrations.find(session, job.tenant, job.ref_id)
                except IntegrationNotFound:
                    return Done()
                groups = await InstallationRepository(session).connected_without(
                    job.tenant, found.id, found.provider, after=after, limit=self._batch
                )
                jobs = [_install_job(job.tenant, connection, only=found.id) for _, connection in groups]
                await self._engine.enqueue(session, jobs)
            if len(groups) < self._batch:
                return Done()
            after = groups[-1][0]

    async def _install(self, project_id: str, integration_id: str, connection: ConnectionState) -> None:
        """Install, unless the group has it. What cannot be installed is told in the log: nobody waits for an answer."""
        request = CreateInstallation(
            group_ref=connection.group_ref,
            connection_id=connection.id,
            config=NewConfig(created_by=f"consumer:{connection.consumer_ref}", content=NOTHING_CHOSEN),
        )
        about = {"project_id": project_id, "integration": integration_id, "group": connection.group_ref}
        try:
            async with self._database.transaction() as session:
                if await self._installations.find_by_group(session, project_id, integration_id, connection.group_ref):
                    return
                plan = await self._installations.plan_creation(session, project_id, integration_id, request)
                installation_id = await self._installations.save(session, plan)
        except Problem as problem:  # another request was quicker, or the integration or the connection is gone
            log.warning("installation.not_installed", **about, reason=problem.detail)
        else:
            log.info("installation.installed", **about, installation=installation_id)


def _install_job(project_id: str, connection_id: str, *, only: str = "") -> NewJob:
    # One after another: the second finds what the first has installed.
    lane = f"{project_id}/install/{connection_id}"
    return NewJob(project_id, INSTALL, f"{connection_id}/{only}" if only else connection_id, lane=lane)
