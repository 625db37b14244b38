"""Notifications of installations, on the transaction that changes them."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.installations.service import InstallationService
from conjunct.installations.state import InstallationState
from conjunct.notifications import (
    InstallationCreated,
    InstallationDeleted,
    InstallationUpdated,
    NotificationService,
    ReadSchedulePaused,
)


class InstallationNotices:
    """Listens to installations and to the refusal of their connections' credentials, and publishes what it hears."""

    def __init__(self, installations: InstallationService, notifications: NotificationService) -> None:
        self._installations = installations
        self._notifications = notifications

    async def on_saved(
        self, session: AsyncSession, state: InstallationState, previous: InstallationState | None
    ) -> None:
        """Publish that an installation was made or changed. Following a deploy as it was is no change."""
        if previous is None:
            created = InstallationCreated(**event_fields(state), config=state.content.to_wire())
            await self._notifications.publish(session, state.project_id, created)
        elif (state.content, state.connection_id) != (previous.content, previous.connection_id):
            updated = InstallationUpdated(
                **event_fields(state), config=state.content.to_wire(), last_config=previous.content.to_wire()
            )
            await self._notifications.publish(session, state.project_id, updated)

    async def on_deleted(self, session: AsyncSession, project_id: str, installation_id: str) -> None:
        """Publish that an installation is deleted, with what it was."""
        if await self._notifications.is_wanted(session, project_id, InstallationDeleted.type):
            state = await self._installations.load(session, project_id, installation_id)
            deleted = InstallationDeleted(**event_fields(state), config=state.content.to_wire())
            await self._notifications.publish(session, project_id, deleted)

    async def on_credentials_refused(
        self, session: AsyncSession, project_id: str, connection_id: str, error: str
    ) -> None:
        """Publish that the scheduled reads of the connection's installations rest until its credentials are changed."""
        if not await self._notifications.is_wanted(session, project_id, ReadSchedulePaused.type):
            return
        for state in await self._installations.load_of_connection(session, project_id, connection_id):
            if any(read_object.is_scheduled for read_object in state.read_objects.values()):
                paused = ReadSchedulePaused(**event_fields(state), config=state.content.to_wire(), error=error)
                await self._notifications.publish(session, project_id, paused)


def event_fields(state: InstallationState) -> dict[str, str]:
    """What every event of an installation tells of it: the fields of `InstallationEvent`."""
    return {
        "project_id": state.project_id,
        "provider": state.provider,
        "integration_id": state.integration_id,
        "integration_name": state.integration_name,
        "installation_id": state.id,
        "connection_id": state.connection_id,
        "group_ref": state.group_ref,
        "group_name": state.group_name,
        "consumer_ref": state.consumer_ref,
        "consumer_name": state.consumer_name,
    }
