"""OAuth in the browser: send a customer to the provider, and make a connection of what they come back with."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.account import Account, told_later
from conjunct.connections.grants import Grant
from conjunct.connections.oauth.links import LinkKeeper, LinkUse, SetOut, link_place
from conjunct.connections.oauth.models import OAuthFlowRow
from conjunct.connections.oauth.problems import (
    AuthorizationExpired,
    AuthorizationRefused,
    TokensRefused,
)
from conjunct.connections.oauth.repository import OAuthFlowRepository
from conjunct.connections.oauth.schemas import ConnectRequest
from conjunct.connections.problems import ConnectionNotFound
from conjunct.connections.provider_apps.choosing import app_for
from conjunct.connections.provider_apps.problems import AuthorizationNotPossible
from conjunct.connections.provider_apps.service import OpenedApp
from conjunct.connections.service import ConnectionService
from conjunct.connections.tokens import kept
from conjunct.connectors import Definition
from conjunct.connectors.addresses import checked_inputs
from conjunct.connectors.errors import ProviderError
from conjunct.connectors.oauth import IssuedTokens, authorization_url, browser_flow, callback_facts, code_request
from conjunct.connectors.redaction import redacted
from conjunct.core.database import Database
from conjunct.core.encryption import Keyring
from conjunct.kit.clock import Clock, SystemClock
from conjunct.tenants import ProjectKeys
from conjunct.tenants.audit import note_change, record_change

CALLBACK_PATH = "/callbacks/v1/oauth"
"""Where providers send customers back to, below the public URL. Builders register it with their OAuth clients."""

LIFETIME = timedelta(minutes=30)
"""How long a customer may take at the provider; some must first ask an administrator."""

_LONGEST_WORDS = 300

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Comeback:
    """What a provider's redirect carries."""

    state: str = field(repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    error_description: str = ""
    params: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class _Customer:
    """Who is sent, and which connection they renew, if a certain one."""

    group_ref: str
    group_name: str | None
    consumer_ref: str
    consumer_name: str | None
    connection_id: str | None = None
    link: LinkUse | None = None


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
        links: LinkKeeper | None = None,
    ) -> None:
        self._database = database
        self._links = links
        self._connections = connections
        self._endpoint = connections.token_endpoint
        self._keys = keys
        self._redirect_uri = public_url.rstrip("/") + CALLBACK_PATH
        self._clock = clock or SystemClock()

    async def begin(
        self, session: AsyncSession, project_id: str, request: ConnectRequest, *, link: LinkUse | None = None
    ) -> str:
        """The URL to send a customer to, so that they connect; with `link`, they come back to its page.

        Raises `NoSuchProvider`, `NoOAuthFlow`, `AuthorizationNotPossible`, `InvalidInputs`.
        """
        definition = await self._connections.definition(session, project_id, request.provider)
        app = await self._app(session, project_id, definition, request.provider_app_id)
        account = Account().with_metadata(request.provider_metadata)
        if request.provider_workspace_ref:
            account = account.with_workspace(request.provider_workspace_ref)
        who = _Customer(request.group_ref, request.group_name, request.consumer_ref, request.consumer_name, link=link)
        return await self._send(session, project_id, definition, app, account, who)

    async def begin_update(self, session: AsyncSession, project_id: str, connection_id: str) -> str:
        """The URL to send a customer to, so that they agree anew to a connection.

        Raises `ConnectionNotFound`, and as `begin`.
        """
        state = await self._connections.find(session, project_id, connection_id)
        if state is None:
            raise ConnectionNotFound(connection_id)
        definition = await self._connections.definition(session, project_id, state.provider)
        app = await self._app(session, project_id, definition, state.provider_app_id)
        who = _Customer(state.group_ref, None, state.consumer_ref, None, state.id)
        return await self._send(session, project_id, definition, app, state.account, who)

    async def set_out(self, state: str) -> SetOut | None:
        """Where the customer who comes back with a state set out from, if on a hosted link; nothing is used up."""
        digest = _digest(state)
        async with self._database.transaction() as session:
            row = await OAuthFlowRepository(session).find(digest)
            if row is None or row.connect_link_id is None or row.sealed_link_token is None:
                return None
            keyring = await self._keys.keyring(session, row.project_id)
            token = keyring.decrypt(row.sealed_link_token, link_place(digest)).decode()
        return SetOut(row.project_id, row.provider, LinkUse(row.connect_link_id, token))

    async def finish(self, comeback: Comeback) -> str:
        """Make, or renew, the connection of a customer who came back; returns its id.

        The state is used up first, whatever follows; the provider is called while no transaction is open. Raises
        `AuthorizationExpired`, `AuthorizationRefused`, `TokensRefused`, what `Prover.prove` does, and `InvalidInputs`
        or `ConnectionNotFound`.
        """
        async with self._database.transaction() as session:
            taken = await self._take(session, comeback.state)
        if taken is None:
            raise AuthorizationExpired
        taken = _with_callback(taken, comeback)
        grant = await self._grant(taken, await self._exchange(taken, comeback))
        async with self._database.transaction() as session:
            # Held until the end, so that the app cannot be deleted under the connection that is made with it.
            if (
                await self._connections.provider_apps.open(session, taken.row.project_id, taken.app.id, keep=True)
                is None
            ):
                raise AuthorizationExpired
            connection_id = await self._store(session, taken, grant)
            note_change(
                actor=f"consumer:{taken.row.consumer_ref}",
                project_id=taken.row.project_id,
                resource_kind="connection",
                resource_id=connection_id,
            )
            await record_change(session)
            return connection_id

    async def _store(self, session: AsyncSession, taken: _Taken, grant: Grant) -> str:
        """Keep the connection, and use up the link that the customer set out from, if any."""
        project_id, link_id = taken.row.project_id, taken.row.connect_link_id
        if link_id is None or self._links is None:
            return await self._connections.store_grant(session, project_id, grant)
        await self._links.hold(session, project_id, link_id)
        connection_id = await self._connections.store_grant(session, project_id, grant)
        await self._links.use_up(session, project_id, link_id, connection_id)
        return connection_id

    async def _app(
        self, session: AsyncSession, project_id: str, definition: Definition, app_id: str | None
    ) -> OpenedApp:
        browser_flow(definition)
        return await app_for(self._connections.provider_apps, session, project_id, definition, app_id)

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
        account = account.fitting(definition, optional=told_later(definition))
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
            {**app.client.params, **_inputs(definition, account)},
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
            sealed_verifier=None if verifier is None else keyring.encrypt(verifier.encode(), verifier_place(digest)),
            **_link_columns(who.link, keyring, digest),
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
        verifier = None if sealed is None else keyring.decrypt(sealed, verifier_place(row.state_digest)).decode()
        account = Account(row.provider_workspace_ref, row.provider_metadata)
        definition = await self._connections.definition(session, row.project_id, row.provider)
        return _Taken(row, app, definition, verifier, account)

    async def _exchange(self, taken: _Taken, comeback: Comeback) -> IssuedTokens:
        definition = taken.definition
        if comeback.error or not comeback.code:
            words = comeback.error_description or comeback.error or "it sent no code"
            known = (comeback.state, comeback.code, taken.verifier or "", taken.app.client.client_secret)
            raise AuthorizationRefused(
                f"{definition.display} did not give access: {redacted(words, known)[:_LONGEST_WORDS]}",
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

    async def _grant(self, taken: _Taken, issued: IssuedTokens) -> Grant:
        """What the customer agreed to, proved at the provider."""
        row, asked = taken.row, tuple(taken.row.scopes)
        tokens = kept(issued, self._clock.now(), scopes=asked)
        proved = await self._connections.prover.prove(
            taken.definition, taken.app.client, taken.account, tokens, issued=issued
        )
        fewer = sorted(set(asked) - set(issued.scopes)) if issued.scopes else []
        if fewer:
            log.warning("oauth.fewer_scopes", provider=row.provider, project_id=row.project_id, not_granted=fewer)
        return Grant(
            provider=row.provider,
            provider_app_id=taken.app.id,
            group_ref=row.group_ref,
            group_name=row.group_name,
            consumer_ref=row.consumer_ref,
            consumer_name=row.consumer_name,
            account=proved.account,
            consumer_at_provider=proved.consumer,
            tokens=proved.credentials,
            connection_id=row.connection_id,
            works=proved.works,
        )


def _with_callback(taken: _Taken, comeback: Comeback) -> _Taken:
    """The flow with what the provider tells of the account in the address with which the customer came back."""
    definition = taken.definition
    facts = callback_facts(definition, comeback.params)
    if not facts:
        return taken
    labels = {name: rule.label for name, rule in browser_flow(definition).from_callback.items()}
    return replace(taken, account=taken.account.with_facts(facts, "provider", definition=definition, labels=labels))


def _link_columns(link: LinkUse | None, keyring: Keyring, digest: bytes) -> dict[str, Any]:
    if link is None:
        return {}
    return {"connect_link_id": link.id, "sealed_link_token": keyring.encrypt(link.token.encode(), link_place(digest))}


def _inputs(definition: Definition, account: Account) -> dict[str, str]:
    """What URLs are made of: the account's inputs, and defaults for the rest."""
    return checked_inputs(definition, account.inputs, optional=told_later(definition))


def _digest(state: str) -> bytes:
    """What is kept of a state for look-up. It has 256 random bits, so that comparing digests tells nothing of it."""
    return hashlib.sha256(state.encode()).digest()


def verifier_place(state_digest: bytes) -> str:
    """What a flow's verifier is sealed for."""
    return f"oauth_flow:{state_digest.hex()}:verifier"
