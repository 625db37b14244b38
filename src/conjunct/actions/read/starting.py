"""How runs begin: their window is frozen, and their operation and job are made in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.read import telling
from conjunct.actions.read.repository import ReadRepository
from conjunct.actions.read.runs import JOB_MAX_ATTEMPTS, ReadType, lane_of
from conjunct.installations import InstallationState, ReadObject
from conjunct.kit.clock import Clock
from conjunct.operations import NewOperation, OperationService
from conjunct.queue import Engine, NewJob


class Starter:
    """Begins runs, on the caller's transaction."""

    def __init__(self, operations: OperationService, engine: Engine, clock: Clock) -> None:
        self._operations = operations
        self._engine = engine
        self._clock = clock

    async def backfill(self, session: AsyncSession, state: InstallationState, read_object: ReadObject) -> str:
        """Begin the object's backfill as its policy says; returns the operation's id."""
        now = self._clock.now()
        backfill = read_object.backfill
        since = now - timedelta(days=backfill.days) if backfill.kind == "days" else None
        # Without a lower bound there is no upper one either: providers list everything faster than they search it.
        until = now if since is not None else None
        operation_id = await self._begin(
            session, state, read_object, "backfill", since=since, until=until, new_watermark=now
        )
        await ReadRepository(session).change_objects(
            state.project_id, state.id, [read_object.object_name], backfill_operation_id=operation_id
        )
        await self._enqueue(session, state, read_object, operation_id)
        return operation_id

    async def triggered(
        self,
        session: AsyncSession,
        state: InstallationState,
        read_object: ReadObject,
        *,
        since: datetime | None,
        until: datetime | None,
    ) -> str:
        """Begin a read that was asked for; it leaves the watermark alone. Returns the operation's id."""
        frozen = until or (self._clock.now() if since is not None else None)
        operation_id = await self._begin(session, state, read_object, "triggered", since=since, until=frozen)
        await self._enqueue(session, state, read_object, operation_id)
        return operation_id

    async def scheduled(
        self, session: AsyncSession, state: InstallationState, read_object: ReadObject, watermark: datetime
    ) -> str:
        """Begin a scheduled read of what changed since `watermark`, in the job that runs it; returns its operation."""
        now = self._clock.now()
        return await self._begin(
            session,
            state,
            read_object,
            "scheduled",
            since=watermark,
            until=max(now, watermark),
            new_watermark=now,
            moved_at=now,
        )

    async def _begin(
        self,
        session: AsyncSession,
        state: InstallationState,
        read_object: ReadObject,
        read_type: ReadType,
        **window: Any,
    ) -> str:
        operation_id = await self._operations.start(
            session,
            NewOperation(
                project_id=state.project_id,
                integration_id=state.integration_id,
                installation_id=state.id,
                config_id=state.config_id,
                action_type="read",
                object_name=read_object.delivered_name,
                lasting=read_type == "backfill",  # its progress is asked for by the object's name
            ),
        )
        await ReadRepository(session).add_run(
            operation_id=operation_id,
            project_id=state.project_id,
            installation_id=state.id,
            object_name=read_object.object_name,
            config_id=state.config_id,
            read_type=read_type,
            create_time=self._clock.now(),
            **window,
        )
        if read_type != "scheduled":
            line = telling.beginning(read_object, read_type, window["since"], window["until"])
            await self._operations.log(session, state.project_id, operation_id, [line])
        return operation_id

    async def _enqueue(
        self, session: AsyncSession, state: InstallationState, read_object: ReadObject, operation_id: str
    ) -> None:
        lane = lane_of(state.project_id, state.id, read_object.object_name)
        job = NewJob(state.project_id, "read.run", operation_id, lane=lane, max_attempts=JOB_MAX_ATTEMPTS)
        await self._engine.enqueue(session, [job])
