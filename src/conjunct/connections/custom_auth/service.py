"""Custom authentication in several steps: send customers on, ask the provider, and make a connection at the end."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.connections.account import Account, told_later
from conjunct.connections.credential_kinds import accepted_kinds
from conjunct.connections.credentials import CustomCredentials
from conjunct.connections.custom_auth.models import CustomAuthSessionRow
from conjunct.connections.custom_auth.places import digest_of
from conjunct.connections.custom_auth.problems import (
    NoMultiStepAuth,
    SessionOver,
    StateMismatch,
)
from conjunct.connections.custom_auth.sessions import Sessions
from conjunct.connections.custom_auth.state import Connected, SentOn, Start, Waiting, Who, Work
from conjunct.connections.custom_values import custom_values
from conjunct.connections.grants import Grant
from conjunct.connections.oauth.links import LinkKeeper
from conjunct.connections.problems import CredentialsRefused, ProviderNotAsked
from conjunct.connections.provider_apps.choosing import app_for
from conjunct.connections.provider_apps.service import OpenedApp
from conjunct.connections.service import ConnectionService
from conjunct.connections.tokens import LARGEST_ANSWER, TokenEndpoint
from conjunct.connectors import Definition, ProviderError, Transport
from conjunct.connectors.addresses import checked_inputs
from conjunct.connectors.auth_definition import CustomAuth, RedirectStep, RequestStep
from conjunct.connectors.custom_steps import (
    StepRefused,
    kept_values,
    read_answer,
    read_callback,
    redirect_url,
    request_of,
    state_parameter,
)
from conjunct.core.database import Database
from conjunct.core.problems import InvalidRequest, Issue, Problem
from conjunct.kit.clock import Clock, SystemClock
from conjunct.tenants import ProjectKeys
from conjunct.tenants.audit import note_change, record_change

CALLBACK_PATH = "/callbacks/v1/custom-auth"
"""Where providers send customers back to, below the public URL."""

Outcome = SentOn | Connected


class CustomAuthFlows:
    """The flows of all providers whose definitions have steps. It keeps nothing between calls but what is stored."""

    timeout = TokenEndpoint.timeout

    def __init__(
        self,
        *,
        database: Database,
        connections: ConnectionService,
        transport: Transport,
        keys: ProjectKeys,
        public_url: str,
        clock: Clock | None = None,
        links: LinkKeeper | None = None,
    ) -> None:
        self._database = database
        self._connections = connections
        self._transport = transport
        self._sessions = Sessions(keys, clock or SystemClock())
        self._redirect_uri = public_url.rstrip("/") + CALLBACK_PATH
        self._clock = clock or SystemClock()
        self._links = links

    async def begin(self, project_id: str, start: Start) -> Outcome:
        """Begin a flow, and go as far as the server can by itself. Call while no transaction is open.

        Raises `NoSuchProvider`, `NoMultiStepAuth`, `UnsupportedCredentials`, `InvalidInputs`,
        `AuthorizationNotPossible`, and as `Prover.prove`; nothing is kept then.
        """
        async with self._database.reading() as reading:
            definition, auth = await self.multi_step(reading, project_id, start.provider)
        values = custom_values(definition, auth, start.values, at="customAuth")
        account = Account().with_metadata(start.metadata).fitting(definition, optional=told_later(definition))
        session_id = secrets.token_urlsafe(32)
        async with self._database.transaction() as session:
            app = await self._app(session, project_id, definition, auth, start.provider_app_id)
            work = Work(
                digest=digest_of(session_id),
                claim=secrets.token_urlsafe(16),
                project_id=project_id,
                definition=definition,
                app=app,
                who=Who(start.group_ref, start.group_name, start.consumer_ref, start.consumer_name),
                account=account,
                inputs=checked_inputs(definition, account.inputs, optional=told_later(definition)),
                position=0,
                values=values,
                session_id=session_id if start.link is None else None,
                link_id=None if start.link is None else start.link.id,
                has_begun=False,
            )
            await self._sessions.add(session, work, start)
        return await self._go_on(work)

    async def resume(
        self,
        project_id: str,
        session_id: str,
        params: Mapping[str, str],
        *,
        group_ref: str | None = None,
        consumer_ref: str | None = None,
    ) -> Outcome:
        """Go on with a session, by what its customer came back with. Call while no transaction is open.

        A caller who is confined to a group or a consumer finds only the sessions of those. Raises `SessionOver`,
        `SessionBusy`, `StateMismatch`, `IncompleteCallback`, `StepRefused`, and as `begin`. The session stays where it
        was after problems that are `retryable`, and where `params` are not the awaited ones; else it ends.
        """
        digest = digest_of(session_id)
        return await self._resume(project_id, digest, params, session_id, group_ref, consumer_ref)

    async def waiting(self, params: Mapping[str, str]) -> Waiting | None:
        """The session that a callback with these parameters belongs to, or None; nothing is used up."""
        async with self._database.transaction() as session:
            row = await self._sessions.by_state(session, params)
            return None if row is None else Waiting(row.opener_origin, await self._sessions.set_out(session, row))

    async def resume_from_callback(self, params: Mapping[str, str]) -> Outcome:
        """Go on with a session that began on a hosted link, whose customer is at the callback: the state says which.

        Raises as `resume`; a session that began elsewhere is `SessionOver`, for its page goes on with it.
        """
        async with self._database.transaction() as session:
            row = await self._sessions.by_state(session, params)
        if row is None or row.connect_link_id is None:
            raise SessionOver("This link was used before, is too old, or is not one of ours.")
        return await self._resume(row.project_id, row.session_digest, params, None, None, None)

    async def multi_step(
        self, session: AsyncSession | AsyncConnection, project_id: str, provider: str
    ) -> tuple[Definition, CustomAuth]:
        """The definition of a provider that has steps. Raises `NoSuchProvider`, `NoMultiStepAuth`."""
        definition = await self._connections.definition(session, project_id, provider)
        if isinstance(definition.auth, CustomAuth) and definition.auth.steps:
            return definition, definition.auth
        detail = f"{definition.display} is not connected in several steps."
        raise NoMultiStepAuth(
            detail, remedy=_other_way(definition), issues=[Issue("provider", detail, value=definition.name)]
        )

    async def _resume(
        self,
        project_id: str,
        digest: bytes,
        params: Mapping[str, str],
        session_id: str | None,
        group_ref: str | None,
        consumer_ref: str | None,
    ) -> Outcome:
        refused: StepRefused | None = None
        async with self._database.transaction() as session:
            row = await self._sessions.lock(session, project_id, digest, group_ref, consumer_ref)
            work = await self._opened(session, row, session_id)
            try:
                work = _taken(work, row.state_digest, params)
            except StepRefused as problem:
                refused = problem
            await self._sessions.claim(session, row, work)
            if refused is not None:
                await self._sessions.end(session, work)
        if refused is not None:
            raise refused
        return await self._go_on(work)

    async def _go_on(self, work: Work) -> Outcome:
        """Do what the server can by itself, until the customer is needed or there is a connection."""
        try:
            while isinstance(step := work.step, RequestStep):
                work = work.after(await self._ask(work, step))
            if step is not None:
                return await self._send(work, step)
            return await self._connect(work)
        except Problem as problem:
            async with self._database.transaction() as session:
                if problem.retryable and work.has_begun:
                    await self._sessions.put_back(session, work)
                else:
                    await self._sessions.end(session, work)
            raise

    async def _ask(self, work: Work, step: RequestStep) -> dict[str, str]:
        definition = work.definition
        try:
            call = request_of(definition, step, work.known, override=self._override(definition))
            response = await self._transport.request(
                call.request.method,
                call.request.url,
                headers=call.request.headers,
                body=call.request.body,
                timeout=self.timeout,
                max_bytes=LARGEST_ANSWER,
            )
            return read_answer(definition, step, call, response, self._clock.now())
        except ProviderError as error:
            raise _refusal(work, error) from None

    async def _send(self, work: Work, step: RedirectStep) -> SentOn:
        state = secrets.token_urlsafe(32)
        url = redirect_url(
            work.definition,
            step,
            work.known,
            redirect_uri=self._redirect_uri,
            state=state,
            override=self._override(work.definition),
        )
        async with self._database.transaction() as session:
            await self._sessions.wait(session, work, state)
            note_change(
                project_id=work.project_id,
                resource_kind="connection",
                provider=work.definition.name,
                groupRef=work.who.group_ref,
            )
            await record_change(session)
        return SentOn(url, work.session_id)

    async def _connect(self, work: Work) -> Connected:
        """Make, or renew, the connection; the session ends with it."""
        grant = await self._proved(work)
        project_id = work.project_id
        async with self._database.transaction() as session:
            await self._sessions.end(session, work, must_hold=True)
            # Held until the end, so that the app cannot be deleted under the connection that is made with it.
            if work.app is not None:
                await app_for(
                    self._connections.provider_apps, session, project_id, work.definition, work.app.id, keep=True
                )
            if work.link_id is not None and self._links is not None:
                await self._links.hold(session, project_id, work.link_id)
            connection_id = await self._connections.store_grant(session, project_id, grant)
            if work.link_id is not None and self._links is not None:
                await self._links.use_up(session, project_id, work.link_id, connection_id)
            note_change(
                actor=f"consumer:{work.who.consumer_ref}" if work.session_id is None else None,
                project_id=project_id,
                resource_kind="connection",
                resource_id=connection_id,
                provider=work.definition.name,
                groupRef=work.who.group_ref,
            )
            await record_change(session)
        return Connected(project_id, connection_id)

    async def _proved(self, work: Work) -> Grant:
        """The credentials that the steps have given, as the provider accepts them."""
        auth, client = work.definition.auth, None if work.app is None else work.app.client
        values = kept_values(auth, work.values) if isinstance(auth, CustomAuth) else work.values
        proved = await self._connections.prover.prove(work.definition, client, work.account, CustomCredentials(values))
        return Grant(
            provider=work.definition.name,
            provider_app_id=None if work.app is None else work.app.id,
            group_ref=work.who.group_ref,
            group_name=work.who.group_name,
            consumer_ref=work.who.consumer_ref,
            consumer_name=work.who.consumer_name,
            account=proved.account,
            consumer_at_provider=proved.consumer,
            tokens=proved.credentials,
            works=proved.works,
        )

    async def _opened(self, session: AsyncSession, row: CustomAuthSessionRow, session_id: str | None) -> Work:
        definition, auth = await self.multi_step(session, row.project_id, row.provider)
        app: OpenedApp | None = None
        if auth.app_inputs:
            app_id = row.provider_app_id
            app = await app_for(self._connections.provider_apps, session, row.project_id, definition, app_id)
        account = Account(row.provider_workspace_ref, row.provider_metadata)
        return Work(
            digest=row.session_digest,
            claim=secrets.token_urlsafe(16),
            project_id=row.project_id,
            definition=definition,
            app=app,
            who=Who(row.group_ref, row.group_name, row.consumer_ref, row.consumer_name),
            account=account,
            inputs=checked_inputs(definition, account.inputs, optional=told_later(definition)),
            position=row.position,
            values=await self._sessions.values(session, row),
            session_id=session_id,
            link_id=row.connect_link_id,
            has_begun=True,
        )

    async def _app(
        self, session: AsyncSession, project_id: str, definition: Definition, auth: CustomAuth, app_id: str | None
    ) -> OpenedApp | None:
        if auth.app_inputs:
            return await app_for(self._connections.provider_apps, session, project_id, definition, app_id)
        if app_id is None:
            return None
        detail = f"{definition.display} is connected without a provider app."
        raise InvalidRequest(
            detail, remedy="Leave out providerAppId.", issues=[Issue("providerAppId", detail, value=app_id)]
        )

    def _override(self, definition: Definition) -> str | None:
        return self._connections.token_endpoint.override(definition)


def _taken(work: Work, state_digest: bytes | None, params: Mapping[str, str]) -> Work:
    """The session after the redirect that its customer comes back from.

    One that was kept because a request failed has taken it already, and goes on with that request.
    """
    step = work.step
    if not isinstance(step, RedirectStep):
        return work
    name = state_parameter(step)
    given = digest_of(params.get(name, ""))
    if state_digest is None or not hmac.compare_digest(given, state_digest):
        detail = "it is not the state of the redirect that this session waits for"
        raise StateMismatch(
            "The callback does not belong to the redirect that this session waits for.",
            remedy="Pass on all parameters of the callback that the last redirect led to. Each can be used once.",
            issues=[Issue(f"callbackParams.{name}", detail if name in params else "it is needed and not given")],
        )
    return work.after(read_callback(work.definition, step, work.known, params))


def _refusal(work: Work, error: ProviderError) -> Problem:
    name = work.definition.display
    if error.retryable:
        again = "Repeat the same call in a moment." if work.has_begun else "Begin again in a moment."
        return ProviderNotAsked(f"{name} could not be asked: {error}.", remedy=again, retryable=True)
    return CredentialsRefused(f"{name} refuses to go on: {error}.", remedy="Check what was given, and begin again.")


def _other_way(definition: Definition) -> str:
    kinds = accepted_kinds(definition.auth)
    if kinds == ("oauth2AuthorizationCode",):
        return "Send the customer through POST /v1/oauth-connect."
    if kinds:
        return f"Send {' or '.join(kinds)} to connections:generate."
    return "The provider cannot be connected yet."
