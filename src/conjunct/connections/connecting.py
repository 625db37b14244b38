"""Making connections: of credentials that are given, and of what customers agreed to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.account import Account, told_later
from conjunct.connections.credential_kinds import Given, given_kinds, read_credentials
from conjunct.connections.credentials import OAuthTokens
from conjunct.connections.grants import Grant
from conjunct.connections.named_providers import named_definition
from conjunct.connections.notices import ConnectionNotices
from conjunct.connections.problems import ConnectionNotFound, CredentialsRefused
from conjunct.connections.provider_apps.choosing import app_for
from conjunct.connections.provider_apps.service import OpenedApp, ProviderAppService
from conjunct.connections.proving import Proved, Prover
from conjunct.connections.repository import ConnectionRepository
from conjunct.connections.schemas import GenerateConnectionRequest, Status
from conjunct.connections.vault import Vault
from conjunct.connectors import Definition
from conjunct.connectors.auth import UnusableCredentials
from conjunct.connectors.auth_definition import CustomAuth
from conjunct.core.database import Database
from conjunct.core.problems import Issue
from conjunct.kit.ids import new_id
from conjunct.notifications import ConnectionCreated, ConnectionUpdated
from conjunct.providers import ProjectProviders
from conjunct.tenants import TenantService


@dataclass(frozen=True, slots=True)
class Ready:
    """A connection whose credentials have been proved, to be added."""

    request: GenerateConnectionRequest = field(repr=False)
    definition: Definition = field(repr=False)
    proved: Proved
    provider_app_id: str | None = None


class Connecting:
    """Makes connections. What it adds, it adds on the caller's transaction."""

    def __init__(
        self,
        *,
        database: Database,
        tenants: TenantService,
        providers: ProjectProviders,
        provider_apps: ProviderAppService,
        vault: Vault,
        prover: Prover,
        notices: ConnectionNotices,
        on_made: Callable[[AsyncSession, str, str], Awaitable[None]],
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._providers = providers
        self._apps = provider_apps
        self._vault = vault
        self._prover = prover
        self._notices = notices
        self._on_made = on_made

    async def prove(
        self, project_id: str, request: GenerateConnectionRequest, *, provider_app_id: str | None = None
    ) -> Ready:
        """Ask the provider about the credentials of a request. Call it while no transaction is open.

        Raises:
            NoSuchProvider: the catalog has none of that name.
            UnsupportedCredentials, UnusableCredentials: they are not what the provider takes.
            InvalidInputs: the provider needs to know more of the customer's account.
            AuthorizationNotPossible: the scheme needs a provider app, and there is none.
            CredentialsRefused, AccountIncomplete, ProviderNotAsked: as `Prover.prove`.
        """
        async with self._database.reading() as reading:
            definition = await named_definition(self._providers, reading, project_id, request.provider)
        given = read_credentials(definition, request)
        account = Account().with_metadata(request.provider_metadata)
        if request.provider_workspace_ref:
            account = account.with_workspace(request.provider_workspace_ref)
        account = account.with_inputs_of(definition, request.custom_auth)
        account = account.fitting(definition, optional=told_later(definition))
        app = await self._app(project_id, definition, given, provider_app_id)
        client = None if app is None else app.client
        proved = await proved_at(given_kinds(request)[0], self._prover.prove(definition, client, account, given))
        return Ready(request, definition, proved, None if app is None else app.id)

    async def add(self, session: AsyncSession, project_id: str, ready: Ready) -> str:
        """Make the connection, and its group and consumer where they are new; returns its id.

        Raises `AuthorizationNotPossible` where its provider app is gone meanwhile.
        """
        request, definition, proved = ready.request, ready.definition, ready.proved
        if ready.provider_app_id is not None:
            # Held until the end, so that the app cannot be deleted under the connection that is made with it.
            await app_for(self._apps, session, project_id, definition, ready.provider_app_id, keep=True)
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
            provider_app_id=ready.provider_app_id,
            provider_consumer_ref=proved.consumer,
            status=_status(proved.works),
            **account_columns(proved.account),
            **await self._vault.columns(session, project_id, connection_id, definition, proved.credentials),
        )
        await self._notices.publish(session, project_id, connection_id, ConnectionCreated)
        await self._on_made(session, project_id, connection_id)
        return connection_id

    async def _app(self, project_id: str, definition: Definition, given: Given, app_id: str | None) -> OpenedApp | None:
        """The provider app that the credentials are used with: needed by some custom schemes, good for imported tokens.

        Tokens with a refresh token are taken to be of the project's client, since nothing else could refresh them.
        """
        auth = definition.auth
        if isinstance(auth, CustomAuth) and auth.app_inputs:
            async with self._database.transaction() as session:
                return await app_for(self._apps, session, project_id, definition, app_id)
        if isinstance(given, OAuthTokens) and given.refresh is not None:
            async with self._database.transaction() as session:
                return await self._apps.open_default(session, project_id, definition.name)
        return None

    async def store_grant(self, session: AsyncSession, project_id: str, grant: Grant) -> str:
        """Keep what a customer agreed to, in the connection that it renews or in a new one; returns its id.

        Raises `ConnectionNotFound` where the one to renew is gone, and `NoSuchProvider`, `InvalidInputs` as `generate`.
        """
        definition = await named_definition(self._providers, session, project_id, grant.provider)
        account = grant.account.fitting(definition, optional=told_later(definition))
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
            "status": _status(grant.works),
            **account_columns(account),
            **await self._vault.columns(session, project_id, connection_id, definition, grant.tokens),
        }
        if known is not None:
            await connections.change(project_id, connection_id, **values, version=known.version + 1)
        else:
            who = {"provider": definition.name, "group_id": group_id, "consumer_id": consumer_id}
            await connections.add(id=connection_id, project_id=project_id, **who, **values)
        happened = ConnectionCreated if known is None else ConnectionUpdated
        await self._notices.publish(session, project_id, connection_id, happened)
        if known is None:
            await self._on_made(session, project_id, connection_id)
        return connection_id


async def proved_at(at: str, proving: Awaitable[Proved]) -> Proved:
    """What is proved. A refusal names `at` as the place in the request that the credentials stand in."""
    try:
        return await proving
    except (CredentialsRefused, UnusableCredentials) as problem:
        issues = problem.issues or [Issue(at, problem.detail)]
        raise type(problem)(problem.detail, remedy=problem.remedy, issues=issues) from None


def account_columns(account: Account) -> dict[str, Any]:
    """The columns of a connection to this account."""
    return {"provider_workspace_ref": account.workspace_ref, "provider_metadata": account.metadata}


def _status(works: bool) -> Status:
    return "working" if works else "created"
