"""Which grants are revoked, and their keeping until it is done."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.credentials import OAuthTokens
from conjunct.connections.provider_apps.service import ProviderAppService
from conjunct.connections.revocation.grants import RevocableGrant, place_of
from conjunct.connections.revocation.jobs import REVOKE
from conjunct.connections.revocation.repository import TokenRevocationRepository
from conjunct.connections.state import ConnectionState
from conjunct.connections.vault import Vault
from conjunct.connectors import Definition
from conjunct.connectors.auth_definition import OAuth2
from conjunct.kit.ids import new_id
from conjunct.queue import Engine, NewJob
from conjunct.tenants import ProjectKeys


def is_revocable(definition: Definition, state: ConnectionState) -> bool:
    """Whether the provider can be told that this connection's grant is over, and the grant is ours to end.

    One that was made elsewhere (imported, or by hand) may be in use there: it is left alone.
    """
    auth = definition.auth
    if not isinstance(auth, OAuth2) or auth.revoke is None:
        return False
    return state.provider_app_id is not None or auth.grant != "authorization_code"


class Revocations:
    """Notes grants that are to be revoked, on the transaction that deletes their connections."""

    def __init__(
        self, *, keys: ProjectKeys, vault: Vault, provider_apps: ProviderAppService, engine: Engine | None
    ) -> None:
        self._keys = keys
        self._vault = vault
        self._provider_apps = provider_apps
        self._engine = engine

    async def note(self, session: AsyncSession, definition: Definition, state: ConnectionState) -> bool:
        """Have the worker revoke the connection's grant; whether there is one to revoke."""
        if self._engine is None or not is_revocable(definition, state):
            return False
        tokens = await self._vault.open(session, state.project_id, state.id)
        if not isinstance(tokens, OAuthTokens):
            return False
        client = tokens.client
        if client is None and state.provider_app_id is not None:
            app = await self._provider_apps.open(session, state.project_id, state.provider_app_id)
            client = None if app is None else app.client
        grant = RevocableGrant(
            client=client,
            inputs=state.account.inputs,
            access_token=tokens.access.text,
            refresh_token=None if tokens.refresh is None else tokens.refresh.text,
        )
        revocation_id = new_id()
        keyring = await self._keys.keyring(session, state.project_id)
        await TokenRevocationRepository(session).add(
            id=revocation_id,
            project_id=state.project_id,
            connection_id=state.id,
            provider=state.provider,
            sealed_grant=keyring.encrypt(grant.to_document(), place_of(revocation_id)),
        )
        await self._engine.enqueue(session, [NewJob(state.project_id, REVOKE, revocation_id)])
        return True
