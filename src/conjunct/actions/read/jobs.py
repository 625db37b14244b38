"""The read action's jobs: `read.run` runs a run that was begun; `read.scheduled` begins one and runs it."""

from __future__ import annotations

from conjunct.actions.read.repository import ReadRepository
from conjunct.actions.read.runner import Runner
from conjunct.actions.read.starting import Starter
from conjunct.connections import ConnectionService
from conjunct.core.database import Database
from conjunct.installations import InstallationService
from conjunct.queue import Done, Engine, Handler, Job, Outcome


class ReadJobs:
    """Handlers of the read action's jobs."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        installations: InstallationService,
        connections: ConnectionService,
        starter: Starter,
        runner: Runner,
    ) -> None:
        self._database = database
        self._engine = engine
        self._installations = installations
        self._connections = connections
        self._starter = starter
        self._runner = runner

    def handlers(self) -> dict[str, Handler]:
        """The handlers by job kind."""
        return {"read.run": self._run, "read.scheduled": self._scheduled}

    async def _run(self, job: Job) -> Outcome:
        return await self._runner.run(job, job.ref_id)

    async def _scheduled(self, job: Job) -> Outcome:
        installation_id, _, object_name = job.ref_id.partition("/")
        operation_id = await self._begin_or_resume(job, installation_id, object_name)
        if operation_id is None:
            return Done()
        return await self._runner.run(job, operation_id)

    async def _begin_or_resume(self, job: Job, installation_id: str, object_name: str) -> str | None:
        """The scheduled run to do now: the one that was interrupted, or a new one; None when there is nothing to do."""
        async with self._database.transaction() as session:
            await self._engine.fence(session, job)
            repository = ReadRepository(session)
            interrupted = await repository.active_scheduled_run(job.tenant, installation_id, object_name)
            if interrupted is not None:
                return interrupted
            row = await repository.object(job.tenant, installation_id, object_name)
            if row is None or row.paused:
                return None
            state = await self._installations.load(session, job.tenant, installation_id)
            read_object = state.read_objects.get(object_name)
            if read_object is None or read_object.disabled:
                return None
            connection = await self._connections.find(session, job.tenant, state.connection_id)
            if connection is None or connection.status == "bad_credentials":
                return None
            if row.watermark is None and read_object.backfill.kind != "none":
                # The backfill failed. It comes first: reading on from now would leave a gap.
                await self._starter.backfill(session, state, read_object)
                return None
            # No backfill is wanted any more: what was changed since the object was chosen.
            return await self._starter.scheduled(session, state, read_object, row.watermark or row.create_time)
