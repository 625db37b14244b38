"""Notifications of connections, on the transaction that changes them."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.repository import ConnectionRepository
from conjunct.notifications import ConnectionEvent, NotificationService


class ConnectionNotices:
    """Publishes events of connections; without notifications, nothing."""

    def __init__(self, notifications: NotificationService | None) -> None:
        self._notifications = notifications

    async def publish(
        self, session: AsyncSession, project_id: str, connection_id: str, kind: type[ConnectionEvent], **more: Any
    ) -> None:
        """Publish that this has happened to a connection, which is still there; `more` is what `kind` has besides."""
        if self._notifications is None or not await self._notifications.is_wanted(session, project_id, kind.type):
            return
        state = await ConnectionRepository(session).find(project_id, connection_id)
        if state is None:
            return
        event = kind(
            project_id=project_id,
            connection_id=connection_id,
            provider=state.provider,
            group_ref=state.group_ref,
            consumer_ref=state.consumer_ref,
            consumer_name=state.consumer_name,
            **more,
        )
        await self._notifications.publish(session, project_id, event)
