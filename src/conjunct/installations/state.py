"""An installation as the actions see it, and how they follow its changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.installations.content import ConfigContent
from conjunct.installations.read_objects import ReadObject
from conjunct.manifests import Integration


@dataclass(frozen=True, slots=True)
class InstallationState:
    """An installation with the config in force, worked out.

    `integration` is the revision of the config, with the read objects that are retained (see `deploys`). The whole is
    determined by `config_id`, but for the connection and the names of group and consumer.
    """

    id: str
    project_id: str
    integration_id: str
    integration_name: str
    provider: str
    module: str | None
    group_id: str
    group_ref: str
    group_name: str
    consumer_ref: str
    consumer_name: str
    connection_id: str
    workspace: str | None
    config_id: str
    config_created_by: str
    revision_id: str
    integration: Integration
    content: ConfigContent
    read_objects: Mapping[str, ReadObject]
    create_time: datetime
    update_time: datetime | None


class InstallationListener(Protocol):
    """Follows installations, on the transaction that changes them."""

    async def on_saved(
        self, session: AsyncSession, state: InstallationState, previous: InstallationState | None
    ) -> None:
        """An installation was made (`previous` is None), changed, or follows a new revision."""
        ...

    async def on_deleted(self, session: AsyncSession, project_id: str, installation_id: str) -> None:
        """An installation is about to be deleted."""
        ...
