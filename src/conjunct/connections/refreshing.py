"""New access tokens for old: one refresh at a time for a connection, over all processes.

A refresh token may be good only once, so that whoever refreshes first claims the connection, in a transaction that
ends before the provider is asked; the others wait for what comes of it. The claim ends by itself, in case that its
process is killed. What the provider gives is kept only where the credentials are still those that were refreshed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.credentials import OAuthTokens
from conjunct.connections.notices import ConnectionNotices
from conjunct.connections.problems import ConnectionNotFound, RefreshNotPossible, RefreshPending, RefreshRefused
from conjunct.connections.provider_apps.service import OpenedApp, ProviderAppService
from conjunct.connections.repository import ConnectionRepository
from conjunct.connections.state import ConnectionState
from conjunct.connections.tokens import TokenEndpoint, kept
from conjunct.connections.vault import Vault
from conjunct.connectors import Definition
from conjunct.connectors.addresses import checked_inputs
from conjunct.connectors.errors import AuthRevoked, ProviderError
from conjunct.connectors.oauth import IssuedTokens, refresh_request
from conjunct.core.database import Database
from conjunct.kit.clock import Clock
from conjunct.kit.ids import new_id
from conjunct.notifications import ConnectionRefreshed
from conjunct.providers import Catalog

Refresh = Literal["force", "ifExpired"]

CLAIM_SECONDS = 45
"""Longer than a token endpoint is waited for."""

_LOOK_AGAIN_SECONDS = 0.1
_REMEDY = "Let the customer connect again. If it happens to all, look at the provider app's id and secret."


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A refresh that is ours to do."""

    claim_id: str
    state: ConnectionState
    definition: Definition
    app: OpenedApp
    tokens: OAuthTokens = field(repr=False)
    refresh_token: str = field(repr=False)


class Refresher:
    """Refreshes access tokens. It opens transactions of its own and asks the provider between them."""

    def __init__(
        self,
        *,
        vault: Vault,
        provider_apps: ProviderAppService,
        endpoint: TokenEndpoint,
        notices: ConnectionNotices,
        mark_refused: Callable[[AsyncSession, ConnectionState, str], Awaitable[object]],
        catalog: Catalog,
        clock: Clock,
    ) -> None:
        self._vault = vault
        self._provider_apps = provider_apps
        self._endpoint = endpoint
        self._notices = notices
        self._mark_refused = mark_refused
        self._catalog = catalog
        self._clock = clock
        self._under_way: set[asyncio.Task[None]] = set()

    async def ensure_fresh(self, database: Database, project_id: str, connection_id: str, refresh: Refresh) -> None:
        """As `ConnectionService.ensure_fresh`."""
        version: int | None = None
        for look in range(int(CLAIM_SECONDS / _LOOK_AGAIN_SECONDS) + 10):
            async with database.transaction() as session:
                state = await ConnectionRepository(session).find(project_id, connection_id, lock=True)
                if state is None:
                    raise ConnectionNotFound(connection_id)
                # A newer version than the one that we came for: another's refresh is as good as ours.
                if version not in (None, state.version) or not self._is_needed(state, refresh):
                    return
                if look > 0 and state.status == "bad_credentials":
                    raise RefreshRefused("The provider has just refused the refresh token.", remedy=_REMEDY)
                version = state.version
                claimed = await self._claim(session, state)
            if claimed is not None:
                await self._to_its_end(self._refresh(database, claimed))
                return
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        raise RefreshPending(connection_id)

    async def _to_its_end(self, refreshing: Coroutine[Any, Any, None]) -> None:
        """Let a refresh end, whatever becomes of who asked for it: a token that the provider gave must be kept."""
        task = asyncio.create_task(refreshing)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.shield(task)

    def _is_needed(self, state: ConnectionState, refresh: Refresh) -> bool:
        if not state.auth_scheme.startswith("oauth2/"):
            return False
        return refresh == "force" or state.access_token_ends_by(self._clock.now())

    async def _claim(self, session: AsyncSession, state: ConnectionState) -> _Claimed | None:
        """The refresh, if nobody else is at it."""
        app_id = state.provider_app_id
        app = None if app_id is None else await self._provider_apps.open(session, state.project_id, app_id)
        tokens = await self._vault.open(session, state.project_id, state.id)
        if app is None or not isinstance(tokens, OAuthTokens) or tokens.refresh is None:
            raise RefreshNotPossible(
                f"The access token of connection {state.id!r} cannot be refreshed: "
                + ("it was imported, without its provider app." if app is None else "there is no refresh token."),
                remedy="Let the customer connect again, or make a new connection with a fresh access token.",
            )
        claim_id = new_id()
        if not await ConnectionRepository(session).claim_refresh(state.project_id, state.id, claim_id, CLAIM_SECONDS):
            return None
        return _Claimed(claim_id, state, self._catalog.get(state.provider), app, tokens, tokens.refresh.text)

    async def _refresh(self, database: Database, claimed: _Claimed) -> None:
        try:
            issued = await self._ask(claimed)
        except ProviderError as error:
            await self._give_up(database, claimed, error)
        except BaseException:
            async with database.transaction() as session:
                await self._release(session, claimed)
            raise
        else:
            async with database.transaction() as session:
                await self._keep(session, claimed, issued)

    async def _ask(self, claimed: _Claimed) -> IssuedTokens:
        definition = claimed.definition
        request = refresh_request(
            definition,
            claimed.app.client,
            checked_inputs(definition, claimed.state.account.inputs),
            refresh_token=claimed.refresh_token,
            override=self._endpoint.override(definition),
        )
        return await self._endpoint.ask(definition, request)

    async def _keep(self, session: AsyncSession, claimed: _Claimed, issued: IssuedTokens) -> None:
        state = claimed.state
        tokens = kept(issued, self._clock.now(), scopes=claimed.tokens.scopes)
        if tokens.refresh is None:
            tokens = replace(tokens, refresh=claimed.tokens.refresh)
        columns = await self._vault.columns(session, state.project_id, state.id, claimed.definition, tokens)
        columns |= {"status": "created", "version": state.version + 1}
        if await ConnectionRepository(session).end_refresh(
            state.project_id, state.id, claimed.claim_id, state.version, columns
        ):
            await self._notices.publish(session, state.project_id, state.id, ConnectionRefreshed)

    async def _give_up(self, database: Database, claimed: _Claimed, error: ProviderError) -> None:
        name = claimed.definition.display
        async with database.transaction() as session:
            await self._release(session, claimed)
            if isinstance(error, AuthRevoked):
                await self._mark_refused(session, claimed.state, error.message)
        if error.retryable:
            raise RefreshPending(claimed.state.id, f"{name} could not be asked for a new one: {error.message}")
        raise RefreshRefused(
            f"{name} gave no new access token: {error.message}",
            remedy=_REMEDY,
        )

    async def _release(self, session: AsyncSession, claimed: _Claimed) -> None:
        state = claimed.state
        await ConnectionRepository(session).end_refresh(state.project_id, state.id, claimed.claim_id, state.version, {})
