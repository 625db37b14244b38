"""An attempt at a run: load what it needs, read, and record how the attempt ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.read.ending import Ender
from conjunct.actions.read.messages import make_envelope
from conjunct.actions.read.metrics import INTERRUPTIONS
from conjunct.actions.read.reader import Reader
from conjunct.actions.read.reading import Blocked, Reading, RunGone, require_way
from conjunct.actions.read.repository import ReadRepository
from conjunct.actions.read.runs import Run
from conjunct.connections import ConnectionService, ConnectionState
from conjunct.connectors import ProviderError, ReadQuery
from conjunct.core import tracing
from conjunct.core.database import Database
from conjunct.core.problems import Problem
from conjunct.core.telemetry import bind
from conjunct.delivery import DeliveryService
from conjunct.installations import InstallationService, InstallationState, ReadObject, plan_mapping
from conjunct.kit.clock import Clock
from conjunct.queue import Done, Job, Outcome, Yield

MOST_LOST = 20
"""Attempts in a row that may end without a word and without a page, killed or by a fault of ours."""

_LOST = (
    f"{MOST_LOST} attempts in a row ended without a page and without a word: their workers died, or failed in a way "
    "that their logs tell."
)

PATIENCE = 10.0
"""Seconds that a run waits for the provider's limits before it makes room for others."""

log = structlog.get_logger(__name__)


class Runner:
    """Runs read runs from their checkpoints to their ends."""

    def __init__(
        self,
        *,
        database: Database,
        installations: InstallationService,
        connections: ConnectionService,
        delivery: DeliveryService,
        reader: Reader,
        ender: Ender,
        clock: Clock,
    ) -> None:
        self._database = database
        self._installations = installations
        self._connections = connections
        self._delivery = delivery
        self._reader = reader
        self._ender = ender
        self._clock = clock

    async def run(self, job: Job, operation_id: str) -> Outcome:
        """Do one attempt at a run; it goes on from its checkpoint."""
        with bind(operation_id=operation_id, project_id=job.tenant):
            run = await self._begun(job, operation_id)
            if run is None or not run.active:
                return Done()  # its installation was deleted, or a worker died between its end and the job's
            about = {"installation_id": run.installation_id, "object": run.object_name, "read_type": run.read_type}
            with bind(**about), tracing.span("read") as span:
                span.note({"conjunct.operation_id": operation_id, **{f"conjunct.{key}": about[key] for key in about}})
                return await self._attempt_or_end(job, run)

    async def _begun(self, job: Job, operation_id: str) -> Run | None:
        """The run; what it has waited for others of its lane counts as no time in which it stood still."""
        async with self._database.transaction() as session:
            repository = ReadRepository(session)
            row = await repository.run(job.tenant, operation_id)
            if row is None:
                return None
            run = Run.from_row(row)
            if row.moved_at is None:
                run = replace(run, moved_at=self._clock.now())
                await repository.change_run(job.tenant, operation_id, moved_at=run.moved_at)
            return run

    async def _attempt_or_end(self, job: Job, run: Run) -> Outcome:
        try:
            return await self._attempt(job, run)
        except Problem as problem:  # what the run stands on is gone or no longer fits: destination, provider, token
            return await self._ender.after_problem(job, run, problem)
        except RunGone:
            return Done()
        except Blocked as blocked:
            log.info("read.blocked", reason=blocked.reason)
            INTERRUPTIONS.add(run.read_type, "blocked")
            return await self._ender.wait_for_way(job, run, blocked)

    async def _attempt(self, job: Job, run: Run) -> Outcome:
        if run.lost >= MOST_LOST:
            return await self._ender.give_up(job, run, _LOST)
        found = await self._load(job, run)
        if found is None:
            return Done()
        if isinstance(found, timedelta):
            return await self._ender.wait_for_provider(job, run, found)
        try:
            ended = await self._reader.read(found)
        except ProviderError as error:
            return await self._ender.after_failure(job, run, found.connection, error, found.connector.traffic)
        return Done() if ended else Yield()

    async def _load(self, job: Job, run: Run) -> Reading | timedelta | None:
        """What to read; or for how long the provider wants a pause; None when what the run stands on is gone."""
        async with self._database.transaction() as session:
            state = await self._installations.load_at(session, run.project_id, run.installation_id, run.config_id)
            read_object = state.read_objects.get(run.object_name) if state else None
            if state is None or read_object is None:
                return None
            connection = await self._connections.find(session, run.project_id, state.connection_id)
            if connection is None:
                return None
            if connection.throttled_until is not None:
                wait = connection.throttled_until - self._clock.now()
                if wait > timedelta(0):
                    return wait
            reading = await self._prepare(session, job, run, state, connection, read_object)
            await require_way(session, self._delivery, reading)
            if job.attempts > 1:  # the one before may have ended without a word; whatever follows sets it back
                await ReadRepository(session).change_run(run.project_id, run.operation_id, lost=run.lost + 1)
            return reading

    async def _prepare(
        self,
        session: AsyncSession,
        job: Job,
        run: Run,
        state: InstallationState,
        connection: ConnectionState,
        read_object: ReadObject,
    ) -> Reading:
        connector = await self._connections.connector_over(session, connection, module=state.module, patience=PATIENCE)
        channel = await self._delivery.open_channel(session, run.project_id, read_object.destination)
        plan = plan_mapping(read_object)
        filters = read_object.backfill.filters if run.read_type == "backfill" else read_object.filters
        query = ReadQuery(
            object=read_object.object_name,
            fields=plan.requested,
            since=run.since,
            until=run.until,
            filters=filters,
            associations=tuple(read_object.associations),
        )
        envelope = make_envelope(
            state,
            read_object,
            destination_id=channel.destination_id,
            operation_id=run.operation_id,
            read_type=run.read_type,
            started=run.started,
        )
        then_deleted = read_object.deleted_records and run.read_type != "backfill"
        return Reading(job, run, connection, read_object, plan, query, connector, channel, envelope, then_deleted)
