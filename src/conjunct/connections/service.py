"""Connections: make, change and delete them, and reach providers through them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.connections.account import Account
from conjunct.connections.credential_kinds import accepted_kinds, credentials_of_kind, read_credentials
from conjunct.connections.credentials import for_requests, shown
from conjunct.connections.grants import Grant
from conjunct.connections.notices import ConnectionNotices
from conjunct.connections.problems import ConnectionNotFound, NoSuchProvider
from conjunct.connections.provider_apps.service import ProviderAppService
from conjunct.connections.refreshing import Refresh, Refresher
from conjunct.connections.repository import ConnectionRepository
from conjunct.connections.schemas import ConnectionRequest, GenerateConnectionRequest, UpdateConnectionRequest
from conjunct.connections.state import ConnectionState
from conjunct.connections.tokens import TokenEndpoint
from conjunct.connections.update_mask import ACCOUNT_MASKS, credential_mask, read_mask
from conjunct.connections.vault import Vault
from conjunct.connectors import Connector, Definition, Transport
from conjunct.core.database import Database
from conjunct.core.paging import WHOLE, Items, Page
from conjunct.core.problems import Issue
from conjunct.kit.clock import Clock, SystemClock
from conjunct.kit.ids import new_id
from conjunct.notifications import (
    ConnectionCreated,
    ConnectionDeleted,
    ConnectionFailed,
    ConnectionUpdated,
    NotificationService,
)
from conjunct.providers import Catalog, ProviderOverrides, UnknownProvider
from conjunct.tenants import ProjectKeys, TenantService


class ConnectionListener(Protocol):
    """What hangs on connections, such as installations."""

    async def on_connection_deleting(self, session: AsyncSession, project_id: str, connection_id: str) -> None:
        """Called on the transaction that is about to delete the connection, while its row is locked.

        It takes away what cannot be without the connection, or raises a `Problem` (a `Conflict`, say) to keep it.
        """
        ...


RefusedListener = Callable[[AsyncSession, str, str, str], Awaitable[None]]
"""Hears of a connection whose credentials the provider no longer accepts, on the transaction that notes it: the
project's id, the connection's id, and why.
"""


class ConnectionService:
    """What the API and the other slices ask of connections, on the caller's transaction."""

    def __init__(
        self,
        *,
        tenants: TenantService,
        keys: ProjectKeys,
        catalog: Catalog,
        transport: Transport,
        overrides: ProviderOverrides | None = None,
        clock: Clock | None = None,
        notifications: NotificationService | None = None,
    ) -> None:
        self._tenants = tenants
        self._catalog = catalog
        self._transport = transport
        self._overrides = overrides or ProviderOverrides()
        self._clock = clock or SystemClock()
        self._listeners: list[ConnectionListener] = []
        self._refused_listeners: list[RefusedListener] = []
        self._notices = ConnectionNotices(notifications)
        self.provider_apps = ProviderAppService(keys=keys, catalog=catalog)
        self.token_endpoint = TokenEndpoint(transport, self._overrides, self._clock)
        self._vault = Vault(keys)
        self._refresher = Refresher(
            vault=self._vault,
            provider_apps=self.provider_apps,
            endpoint=self.token_endpoint,
            notices=self._notices,
            mark_refused=self._mark_refused,
            catalog=catalog,
            clock=self._clock,
        )

    def add_listener(self, listener: ConnectionListener) -> None:
        """Have `listener` asked before a connection is deleted. The composition root calls this."""
        self._listeners.append(listener)

    def on_refused(self, listener: RefusedListener) -> None:
        """Have `listener` told when a provider no longer accepts credentials. The composition root calls this."""
        self._refused_listeners.append(listener)

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

    async def ensure_fresh(self, database: Database, project_id: str, connection_id: str, refresh: Refresh) -> None:
        """See to it that the access token is a good one. Credentials without one are always fresh.

        Many may call it at once, in any process: the provider is asked once. Call it while no transaction is open.

        Raises:
            ConnectionNotFound: there is none.
            RefreshNotPossible: it should be refreshed, and there is no provider app or no refresh token.
            RefreshRefused: the provider refuses; where the grant is gone, the connection is marked so.
            RefreshPending: the provider cannot be asked now.
        """
        await self._refresher.ensure_fresh(database, project_id, connection_id, refresh)

    async def generate(self, session: AsyncSession, project_id: str, request: GenerateConnectionRequest) -> str:
        """Make a connection, and its group and consumer where they are new; returns its id.

        Raises:
            NoSuchProvider: the catalog has none of that name.
            UnsupportedCredentials, UnusableCredentials: they are not what the provider takes.
            InvalidInputs: the provider needs to know more of the customer's account.
        """
        definition = self.definition(request.provider)
        credentials = read_credentials(definition, request)
        account = Account().with_metadata(request.provider_metadata)
        if request.provider_workspace_ref:
            account = account.with_workspace(request.provider_workspace_ref)
        account = account.fitting(definition)
        group_id = await self._tenants.ensure_group(session, project_id, request.group_ref, request.group_name)
        consumer_id = await self._tenants.ensure_consumer(
            session, project_id, request.consumer_ref, request.consumer_name
        )
        connection_id = new_id()
        await ConnectionRepository(session).add(
            id=connection_id,
            project_id=project_id,
            provider=definition.name,
            group_id=group_id,
            consumer_id=consumer_id,
            **_account_columns(account),
            **await self._vault.columns(session, project_id, connection_id, definition, credentials),
        )
        await self._notices.publish(session, project_id, connection_id, ConnectionCreated)
        return connection_id

    async def store_grant(self, session: AsyncSession, project_id: str, grant: Grant) -> str:
        """Keep what a customer agreed to, in the connection that it renews or in a new one; returns its id.

        Raises `ConnectionNotFound` where the one to renew is gone, and `NoSuchProvider`, `InvalidInputs` as `generate`.
        """
        definition = self.definition(grant.provider)
        account = grant.account.fitting(definition)
        connections = ConnectionRepository(session)
        if grant.connection_id is not None:
            group_id = consumer_id = None
            known = await connections.find(project_id, grant.connection_id, lock=True)
            if known is None:
                raise ConnectionNotFound(grant.connection_id)
        else:
            # This locks the group's row, so that of two flows that end at once the second finds the first's connection.
            group_id = await self._tenants.ensure_group(session, project_id, grant.group_ref, grant.group_name)
            consumer_id = await self._tenants.ensure_consumer(
                session, project_id, grant.consumer_ref, grant.consumer_name
            )
            known = await connections.alike(
                project_id, group_ref=grant.group_ref, consumer_ref=grant.consumer_ref, provider=grant.provider
            )
        connection_id = known.id if known is not None else new_id()
        values = {
            "provider_app_id": grant.provider_app_id,
            "provider_consumer_ref": grant.consumer_at_provider,
            **_account_columns(account),
            **await self._vault.columns(session, project_id, connection_id, definition, grant.tokens),
        }
        if known is not None:
            values |= {"status": "created", "version": known.version + 1}
            await connections.change(project_id, connection_id, **values)
        else:
            who = {"provider": definition.name, "group_id": group_id, "consumer_id": consumer_id}
            await connections.add(id=connection_id, project_id=project_id, **who, **values)
        happened = ConnectionCreated if known is None else ConnectionUpdated
        await self._notices.publish(session, project_id, connection_id, happened)
        return connection_id

    async def update(
        self, session: AsyncSession, project_id: str, connection_id: str, change: UpdateConnectionRequest
    ) -> None:
        """Change what the update mask names. New credentials start a new version, whose status is `created`.

        Raises:
            InvalidUpdateMask: the mask is empty, names what may not change, has no value, or not the scheme's.
            ConnectionNotFound: there is none.
            UnsupportedCredentials, UnusableCredentials, InvalidInputs: as `generate`.
        """
        masks = read_mask(change)
        connections = ConnectionRepository(session)
        state = await connections.find(project_id, connection_id, lock=True)
        if state is None:
            raise ConnectionNotFound(connection_id)
        definition = self.definition(state.provider)
        values: dict[str, Any] = {}
        if not masks.isdisjoint(ACCOUNT_MASKS):
            values |= _account_columns(_changed_account(definition, state, change.connection, masks))
        kind = credential_mask(masks, accepted_kinds(definition.auth), state.auth_scheme)
        if kind is not None:
            credentials = credentials_of_kind(definition, change.connection, kind, at="connection.")
            values |= await self._vault.columns(session, project_id, connection_id, definition, credentials)
            values |= {"status": "created", "version": state.version + 1}
        await connections.change(project_id, connection_id, **values)
        await self._notices.publish(session, project_id, connection_id, ConnectionUpdated)

    async def delete(self, session: AsyncSession, project_id: str, connection_id: str) -> None:
        """Delete a connection, after every listener has taken leave of it or refused. Raises `ConnectionNotFound`."""
        connections = ConnectionRepository(session)
        if await connections.find(project_id, connection_id, lock=True) is None:
            raise ConnectionNotFound(connection_id)
        for listener in self._listeners:
            await listener.on_connection_deleting(session, project_id, connection_id)
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
        self, session: AsyncSession, project_id: str, connection_id: str, *, module: str | None = None
    ) -> Connector:
        """The provider, reached with this connection's credentials. They are decrypted anew each time and not kept.

        Call the provider only after the transaction is over. Raises `ConnectionNotFound`, `UnknownProvider`,
        `UnknownModule`, and `InvalidInputs` or `UnusableCredentials` when the provider's definition has changed since.
        """
        state = await self._existing(session, project_id, connection_id)
        return Connector(
            self._catalog.get(state.provider),
            transport=self._transport,
            credentials=for_requests(await self._vault.open(session, project_id, connection_id)),
            inputs=state.account.inputs,
            module=module,
            base_url_override=self._overrides.base_url(state.provider),
        )

    async def mark_working(
        self, session: AsyncSession, project_id: str, connection_id: str, *, version: int | None = None
    ) -> bool:
        """Note that a request succeeded; returns whether that is news, and writes only then.

        With `version`, it says nothing of other credentials than those.
        """
        return await ConnectionRepository(session).set_status(project_id, connection_id, "working", version)

    async def mark_bad_credentials(
        self,
        session: AsyncSession,
        project_id: str,
        connection_id: str,
        *,
        version: int | None = None,
        error: str = "The provider does not accept the connection's credentials.",
    ) -> bool:
        """Note that the provider refuses the credentials; returns whether that is news, and writes and tells only then.

        `error` is why, in the provider's words where it has given any. With `version`, it says nothing of other
        credentials than those: ones that were replaced meanwhile stay good.
        """
        connections = ConnectionRepository(session)
        if not await connections.set_status(project_id, connection_id, "bad_credentials", version):
            return False
        await self._notices.publish(session, project_id, connection_id, ConnectionFailed, errors=(error,))
        for listener in self._refused_listeners:
            await listener(session, project_id, connection_id, error)
        return True

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

    def definition(self, provider: str) -> Definition:
        """The definition of a provider that a request names. Raises `NoSuchProvider`."""
        try:
            return self._catalog.get(provider)
        except UnknownProvider as problem:
            issue = Issue("provider", problem.detail, value=provider, remedy=problem.remedy)
            raise NoSuchProvider(problem.detail, remedy=problem.remedy, issues=[issue]) from None


def _account_columns(account: Account) -> dict[str, Any]:
    return {"provider_workspace_ref": account.workspace_ref, "provider_metadata": account.metadata}


def _changed_account(
    definition: Definition, state: ConnectionState, request: ConnectionRequest, masks: frozenset[str]
) -> Account:
    given = state.account.with_metadata(request.provider_metadata) if "providerMetadata" in masks else state.account
    if "providerWorkspaceRef" in masks:
        given = given.with_workspace(request.provider_workspace_ref)
    return given.fitting(definition, at="connection.")
