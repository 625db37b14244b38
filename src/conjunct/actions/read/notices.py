"""Notifications of reads, on the transaction that records what became of them."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.read.runs import Run
from conjunct.installations import InstallationService, InstallationState, event_fields
from conjunct.notifications import (
    Event,
    NotificationService,
    ReadBackfillDone,
    ReadSchedulePaused,
    ReadTriggeredDone,
    ReadTriggeredError,
)


class ReadNotices:
    """Publishes events of reads. Of scheduled runs nothing is told but that they are paused."""

    def __init__(self, installations: InstallationService, notifications: NotificationService) -> None:
        self._installations = installations
        self._notifications = notifications

    async def succeeded(self, session: AsyncSession, run: Run) -> None:
        """Publish that a backfill or a triggered read has succeeded."""
        if run.read_type == "backfill":
            await self._publish(session, run, ReadBackfillDone)
        elif run.read_type == "triggered":
            await self._publish(session, run, ReadTriggeredDone, from_timestamp=run.since, until_timestamp=run.until)

    async def failed(self, session: AsyncSession, run: Run, error: str) -> None:
        """Publish that a triggered read has failed."""
        if run.read_type == "triggered":
            await self._publish(
                session, run, ReadTriggeredError, from_timestamp=run.since, until_timestamp=run.until, error=error
            )

    async def paused_by_failures(self, session: AsyncSession, run: Run, error: str) -> None:
        """Publish that the run's object is paused, if it was read on a schedule."""
        if await self._notifications.is_wanted(session, run.project_id, ReadSchedulePaused.type):
            state = await self._installations.load(session, run.project_id, run.installation_id)
            await self.paused(session, state, [run.object_name], error=f"[{run.object_name}] {error}")

    async def paused(
        self, session: AsyncSession, state: InstallationState, object_names: Collection[str], error: str | None = None
    ) -> None:
        """Publish that these objects of an installation are paused, if any of them was read on a schedule."""
        if any(state.read_objects[name].is_scheduled for name in object_names if name in state.read_objects):
            event = ReadSchedulePaused(**event_fields(state), config=state.content.to_wire(), error=error)
            await self._notifications.publish(session, state.project_id, event)

    async def _publish(self, session: AsyncSession, run: Run, kind: type[Event], **more: object) -> None:
        if not await self._notifications.is_wanted(session, run.project_id, kind.type):
            return
        state = await self._installations.load_at(session, run.project_id, run.installation_id, run.config_id)
        if state is None:
            return
        read_object = state.read_objects.get(run.object_name)
        name = run.object_name if read_object is None else read_object.delivered_name
        await self._notifications.publish(
            session, run.project_id, kind.model_validate({**event_fields(state), "object_name": name, **more})
        )
