"""Where connections' credentials are kept: sealed on their way in, opened for whoever uses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.credential_kinds import scheme_of
from conjunct.connections.credentials import (
    StoredCredentials,
    access_token,
    from_document,
    place_of,
    to_document,
)
from conjunct.connections.renewal_times import renewal_times
from conjunct.connections.repository import ConnectionRepository
from conjunct.connectors import Definition
from conjunct.core.encryption import Keyring
from conjunct.kit.clock import Clock, SystemClock
from conjunct.tenants import ProjectKeys


class Vault:
    """Seals and opens credentials with their project's keys. What is opened is not kept."""

    def __init__(self, keys: ProjectKeys, clock: Clock | None = None) -> None:
        self._keys = keys
        self._clock = clock or SystemClock()

    async def keyring(self, session: AsyncSession, project_id: str) -> Keyring:
        """The keys of a project."""
        return await self._keys.keyring(session, project_id)

    async def open(self, session: AsyncSession, project_id: str, connection_id: str) -> StoredCredentials:
        """The credentials of a connection that is there."""
        sealed = await ConnectionRepository(session).sealed_credentials(project_id, connection_id)
        keyring = await self._keys.keyring(session, project_id)
        return from_document(keyring.decrypt(sealed, place_of(connection_id)))

    async def open_all(
        self, session: AsyncSession, project_id: str, connection_ids: Sequence[str]
    ) -> dict[str, StoredCredentials]:
        """The credentials of those of the connections that are there, by their ids."""
        keyring = await self._keys.keyring(session, project_id)
        sealed = await ConnectionRepository(session).all_sealed_credentials(project_id, connection_ids)
        return {each: from_document(keyring.decrypt(found, place_of(each))) for each, found in sealed}

    async def columns(
        self,
        session: AsyncSession,
        project_id: str,
        connection_id: str,
        definition: Definition,
        credentials: StoredCredentials,
    ) -> dict[str, Any]:
        """The columns of a connection with these credentials, which are new and not used yet."""
        keyring = await self._keys.keyring(session, project_id)
        access = access_token(credentials)
        times = renewal_times(definition.auth, credentials, self._clock.now())
        return {
            "auth_scheme": scheme_of(definition.auth),
            "sealed_credentials": keyring.encrypt(to_document(credentials), place_of(connection_id)),
            "access_token_expires_at": None if access is None else access.expires_at,
            "refresh_at": times.refresh_at,
            "keep_alive_at": times.keep_alive_at,
            "used": False,
        }
