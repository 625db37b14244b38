"""OAuth in the browser: send a customer to the provider, and make a connection of what they come back with."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.account import WORKSPACE, Account
from conjunct.connections.grants import Grant
from conjunct.connections.oauth.models import OAuthFlowRow
from conjunct.connections.oauth.problems import (
    AuthorizationExpired,
    AuthorizationNotPossible,
    AuthorizationRefused,
    TokensRefused,
)
from conjunct.connections.oauth.repository import OAuthFlowRepository
from conjunct.connections.oauth.schemas import ConnectRequest
from conjunct.connections.problems import ConnectionNotFound
from conjunct.connections.provider_apps.service import OpenedApp
from conjunct.connections.service import ConnectionService
from conjunct.connections.tokens import kept
from conjunct.connectors import Definition
from conjunct.connectors.addresses import checked_inputs
from conjunct.connectors.errors import ProviderError
from conjunct.connectors.oauth import IssuedTokens, authorization_url, browser_flow, code_request
from conjunct.core.database import Database
from conjunct.core.problems import Issue
from conjunct.kit.clock import Clock, SystemClock
from conjunct.tenants import ProjectKeys
from conjunct.tenants.audit import note_change, record_change

CALLBACK_PATH = "/callbacks/v1/oauth"
"""Where providers send customers back to, below the public URL. Builders register it with their OAuth clients."""

LIFETIME = timedelta(minutes=30)
"""How long a customer may take at the provider; some must first ask an administrator."""

_LONGEST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Comeback:
    """What a provider's redirect carries."""

    state: str = field(repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    error_description: str = ""


@dataclass(frozen=True, slots=True)
class _Customer:
    """Who is sent, and which connection they renew, if a certain one."""

    group_ref: str
    group_name: str | None
    consumer_ref: str
    consumer_name: str | None
    connection_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Taken:
    """A flow whose customer has come back."""

    row: OAuthFlowRow = field(repr=False)
    app: OpenedApp
    definition: Definition
    verifier: str | None = field(repr=False)
    account: Account


class OAuthFlows:
    """The browser flow of all providers that have one."""

    def __init__(
        self,
        *,
        database: Database,
        connections: ConnectionService,
        keys: ProjectKeys,
        public_url: str,
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._connections = connections
        self._endpoint = connections.token_endpoint
        self._keys = keys
        self._redirect_uri = public_url.rstrip("/") + CALLBACK_PATH
        self._clock = clock or SystemClock()

    async def begin(self, session: AsyncSession, project_id: str, request: ConnectRequest) -> str:
        """The URL to send a customer to, so that they connect.

        Raises `NoSuchProvider`, `NoOAuthFlow`, `AuthorizationNotPossible`, `InvalidInputs`.
        """
        definition = self._connections.definition(request.provider)
        app = await self._app(session, project_id, definition, request.provider_app_id)
        account = Account().with_metadata(request.provider_metadata)
        if request.provider_workspace_ref:
            account = account.with_workspace(request.provider_workspace_ref)
        who = _Customer(request.group_ref, request.group_name, request.consumer_ref, request.consumer_name)
        return await self._send(session, project_id, definition, app, account, who)

    async def begin_update(self, session: AsyncSession, project_id: str, connection_id: str) -> str:
        """The URL to send a customer to, so that they agree anew to a connection.

        Raises `ConnectionNotFound`, and as `begin`.
        """
        state = await self._connections.find(session, project_id, connection_id)
        if state is None:
            raise ConnectionNotFound(connection_id)
        definition = self._connections.definition(state.provider)
        app = await self._app(session, project_id, definition, state.provider_app_id)
        who = _Customer(state.group_ref, None, state.consumer_ref, None, state.id)
        return await self._send(session, project_id, definition, app, state.account, who)

    async def finish(self, comeback: Comeback) -> str:
        """Make, or renew, the connection of a customer who came back; returns its id.

        The state is used up first, whatever follows; the provider is called while no transaction is open. Raises
        `AuthorizationExpired`, `AuthorizationRefused`, `TokensRefused`, and `InvalidInputs` or `ConnectionNotFound`.
        """
        async with self._database.transaction() as session:
            taken = await self._take(session, comeback.state)
        if taken is None:
            raise AuthorizationExpired
        issued = await self._exchange(taken, comeback)
        async with self._database.transaction() as session:
            # Held until the end, so that the app cannot be deleted under the connection that is made with it.
            if (
                await self._connections.provider_apps.open(session, taken.row.project_id, taken.app.id, keep=True)
                is None
            ):
                raise AuthorizationExpired
            connection_id = await self._connections.store_grant(
                session, taken.row.project_id, self._grant(taken, issued)
            )
            note_change(
                actor=f"consumer:{taken.row.consumer_ref}",
                project_id=taken.row.project_id,
                resource_kind="connection",
                resource_id=connection_id,
            )
            await record_change(session)
            return connection_id

    async def _app(
        self, session: AsyncSession, project_id: str, definition: Definition, app_id: str | None
    ) -> OpenedApp:
        browser_flow(definition)
        apps, name = self._connections.provider_apps, definition.display
        if app_id is None:
            app = await apps.open_default(session, project_id, definition.name)
            if app is None:
                raise AuthorizationNotPossible(
                    f"This project has no provider app for {name}.",
                    remedy=f"Register an OAuth client with {name}, and make a provider app of its id and secret.",
                    issues=[Issue("provider", "there is no provider app for it", value=definition.name)],
                )
            return app
        app = await apps.open(session, project_id, app_id)
        if app is None or app.provider != definition.name:
            detail = f"This project has no provider app {app_id!r} for {name}."
            raise AuthorizationNotPossible(
                detail,
                remedy="List the provider apps of the project to see their ids.",
                issues=[Issue("providerAppId", detail, value=app_id)],
            )
        return app

    async def _send(
        self,
        session: AsyncSession,
        project_id: str,
        definition: Definition,
        app: OpenedApp,
        account: Account,
        who: _Customer,
    ) -> str:
        auth = browser_flow(definition)
        account = account.fitting(definition, optional=_told_later(definition))
        scopes = app.scopes or tuple(auth.scopes)
        if auth.scopes_required and not scopes:
            raise AuthorizationNotPossible(
                f"{definition.display} must be told which scopes to ask for.",
                remedy="Give the provider app the scopes that your OAuth client has.",
            )
        state, now = secrets.token_urlsafe(32), self._clock.now()
        verifier = secrets.token_urlsafe(48) if auth.pkce else None
        url = authorization_url(
            definition,
            app.client.client_id,
            _inputs(definition, account),
            redirect_uri=self._redirect_uri,
            state=state,
            scopes=scopes,
            verifier=verifier,
            params=app.auth_params,
            override=self._endpoint.override(definition),
        )
        digest = _digest(state)
        keyring = await self._keys.keyring(session, project_id)
        flows = OAuthFlowRepository(session)
        await flows.sweep(project_id, now)
        await flows.add(
            state_digest=digest,
            project_id=project_id,
            provider=definition.name,
            provider_app_id=app.id,
            connection_id=who.connection_id,
            group_ref=who.group_ref,
            group_name=who.group_name,
            consumer_ref=who.consumer_ref,
            consumer_name=who.consumer_name,
            provider_workspace_ref=account.workspace_ref,
            provider_metadata=account.metadata,
            scopes=list(scopes),
            redirect_uri=self._redirect_uri,
            sealed_verifier=None if verifier is None else keyring.encrypt(verifier.encode(), _place(digest)),
            expire_time=now + LIFETIME,
        )
        note_change(
            project_id=project_id,
            resource_kind="connection",
            resource_id=who.connection_id,
            provider=definition.name,
            groupRef=who.group_ref,
        )
        return url

    async def _take(self, session: AsyncSession, state: str) -> _Taken | None:
        row = await OAuthFlowRepository(session).take(_digest(state))
        if row is None or row.expire_time <= self._clock.now():
            return None
        app = await self._connections.provider_apps.open(session, row.project_id, row.provider_app_id)
        if app is None:
            return None
        keyring = await self._keys.keyring(session, row.project_id)
        sealed = row.sealed_verifier
        verifier = None if sealed is None else keyring.decrypt(sealed, _place(row.state_digest)).decode()
        account = Account(row.provider_workspace_ref, row.provider_metadata)
        return _Taken(row, app, self._connections.definition(row.provider), verifier, account)

    async def _exchange(self, taken: _Taken, comeback: Comeback) -> IssuedTokens:
        definition = taken.definition
        if comeback.error or not comeback.code:
            words = comeback.error_description or comeback.error or "it sent no code"
            raise AuthorizationRefused(
                f"{definition.display} did not give access: {words[:_LONGEST_WORDS]}",
                remedy="Connect again, and agree to what the provider asks.",
            )
        request = code_request(
            definition,
            taken.app.client,
            _inputs(definition, taken.account),
            code=comeback.code,
            redirect_uri=taken.row.redirect_uri,
            verifier=taken.verifier,
            override=self._endpoint.override(definition),
        )
        try:
            return await self._endpoint.ask(definition, request)
        except ProviderError as error:
            raise TokensRefused(
                f"{definition.display} gave no tokens: {error.message[:_LONGEST_WORDS]}",
                remedy="Connect again. If it stays so, the provider app's id, secret or redirect URL may be wrong.",
                retryable=error.retryable,
            ) from None

    def _grant(self, taken: _Taken, issued: IssuedTokens) -> Grant:
        row, account = taken.row, taken.account
        if account.workspace_ref is None and issued.workspace is not None:
            account = account.with_workspace(issued.workspace)
        return Grant(
            provider=row.provider,
            provider_app_id=taken.app.id,
            group_ref=row.group_ref,
            group_name=row.group_name,
            consumer_ref=row.consumer_ref,
            consumer_name=row.consumer_name,
            account=account,
            consumer_at_provider=issued.consumer,
            tokens=kept(issued, self._clock.now(), scopes=tuple(row.scopes)),
            connection_id=row.connection_id,
        )


def _told_later(definition: Definition) -> frozenset[str]:
    """The inputs that the token endpoint's answer gives, so that the customer need not."""
    auth = browser_flow(definition)
    told = auth.from_token.workspace is not None and not auth.workspace_required
    return frozenset({WORKSPACE}) if told else frozenset()


def _inputs(definition: Definition, account: Account) -> dict[str, str]:
    """What URLs are made of: the account's inputs, and defaults for the rest."""
    return checked_inputs(definition, account.inputs, optional=_told_later(definition))


def _digest(state: str) -> bytes:
    """What is kept of a state for look-up. It has 256 random bits, so that comparing digests tells nothing of it."""
    return hashlib.sha256(state.encode()).digest()


def _place(state_digest: bytes) -> str:
    return f"oauth_flow:{state_digest.hex()}:verifier"
