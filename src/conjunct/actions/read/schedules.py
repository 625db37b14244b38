"""Keeps an installation's read objects and schedules as its config says."""

from __future__ import annotations

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.read.models import ReadObjectRow
from conjunct.actions.read.repository import ReadRepository
from conjunct.actions.read.runs import hold_of, lane_of
from conjunct.actions.read.starting import Starter
from conjunct.delivery import DeliveryService
from conjunct.installations import InstallationState, ReadObject
from conjunct.kit import cron
from conjunct.kit.clock import Clock
from conjunct.queue import Engine, Schedule


class ScheduleKeeper:
    """Listens to installations: arms schedules and begins backfills in the transaction that saves a config."""

    def __init__(self, engine: Engine, starter: Starter, delivery: DeliveryService, clock: Clock) -> None:
        self._engine = engine
        self._delivery = delivery
        self._starter = starter
        self._clock = clock

    async def on_saved(
        self, session: AsyncSession, state: InstallationState, _previous: InstallationState | None
    ) -> None:
        """Follow a config that was saved: new objects are backfilled, schedules armed, changed or removed."""
        repository = ReadRepository(session)
        known = await repository.objects(state.project_id, state.id)
        armed, silent = [], []
        for name, read_object in state.read_objects.items():
            row = known.get(name)
            if row is None and not read_object.disabled:
                await self._begin(session, state, read_object)
            elif row is not None and row.paused == "removed":
                await repository.change_objects(
                    state.project_id, state.id, [name], paused=None, pause_note=None, paused_at=None
                )
                row.paused = None
            if _is_due(read_object, row):
                armed.append(_schedule(state, read_object))
            else:
                silent.append(name)
        gone = [name for name in known if name not in state.read_objects]
        # Whoever paused an object finds it paused when it comes back.
        if newly := [name for name in gone if known[name].paused not in ("builder", "removed")]:
            note = "The object is no longer in the installation's config."
            await repository.change_objects(
                state.project_id, state.id, newly, paused="removed", pause_note=note, paused_at=func.now()
            )
        await self._engine.put_schedule(session, *armed)
        keys = [schedule_key(state.id, name) for name in (*silent, *gone)]
        await self._engine.remove_schedules(session, state.project_id, keys)

    async def on_deleted(self, session: AsyncSession, project_id: str, installation_id: str) -> None:
        """Follow a deletion: schedules, waiting runs and held pages go; running runs lose their rows."""
        repository = ReadRepository(session)
        names = list(await repository.objects(project_id, installation_id))
        await self._engine.remove_schedules(
            session, project_id, [schedule_key(installation_id, name) for name in names]
        )
        await self._delivery.holds.remove(session, project_id, [hold_of(installation_id, name) for name in names])
        for name in names:
            await self._engine.cancel(session, tenant=project_id, lane=lane_of(project_id, installation_id, name))

    async def arm(self, session: AsyncSession, state: InstallationState, names: list[str]) -> None:
        """Set the schedules of these objects again, after a pause."""
        wanted = [state.read_objects[name] for name in names if name in state.read_objects]
        schedules = [_schedule(state, read_object) for read_object in wanted if _is_due(read_object, None)]
        await self._engine.put_schedule(session, *schedules)

    async def disarm(self, session: AsyncSession, project_id: str, installation_id: str, names: list[str]) -> None:
        """Remove the schedules of these objects, for a pause."""
        keys = [schedule_key(installation_id, name) for name in names]
        await self._engine.remove_schedules(session, project_id, keys)

    async def _begin(self, session: AsyncSession, state: InstallationState, read_object: ReadObject) -> None:
        has_backfill = read_object.backfill.kind != "none"
        await ReadRepository(session).add_object(
            project_id=state.project_id,
            installation_id=state.id,
            object_name=read_object.object_name,
            watermark=None if has_backfill else self._clock.now(),
        )
        if has_backfill:
            await self._starter.backfill(session, state, read_object)


def schedule_key(installation_id: str, object_name: str) -> str:
    """The key of the schedule of an installation's object."""
    return f"read/{installation_id}/{object_name}"


def _is_due(read_object: ReadObject, row: ReadObjectRow | None) -> bool:
    paused = row is not None and row.paused is not None
    return read_object.is_scheduled and not paused


def _schedule(state: InstallationState, read_object: ReadObject) -> Schedule:
    schedule = cron.parse_zoned(read_object.schedule or "")
    return Schedule(
        tenant=state.project_id,
        key=schedule_key(state.id, read_object.object_name),
        lane=lane_of(state.project_id, state.id, read_object.object_name),
        kind="read.scheduled",
        ref_id=f"{state.id}/{read_object.object_name}",
        cron=schedule.cron.expression,
        timezone=schedule.timezone,
    )
