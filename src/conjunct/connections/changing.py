"""Changing connections: other credentials for the same account, or more of what is known of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.account import Account, told_later
from conjunct.connections.connecting import account_columns, proved_at
from conjunct.connections.credential_kinds import Given, accepted_kinds, credentials_of_kind
from conjunct.connections.named_providers import named_definition
from conjunct.connections.notices import ConnectionNotices
from conjunct.connections.problems import ConnectionChanged, ConnectionNotFound
from conjunct.connections.provider_apps.service import ProviderAppService
from conjunct.connections.proving import Proved, Prover
from conjunct.connections.repository import ConnectionRepository
from conjunct.connections.schemas import ConnectionRequest, UpdateConnectionRequest
from conjunct.connections.state import ConnectionState
from conjunct.connections.update_mask import ACCOUNT_MASKS, credential_mask, read_mask
from conjunct.connections.vault import Vault
from conjunct.connectors import Definition
from conjunct.connectors.oauth import OAuthClient
from conjunct.core.database import Database
from conjunct.kit.clock import Clock
from conjunct.notifications import ConnectionUpdated
from conjunct.providers import ProjectProviders


@dataclass(frozen=True, slots=True)
class ReadyUpdate:
    """A change that has been proved as far as it must be, of the connection as it was in `state`."""

    state: ConnectionState
    definition: Definition = field(repr=False)
    change: ConnectionRequest = field(repr=False)
    masks: frozenset[str]
    account: Account
    proved: Proved | None = None
    has_new_credentials: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be asked of the provider: about `given`, if it is to be asked anything."""

    ready: ReadyUpdate
    app: OAuthClient | None
    given: Given | None = field(repr=False)
    at: str = ""


class Changing:
    """Changes connections. What it applies, it applies on the caller's transaction."""

    def __init__(
        self,
        *,
        database: Database,
        providers: ProjectProviders,
        provider_apps: ProviderAppService,
        vault: Vault,
        prover: Prover,
        notices: ConnectionNotices,
        freshen: Callable[[str, str], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._database = database
        self._providers = providers
        self._apps = provider_apps
        self._vault = vault
        self._prover = prover
        self._notices = notices
        self._freshen = freshen
        self._clock = clock

    async def prove(self, project_id: str, connection_id: str, change: UpdateConnectionRequest) -> ReadyUpdate:
        """Ask the provider about a change, where it has to be asked. Call it while no transaction is open.

        New credentials are proved. So are those that are kept, where the account is another one by the change and the
        provider tells more of it.

        Raises:
            InvalidUpdateMask: the mask is empty, names what may not change, has no value, or not the scheme's.
            ConnectionNotFound: there is none.
            UnsupportedCredentials, UnusableCredentials, InvalidInputs: they are not what the provider takes.
            CredentialsRefused, AccountIncomplete, ProviderNotAsked: as `Prover.prove`.
        """
        masks = read_mask(change)
        async with self._database.transaction() as session:
            plan = await self._plan(session, project_id, connection_id, change, masks)
        uses_kept = plan.given is not None and not plan.ready.has_new_credentials
        if uses_kept and plan.ready.state.access_token_ends_by(self._clock.now()):
            await self._freshen(project_id, connection_id)
            async with self._database.transaction() as session:
                plan = await self._plan(session, project_id, connection_id, change, masks)
        ready = plan.ready
        if plan.given is None:
            return ready
        proving = self._prover.prove(ready.definition, plan.app, ready.account, plan.given)
        proved = await proved_at(plan.at, proving)
        return replace(ready, proved=proved)

    async def apply(self, session: AsyncSession, project_id: str, ready: ReadyUpdate) -> None:
        """Store the change. New credentials start a new version; they are `working` if the provider accepted them.

        Raises `ConnectionNotFound`, and `ConnectionChanged` where another change came first.
        """
        before, proved = ready.state, ready.proved
        connections = ConnectionRepository(session)
        now = await connections.find(project_id, before.id, lock=True)
        if now is None:
            raise ConnectionNotFound(before.id)
        if proved is None:
            account = _changed_account(ready.definition, now, ready.change, ready.masks)
        elif now.version != before.version or now.account.inputs != before.account.inputs:
            raise ConnectionChanged(before.id)
        else:
            account = proved.account
        values: dict[str, Any] = account_columns(account)
        if proved is not None:
            values["status"] = "working" if proved.works else "created"
        elif account.inputs != now.account.inputs:
            values["status"] = "created"  # what was known of the credentials was known of another account
        if proved is not None and ready.has_new_credentials:
            values |= await self._vault.columns(session, project_id, before.id, ready.definition, proved.credentials)
            values["version"] = before.version + 1
        await connections.change(project_id, before.id, **values)
        await self._notices.publish(session, project_id, before.id, ConnectionUpdated)

    async def _plan(
        self,
        session: AsyncSession,
        project_id: str,
        connection_id: str,
        change: UpdateConnectionRequest,
        masks: frozenset[str],
    ) -> _Plan:
        state = await ConnectionRepository(session).find(project_id, connection_id)
        if state is None:
            raise ConnectionNotFound(connection_id)
        definition = await named_definition(self._providers, session, project_id, state.provider)
        account = _changed_account(definition, state, change.connection, masks)
        ready = ReadyUpdate(state, definition, change.connection, masks, account)
        kind = credential_mask(masks, accepted_kinds(definition.auth), state.auth_scheme)
        app_id = state.provider_app_id
        app = None if app_id is None else await self._apps.open(session, project_id, app_id)
        client = None if app is None else app.client
        if kind is not None:
            given = credentials_of_kind(definition, change.connection, kind, at="connection.")
            return _Plan(replace(ready, has_new_credentials=True), client, given, f"connection.{kind}")
        if definition.after_connect and account.inputs != state.account.inputs:
            return _Plan(ready, client, await self._vault.open(session, project_id, connection_id), "connection")
        return _Plan(ready, client, None)


def _changed_account(
    definition: Definition, state: ConnectionState, request: ConnectionRequest, masks: frozenset[str]
) -> Account:
    """The account as the change has it. Raises `InvalidInputs`."""
    given = state.account
    if "customAuth" in masks:
        given = given.with_inputs_of(definition, request.custom_auth)
    elif masks.isdisjoint(ACCOUNT_MASKS):
        return given
    if "providerMetadata" in masks:
        given = given.with_metadata(request.provider_metadata).with_told(state.account)
    if "providerWorkspaceRef" in masks:
        given = given.with_workspace(request.provider_workspace_ref)
    return given.fitting(definition, at="connection.", optional=told_later(definition))
