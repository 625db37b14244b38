"""Where requests go: installations whose integration passes requests through, remembered for a few seconds."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.proxy.asking import Asked
from conjunct.actions.proxy.problems import ProxyNotEnabled
from conjunct.connections import ConnectionService
from conjunct.connectors.passage import Passage
from conjunct.core.database import Database
from conjunct.installations import InstallationNotFound, InstallationService, InstallationState
from conjunct.manifests import ProxyRule

REMEMBERED_SECONDS = 5.0
"""As long as a credential of the caller's: what is changed counts everywhere after so long."""

_MOST_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Destination:
    """The provider over an installation's connection, and what of it may be asked."""

    project_id: str
    integration_id: str
    installation_id: str
    config_id: str
    group_ref: str
    passage: Passage
    rules: Sequence[ProxyRule] | None
    encoded_slashes: bool


class Destinations:
    """Finds where requests go. What is found is kept for some seconds, with credentials that are renewed in it."""

    def __init__(self, database: Database, installations: InstallationService, connections: ConnectionService) -> None:
        self._database = database
        self._installations = installations
        self._connections = connections
        self._known: OrderedDict[tuple[str, Asked], tuple[float, Destination]] = OrderedDict()

    async def find(self, project_id: str, asked: Asked) -> Destination:
        """Where the request goes.

        Raises:
            InstallationNotFound, GroupNotInstalled: there is no such installation.
            ProxyNotEnabled: it passes no requests through.
        """
        key, now = (project_id, asked), time.monotonic()
        known = self._known.get(key)
        if known is not None and known[0] > now:
            return known[1]
        async with self._database.transaction() as session:
            state = await self._installation(session, project_id, asked)
            found = await self._open(session, state)
        self._known[key] = now + REMEMBERED_SECONDS, found
        self._known.move_to_end(key)
        while len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        return found

    def forget(self) -> None:
        """Drop what is remembered."""
        self._known.clear()

    async def _installation(self, session: AsyncSession, project_id: str, asked: Asked) -> InstallationState:
        if asked.installation_id is not None:
            if "\x00" in asked.installation_id:
                raise InstallationNotFound(asked.installation_id)
            return await self._installations.load(session, project_id, asked.installation_id)
        return await self._installations.require_by_group(session, project_id, asked.integration, asked.group_ref)

    async def _open(self, session: AsyncSession, state: InstallationState) -> Destination:
        declared, chosen = state.integration.proxy, state.content.proxy
        if declared is None or not declared.enabled:
            raise ProxyNotEnabled(
                f"The integration {state.integration_name!r} passes no requests through.",
                remedy="Set `proxy.enabled` to true in the manifest, and deploy it.",
            )
        if chosen is not None and not chosen.enabled:
            raise ProxyNotEnabled(
                "The installation's config lets no requests through.",
                remedy="Set `proxy.enabled` to true in the installation's config.",
            )
        connector = await self._connections.connector(
            session, state.project_id, state.connection_id, module=state.module
        )
        return Destination(
            project_id=state.project_id,
            integration_id=state.integration_id,
            installation_id=state.id,
            config_id=state.config_id,
            group_ref=state.group_ref,
            passage=connector.passage(by_module=bool(declared.use_module)),
            rules=declared.allow,
            encoded_slashes=declared.encoded_slashes == "allow",
        )
