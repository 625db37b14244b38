"""Taking the turn to renew a connection's credentials, with all that the provider is to be asked with."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import NoReturn

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.credentials import CustomCredentials, OAuthTokens, StoredCredentials
from conjunct.connections.problems import ConnectionNotFound, RefreshNotPossible
from conjunct.connections.provider_apps.service import ProviderAppService
from conjunct.connections.refreshing.journal import ExchangeJournal, Turn
from conjunct.connections.refreshing.times import RefreshTimes
from conjunct.connections.renewal import renewal_request
from conjunct.connections.repository import ConnectionRepository
from conjunct.connections.state import ConnectionState
from conjunct.connections.tokens import TokenEndpoint
from conjunct.connections.vault import Vault
from conjunct.connectors import Definition
from conjunct.connectors.addresses import checked_inputs
from conjunct.connectors.auth_definition import CustomAuth
from conjunct.connectors.oauth import OAuthClient, TokenRequest
from conjunct.core.encryption import Keyring
from conjunct.kit.clock import Clock
from conjunct.kit.ids import new_id
from conjunct.providers import ProjectProviders


@dataclass(frozen=True, slots=True)
class Claimed:
    """An exchange that is ours to do: whom to ask for what, and the keys that the answer is sealed with.

    `interrupted`: an earlier one of these credentials ended without our knowing how. `taken_over`: that one's process
    may still live, so that its answer may come late. `begun` is on the monotonic clock.
    """

    turn: Turn
    state: ConnectionState
    definition: Definition
    app: OAuthClient | None
    credentials: OAuthTokens | CustomCredentials
    request: TokenRequest
    keyring: Keyring
    interrupted: bool
    taken_over: bool
    begun: float

    @property
    def is_client_ours(self) -> bool:
        """Whether the builder's provider app proves itself, and not a client that the customer gave."""
        if isinstance(self.credentials, OAuthTokens):
            return self.credentials.client is None
        auth = self.definition.auth
        return isinstance(auth, CustomAuth) and bool(auth.app_inputs)


@dataclass(frozen=True, slots=True)
class Claimer:
    """Claims exchanges, on the caller's transaction."""

    vault: Vault
    provider_apps: ProviderAppService
    endpoint: TokenEndpoint
    providers: ProjectProviders
    clock: Clock
    times: RefreshTimes
    folder_id: str = field(repr=False)

    async def claim(
        self, session: AsyncSession, project_id: str, connection_id: str, version: int, *, taken_over: bool
    ) -> Claimed | None:
        """The exchange of these credentials; None when it is another's by now, or they are others.

        Raises `ConnectionNotFound`, `RefreshNotPossible`, and what `renewal_request` does.
        """
        begun = time.monotonic()
        state = await ConnectionRepository(session).find(project_id, connection_id)
        if state is None:
            raise ConnectionNotFound(connection_id)
        if state.version != version:
            return None
        opened = await self.vault.open(session, project_id, connection_id)
        app = await self._app(session, state)
        definition = await self.providers.get(session, project_id, state.provider)
        request = self._request(definition, app, state, opened)
        if request is None or not isinstance(opened, OAuthTokens | CustomCredentials):
            _refuse(state, opened)
        turn = Turn(project_id, connection_id, version, new_id())
        journal = ExchangeJournal(session, self.folder_id, grace=self.times.grace)
        interrupted = await journal.claim(turn, self.times.lease)
        if interrupted is None:
            return None
        keyring = await self.vault.keyring(session, project_id)
        return Claimed(turn, state, definition, app, opened, request, keyring, interrupted, taken_over, begun)

    def without_refresh_token(self, claimed: Claimed) -> Claimed | None:
        """The exchange for the client or the login that the customer gave; None where there is none."""
        tokens = claimed.credentials
        if not isinstance(tokens, OAuthTokens) or tokens.refresh is None or tokens.client is None:
            return None
        tokens = replace(tokens, refresh=None)
        request = self._request(claimed.definition, claimed.app, claimed.state, tokens)
        return None if request is None else replace(claimed, credentials=tokens, request=request)

    async def _app(self, session: AsyncSession, state: ConnectionState) -> OAuthClient | None:
        if state.provider_app_id is None:
            return None
        app = await self.provider_apps.open(session, state.project_id, state.provider_app_id)
        return None if app is None else app.client

    def _request(
        self, definition: Definition, app: OAuthClient | None, state: ConnectionState, credentials: StoredCredentials
    ) -> TokenRequest | None:
        return renewal_request(
            definition,
            app,
            checked_inputs(definition, state.account.inputs),
            credentials,
            now=self.clock.now(),
            override=self.endpoint.override(definition),
        )


def _refuse(state: ConnectionState, credentials: StoredCredentials) -> NoReturn:
    if isinstance(credentials, OAuthTokens) and credentials.refresh is not None:
        why = "it was imported, without its provider app."
    elif state.auth_scheme.startswith("oauth2/authorizationCode"):
        why = "there is no refresh token."
    else:
        why = "there is nothing to get another one with."
    raise RefreshNotPossible(
        f"The access token of connection {state.id!r} cannot be refreshed: {why}",
        remedy="Let the customer connect again, or make a new connection with a fresh access token.",
    )
