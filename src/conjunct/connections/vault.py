"""Where connections' credentials are kept: sealed on their way in, opened for whoever uses them."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.credential_kinds import scheme_of
from conjunct.connections.credentials import (
    StoredCredentials,
    access_expiry,
    from_document,
    place_of,
    to_document,
)
from conjunct.connections.repository import ConnectionRepository
from conjunct.connectors import Definition
from conjunct.tenants import ProjectKeys


class Vault:
    """Seals and opens credentials with their project's keys. What is opened is not kept."""

    def __init__(self, keys: ProjectKeys) -> None:
        self._keys = keys

    async def open(self, session: AsyncSession, project_id: str, connection_id: str) -> StoredCredentials:
        """The credentials of a connection that is there."""
        sealed = await ConnectionRepository(session).sealed_credentials(project_id, connection_id)
        keyring = await self._keys.keyring(session, project_id)
        return from_document(keyring.decrypt(sealed, place_of(connection_id)))

    async def columns(
        self,
        session: AsyncSession,
        project_id: str,
        connection_id: str,
        definition: Definition,
        credentials: StoredCredentials,
    ) -> dict[str, Any]:
        """The columns of a connection with these credentials; a refresh of earlier ones is over with them."""
        keyring = await self._keys.keyring(session, project_id)
        return {
            "auth_scheme": scheme_of(definition.auth),
            "sealed_credentials": keyring.encrypt(to_document(credentials), place_of(connection_id)),
            "access_token_expires_at": access_expiry(credentials),
            "refresh_claim": None,
            "refresh_claim_until": None,
        }
