"""What builders ask of the read action: trigger, pause, unpause, progress."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.read.notices import ReadNotices
from conjunct.actions.read.problems import BackfillNotFound, ObjectNotOnRequest, ObjectNotRead, ObjectReadDisabled
from conjunct.actions.read.repository import ReadRepository
from conjunct.actions.read.runs import hold_of
from conjunct.actions.read.schedules import ScheduleKeeper
from conjunct.actions.read.starting import Starter
from conjunct.core.problems import InvalidRequest, Issue
from conjunct.delivery import DeliveryService
from conjunct.installations import InstallationService, InstallationState, ReadObject


class ReadService:
    """Reads on demand and their control."""

    def __init__(
        self,
        installations: InstallationService,
        delivery: DeliveryService,
        starter: Starter,
        schedules: ScheduleKeeper,
        notices: ReadNotices,
    ) -> None:
        self._installations = installations
        self._delivery = delivery
        self._starter = starter
        self._schedules = schedules
        self._notices = notices

    async def trigger(
        self,
        session: AsyncSession,
        state: InstallationState,
        object_name: str,
        *,
        since: datetime | None,
        until: datetime | None,
    ) -> str:
        """Begin a read of an object; returns the operation's id."""
        if since is not None and until is not None and until < since:
            issue = Issue("untilTimestamp", "lies before sinceTimestamp", value=until.isoformat())
            raise InvalidRequest(
                "The read's window ends before it begins.",
                remedy="Give an untilTimestamp that is later than sinceTimestamp.",
                issues=[issue],
            )
        read_object = find_object(state, object_name)
        if read_object.disabled:
            raise ObjectReadDisabled(
                f"Reads of {object_name!r} are switched off in this installation.",
                remedy="Set `disabled` to false in the object's read config.",
            )
        return await self._starter.triggered(session, state, read_object, since=since, until=until)

    async def pause(
        self, session: AsyncSession, state: InstallationState, objects: Sequence[str] | None, note: str | None
    ) -> None:
        """Pause scheduled reads; those that are paused stay as they are."""
        names = _named(state, objects)
        rows = await ReadRepository(session).objects(state.project_id, state.id)
        running = [name for name in names if name in rows and rows[name].paused is None]
        await ReadRepository(session).change_objects(
            state.project_id, state.id, running, paused="builder", pause_note=note, paused_at=func.now()
        )
        await self._schedules.disarm(session, state.project_id, state.id, running)
        await self._notices.paused(session, state, running)

    async def unpause(self, session: AsyncSession, state: InstallationState, objects: Sequence[str] | None) -> None:
        """Let scheduled reads go on from where they were, whoever paused them."""
        names = _named(state, objects)
        rows = await ReadRepository(session).objects(state.project_id, state.id)
        paused = [name for name in names if name in rows and rows[name].paused is not None]
        await ReadRepository(session).change_objects(
            state.project_id, state.id, paused, paused=None, pause_note=None, paused_at=None, hopeless_failures=0
        )
        await self._installations.end_trouble(session, state.project_id, state.id, paused, "read_paused")
        await self._schedules.arm(session, state, paused)

    async def deliver(self, session: AsyncSession, state: InstallationState, object_name: str, pages: int) -> None:
        """Deliver so many held pages of an object, the oldest first; what is not there yet goes out when it is read."""
        read_object = find_object(state, object_name)
        hold = hold_of(state.id, read_object.object_name)
        # Pages of a time when they were held may still be there.
        if read_object.delivery_mode != "onRequest" and not await self._delivery.holds.has_any(
            session, state.project_id, hold
        ):
            raise ObjectNotOnRequest(
                f"The pages of {object_name!r} are delivered as they are read; none is held.",
                remedy="Set `delivery.mode` to onRequest in the manifest, or trigger a read.",
            )
        if pages:
            await self._delivery.holds.ask(session, state.project_id, hold, pages)

    async def backfill_operation(self, session: AsyncSession, state: InstallationState, object_name: str) -> str:
        """The operation of the object's latest backfill; `BackfillNotFound` without one."""
        name = find_object(state, object_name).object_name
        row = await ReadRepository(session).object(state.project_id, state.id, name)
        if row is None or row.backfill_operation_id is None:
            raise BackfillNotFound(
                f"There was no backfill of {object_name!r} for this installation.",
                remedy="Give the object a `backfill` in the manifest, or trigger a read of it.",
            )
        return row.backfill_operation_id


def find_object(state: InstallationState, name: str) -> ReadObject:
    """The installation's object by the provider's name or the builder's; `ObjectNotRead` when it is not read."""
    for read_object in state.read_objects.values():
        if name in (read_object.object_name, read_object.mapped_name):
            return read_object
    known = ", ".join(sorted(state.read_objects)) or "none"
    raise ObjectNotRead(
        f"This installation does not read {name!r}.",
        remedy=f"Name one of the objects it reads ({known}), or add the object to its config.",
    )


def _named(state: InstallationState, objects: Sequence[str] | None) -> list[str]:
    if not objects:
        return list(state.read_objects)
    return [find_object(state, name).object_name for name in objects]
