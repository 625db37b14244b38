"""Notifications of asynchronous writes, on the transaction that records their end."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.write.store import Kept
from conjunct.actions.write.telling import WriteOutcome
from conjunct.installations import InstallationService, event_fields
from conjunct.notifications import NotificationService, WriteAsyncDone


class WriteNotices:
    """Publishes that writes have ended."""

    def __init__(self, installations: InstallationService, notifications: NotificationService) -> None:
        self._installations = installations
        self._notifications = notifications

    async def ended(self, session: AsyncSession, kept: Kept, outcome: WriteOutcome) -> None:
        """Publish what became of a write, whose installation must be kept."""
        if not await self._notifications.is_wanted(session, kept.project_id, WriteAsyncDone.type):
            return
        state = await self._installations.load(session, kept.project_id, kept.installation_id)
        event = WriteAsyncDone(
            **event_fields(state),
            object_name=kept.asked_name,
            success=outcome.done == len(outcome.results),
            successful_record_ids=tuple(each.id for each in outcome.results if each.success and each.id is not None),
            errors=tuple(outcome.errors()),
        )
        await self._notifications.publish(session, kept.project_id, event)
