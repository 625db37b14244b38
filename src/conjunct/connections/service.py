"""Connections: make, change and delete them, and reach providers through them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypedDict

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.connections.changing import Changing
from conjunct.connections.connecting import Connecting, Ready
from conjunct.connections.credentials import StoredCredentials, access_token, for_requests, shown
from conjunct.connections.deletion import DeletionPlan, StoppedInstallation, deletion_plan
from conjunct.connections.grants import Grant
from conjunct.connections.keeper import ConnectionKeeper, Held
from conjunct.connections.limiting import Limiters
from conjunct.connections.named_providers import named_definition
from conjunct.connections.notices import ConnectionNotices
from conjunct.connections.problems import ConnectionNotFound
from conjunct.connections.provider_apps.service import ProviderAppService
from conjunct.connections.proving import CHECK_SECONDS, Prover, health_check
from conjunct.connections.refreshing import Refresh, Refresher, RefreshTimes
from conjunct.connections.repository import ConnectionRepository
from conjunct.connections.revocation import Revocations, is_revocable
from conjunct.connections.schemas import GenerateConnectionRequest, UpdateConnectionRequest
from conjunct.connections.state import ConnectionState
from conjunct.connections.tokens import TokenEndpoint
from conjunct.connections.vault import Vault
from conjunct.connectors import Connector, Definition, Transport
from conjunct.core.database import Database
from conjunct.core.paging import WHOLE, Items, Page
from conjunct.kit.clock import Clock, SystemClock
from conjunct.notifications import (
    ConnectionDeleted,
    ConnectionFailed,
    NotificationService,
)
from conjunct.providers import Catalog, ProjectProviders, ProviderOverrides
from conjunct.queue import Engine
from conjunct.tenants import ProjectKeys, TenantService
from conjunct.tenants.audit import note_change, record_change


class ConnectionListener(Protocol):
    """What hangs on connections, such as installations."""

    async def on_connection_made(self, session: AsyncSession, project_id: str, connection_id: str) -> None:
        """Called on the transaction that makes a connection, in whichever way; not when one is renewed."""
        ...

    async def on_connection_deleting(self, session: AsyncSession, project_id: str, connection_id: str) -> None:
        """Called on the transaction that is about to delete the connection, while its row is locked.

        It takes away what cannot be without the connection, or raises a `Problem` (a `Conflict`, say) to keep it.
        """
        ...

    async def stopped_by_deletion(
        self, session: AsyncSession, project_id: str, connection_id: str
    ) -> list[StoppedInstallation]:
        """The installations that `on_connection_deleting` would take away."""
        ...


class _Shared(TypedDict):
    """What making and changing connections both need."""

    database: Database
    providers: ProjectProviders
    provider_apps: ProviderAppService
    vault: Vault
    prover: Prover
    notices: ConnectionNotices


RefusedListener = Callable[[AsyncSession, str, str, str], Awaitable[None]]
"""Hears of a connection whose credentials the provider no longer accepts, on the transaction that notes it: the
project's id, the connection's id, and why.
"""


class ConnectionService:
    """What the API and the other slices ask of connections, on the caller's transaction."""

    def __init__(
        self,
        *,
        database: Database,
        tenants: TenantService,
        keys: ProjectKeys,
        catalog: Catalog,
        transport: Transport,
        overrides: ProviderOverrides | None = None,
        clock: Clock | None = None,
        notifications: NotificationService | None = None,
        engine: Engine | None = None,
        data_dir: Path | None = None,
        refresh_times: RefreshTimes | None = None,
    ) -> None:
        self._database = database
        self._providers = providers = ProjectProviders(catalog)
        self._transport = transport
        self._overrides = overrides or ProviderOverrides()
        self._clock = clock or SystemClock()
        self._limiters = Limiters(database, self._clock)
        self._listeners: list[ConnectionListener] = []
        self._refused_listeners: list[RefusedListener] = []
        self._notices = ConnectionNotices(notifications)
        self.provider_apps = ProviderAppService(keys=keys, providers=providers)
        self.token_endpoint = TokenEndpoint(transport, self._overrides, self._clock)
        self._vault = Vault(keys, self._clock)
        self._revocations = Revocations(keys=keys, vault=self._vault, provider_apps=self.provider_apps, engine=engine)
        self.prover = Prover(endpoint=self.token_endpoint, transport=transport, clock=self._clock)
        shared: _Shared = {
            "database": database,
            "providers": providers,
            "provider_apps": self.provider_apps,
            "vault": self._vault,
            "prover": self.prover,
            "notices": self._notices,
        }
        self._connecting = Connecting(tenants=tenants, on_made=self._on_made, **shared)
        self._changing = Changing(freshen=self._freshen, clock=self._clock, **shared)
        self.refresher = Refresher(
            vault=self._vault,
            provider_apps=self.provider_apps,
            endpoint=self.token_endpoint,
            notices=self._notices,
            mark_refused=self._mark_refused,
            providers=providers,
            clock=self._clock,
            data_dir=data_dir,
            times=refresh_times,
        )

    def add_listener(self, listener: ConnectionListener) -> None:
        """Have `listener` asked before a connection is deleted. The composition root calls this."""
        self._listeners.append(listener)

    def on_refused(self, listener: RefusedListener) -> None:
        """Have `listener` told when a provider no longer accepts credentials. The composition root calls this."""
        self._refused_listeners.append(listener)

    async def _on_made(self, session: AsyncSession, project_id: str, connection_id: str) -> None:
        for listener in self._listeners:
            await listener.on_connection_made(session, project_id, connection_id)

    async def list_page(
        self,
        session: AsyncSession | AsyncConnection,
        project_id: str,
        page: Page = WHOLE,
        *,
        provider: str | None = None,
        group_ref: str | None = None,
        consumer_ref: str | None = None,
    ) -> Items:
        """A page of the project's connections, oldest first, without credentials."""
        return await ConnectionRepository(session).list_page(
            project_id, page, provider=provider, group_ref=group_ref, consumer_ref=consumer_ref
        )

    async def get_json(self, session: AsyncSession | AsyncConnection, project_id: str, connection_id: str) -> str:
        """One connection as JSON, without credentials. Raises `ConnectionNotFound`."""
        found = await ConnectionRepository(session).get_json(project_id, connection_id)
        if found is None:
            raise ConnectionNotFound(connection_id)
        return found

    async def get_json_with_credentials(
        self, session: AsyncSession, project_id: str, connection_id: str, *, refresh_token: bool
    ) -> bytes:
        """One connection as JSON with its API key, or its access token and scopes. Raises `ConnectionNotFound`."""
        found = orjson.loads(await self.get_json(session, project_id, connection_id))
        credentials = await self._vault.open(session, project_id, connection_id)
        return orjson.dumps({**found, **shown(credentials, refresh_token=refresh_token)})

    async def ensure_fresh(
        self, project_id: str, connection_id: str, refresh: Refresh, *, refused: str | None = None
    ) -> None:
        """See to it that the access token is a good one. Credentials without one are always fresh.

        `refused` is the access token that the provider has just refused: where another is stored by now, that is fresh.
        Many may call it at once, in any process: the provider is asked once. Call it while no transaction is open.

        Raises:
            ConnectionNotFound: there is none.
            RefreshNotPossible: it should be refreshed, and there is no provider app or no refresh token.
            RefreshRefused: the provider refuses; where the grant is gone, the connection is marked so.
            RefreshPending: the provider cannot be asked now.
        """
        await self.refresher.ensure_fresh(self._database, project_id, connection_id, refresh, refused=refused)

    async def prove(
        self, project_id: str, request: GenerateConnectionRequest, *, provider_app_id: str | None = None
    ) -> Ready:
        """As `Connecting.prove`: the first half of `generate`, to be followed by `add`."""
        return await self._connecting.prove(project_id, request, provider_app_id=provider_app_id)

    async def add(self, session: AsyncSession, project_id: str, ready: Ready) -> str:
        """As `Connecting.add`."""
        return await self._connecting.add(session, project_id, ready)

    async def generate(self, project_id: str, request: GenerateConnectionRequest) -> str:
        """Make a connection of credentials, proved at the provider; returns its id.

        Call it while no transaction is open. Raises as `Connecting.prove`.
        """
        ready = await self.prove(project_id, request)
        async with self._database.transaction() as session:
            connection_id = await self.add(session, project_id, ready)
            note_change(resource_id=connection_id)
            await record_change(session)
        return connection_id

    async def store_grant(self, session: AsyncSession, project_id: str, grant: Grant) -> str:
        """As `Connecting.store_grant`."""
        return await self._connecting.store_grant(session, project_id, grant)

    async def update(self, project_id: str, connection_id: str, change: UpdateConnectionRequest) -> None:
        """Change what the update mask names, proved at the provider where that must be.

        Call it while no transaction is open. Raises as `Changing.prove` and `Changing.apply`.
        """
        ready = await self._changing.prove(project_id, connection_id, change)
        async with self._database.transaction() as session:
            await self._changing.apply(session, project_id, ready)
            await record_change(session)

    async def open_all(
        self, session: AsyncSession, project_id: str, connection_ids: Sequence[str]
    ) -> dict[str, StoredCredentials]:
        """The credentials of those of the connections that are there, by their ids."""
        return await self._vault.open_all(session, project_id, connection_ids)

    async def provider_names(self, session: AsyncSession | AsyncConnection, project_id: str) -> tuple[str, ...]:
        """The providers that the project can connect to."""
        return await self._providers.names(session, project_id)

    async def check(self, project_id: str, connection_id: str) -> None:
        """Ask the provider whether it accepts a connection's credentials, renewed where need be; note what it says.

        Call it while no transaction is open. Raises `ConnectionNotFound`, `NoHealthCheck`, and `ProviderNotAsked` where
        it cannot be told.
        """
        async with self._database.transaction() as session:
            state = await self._existing(session, project_id, connection_id)
            connector = await self.connector(session, project_id, connection_id, timeout=CHECK_SECONDS)
        refusal = await health_check(connector)
        if refusal is not None:
            async with self._database.transaction() as session:
                await self.mark_bad_credentials(
                    session, project_id, connection_id, version=state.version, error=refusal
                )

    async def plan_deletion(self, session: AsyncSession, project_id: str, connection_id: str) -> DeletionPlan:
        """What `delete` would do; changes nothing. Raises `ConnectionNotFound`."""
        state = await self._existing(session, project_id, connection_id)
        definition = await self._providers.get(session, project_id, state.provider)
        stopped = [
            each
            for listener in self._listeners
            for each in await listener.stopped_by_deletion(session, project_id, connection_id)
        ]
        return deletion_plan(connection_id, definition.display, stopped, revokes=is_revocable(definition, state))

    async def delete(self, session: AsyncSession, project_id: str, connection_id: str, *, revoke: bool = True) -> None:
        """Delete a connection, after every listener has taken leave of it or refused. Raises `ConnectionNotFound`.

        With `revoke`, the provider is told afterwards that the grant is over, where that can be done.
        """
        connections = ConnectionRepository(session)
        state = await connections.find(project_id, connection_id, lock=True)
        if state is None:
            raise ConnectionNotFound(connection_id)
        for listener in self._listeners:
            await listener.on_connection_deleting(session, project_id, connection_id)
        if revoke:
            definition = await self._providers.get(session, project_id, state.provider)
            await self._revocations.note(session, definition, state)
        await self._notices.publish(session, project_id, connection_id, ConnectionDeleted)
        await connections.delete(project_id, connection_id)

    async def find(self, session: AsyncSession, project_id: str, connection_id: str) -> ConnectionState | None:
        """The connection, or None."""
        return await ConnectionRepository(session).find(project_id, connection_id)

    async def is_of_group(
        self, session: AsyncSession | AsyncConnection, project_id: str, connection_id: str, group_ref: str
    ) -> bool:
        """Whether there is such a connection, and it is this group's."""
        return await ConnectionRepository(session).is_of_group(project_id, connection_id, group_ref)

    async def default_for_group(
        self, session: AsyncSession, project_id: str, group_ref: str, provider: str
    ) -> ConnectionState | None:
        """The connection that a group uses when none is named: the newest one for the provider."""
        return await ConnectionRepository(session).newest(project_id, group_ref=group_ref, provider=provider)

    async def connector(
        self,
        session: AsyncSession,
        project_id: str,
        connection_id: str,
        *,
        module: str | None = None,
        timeout: float = 60.0,  # noqa: ASYNC109 - the connector's, of each request
        patience: float = 2.0,
    ) -> Connector:
        """The provider, reached with this connection's credentials, which are kept good and whose fate is noted.

        Its requests count against the provider's limits, together with those of all processes. The limits that it
        documents are not those of a server that the operator put in its place; what that says itself is heeded.
        `timeout` is seconds a request, `patience` how many it may wait for those limits. Call the provider only after
        the transaction is over. Raises `ConnectionNotFound`, `UnknownProvider`, `UnknownModule`, and `InvalidInputs` or
        `UnusableCredentials` when the provider's definition has changed since.
        """
        state = await self._existing(session, project_id, connection_id)
        return await self.connector_over(session, state, module=module, timeout=timeout, patience=patience)

    async def connector_over(
        self,
        session: AsyncSession,
        state: ConnectionState,
        *,
        module: str | None = None,
        timeout: float = 60.0,  # noqa: ASYNC109 - the connector's, of each request
        patience: float = 2.0,
    ) -> Connector:
        """See `connector`: over a connection that this transaction has just read."""
        definition = await self._providers.get(session, state.project_id, state.provider)
        held, override = await self._hold(session, state, definition), self._overrides.base_url(state.provider)
        limits = definition.rate_limit.buckets if override is None else {}
        return Connector(
            definition,
            transport=self._transport,
            credentials=held.credentials,
            keeper=ConnectionKeeper(self._database, self, state.project_id, state.id, held, self._clock),
            limiter=self._limiters.of(state.project_id, state.id, limits, throttled_until=state.throttled_until),
            patience=patience,
            inputs=state.account.inputs,
            module=module,
            base_url_override=override,
            timeout=timeout,
        )

    async def hold(self, session: AsyncSession, project_id: str, connection_id: str) -> Held:
        """The connection's credentials, opened. Raises `ConnectionNotFound`, and `UnusableCredentials` as above."""
        state = await self._existing(session, project_id, connection_id)
        return await self._hold(session, state, await self._providers.get(session, project_id, state.provider))

    async def _hold(self, session: AsyncSession, state: ConnectionState, definition: Definition) -> Held:
        stored = await self._vault.open(session, state.project_id, state.id)
        access = access_token(stored)
        return Held(
            for_requests(definition.auth, stored),
            access_token=None if access is None else access.text,
            ends_at=state.access_token_expires_at,
            version=state.version,
            status=state.status,
            is_use_noted=state.is_use_noted,
        )

    async def mark_working(
        self, session: AsyncSession, project_id: str, connection_id: str, *, version: int | None = None
    ) -> bool:
        """Note that a request succeeded; returns whether that is news, and writes only then.

        With `version`, it says nothing of other credentials than those.
        """
        return await ConnectionRepository(session).set_status(project_id, connection_id, "working", version)

    async def note_use(self, session: AsyncSession, project_id: str, connection_id: str, *, version: int) -> None:
        """Note that the credentials of that version are in use, so that they are renewed ahead of their end."""
        await ConnectionRepository(session).note_use(project_id, connection_id, version)

    async def mark_bad_credentials(
        self,
        session: AsyncSession,
        project_id: str,
        connection_id: str,
        *,
        version: int | None = None,
        error: str = "The provider does not accept the connection's credentials.",
        quietly: bool = False,
    ) -> bool:
        """Note that the provider refuses the credentials; returns whether that is news, and writes and tells only then.

        `error` is why, in the provider's words where it has given any. With `version`, it says nothing of other
        credentials than those: ones that were replaced meanwhile stay good. `quietly` tells nobody.
        """
        connections = ConnectionRepository(session)
        if not await connections.set_status(project_id, connection_id, "bad_credentials", version):
            return False
        if quietly:
            return True
        await self._notices.publish(session, project_id, connection_id, ConnectionFailed, errors=(error,))
        for listener in self._refused_listeners:
            await listener(session, project_id, connection_id, error)
        return True

    async def _freshen(self, project_id: str, connection_id: str) -> None:
        await self.ensure_fresh(project_id, connection_id, "ifExpired")

    async def _mark_refused(self, session: AsyncSession, state: ConnectionState, why: str) -> None:
        await self.mark_bad_credentials(session, state.project_id, state.id, version=state.version, error=why)

    async def throttle(self, session: AsyncSession, project_id: str, connection_id: str, until: datetime) -> None:
        """Note that the provider will not listen before `until`; an earlier moment than is known changes nothing."""
        await ConnectionRepository(session).throttle(project_id, connection_id, until)

    async def _existing(self, session: AsyncSession, project_id: str, connection_id: str) -> ConnectionState:
        state = await self.find(session, project_id, connection_id)
        if state is None:
            raise ConnectionNotFound(connection_id)
        return state

    async def definition(self, session: AsyncSession | AsyncConnection, project_id: str, provider: str) -> Definition:
        """The definition of a provider that a request names. Raises `NoSuchProvider`."""
        return await named_definition(self._providers, session, project_id, provider)
