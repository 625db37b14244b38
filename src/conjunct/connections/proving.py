"""Proof of credentials at the provider, before a connection is kept.

What buys access tokens buys the first one; what the provider tells of the account is noted; a harmless request shows
whether the credentials are good.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import structlog

from conjunct.connections.account import Account, told_later
from conjunct.connections.account_look_ups import AccountLookUps
from conjunct.connections.credentials import (
    CustomCredentials,
    StoredCredentials,
    Unbought,
    for_requests,
    secrets_of,
)
from conjunct.connections.problems import AccountIncomplete, CredentialsRefused, NoHealthCheck, ProviderNotAsked
from conjunct.connections.renewal import first_request, renewal_request
from conjunct.connections.tokens import LARGEST_ANSWER, TokenEndpoint, kept
from conjunct.connectors import Connector, Definition, Transport
from conjunct.connectors.addresses import InvalidInputs, checked_inputs
from conjunct.connectors.auth_definition import CustomAuth, FromToken, OAuth2
from conjunct.connectors.errors import ApiDisabled, AuthInvalid, AuthRevoked, ProviderError
from conjunct.connectors.oauth import IssuedTokens, OAuthClient
from conjunct.connectors.redaction import redacted
from conjunct.core.problems import Issue, Problem
from conjunct.kit.clock import Clock

log = structlog.get_logger(__name__)

CHECK_SECONDS = 10.0
"""How long the provider may take to say that credentials are good; without an answer they stay unproven."""

_LONGEST_WORDS = 300
_REFUSALS = (AuthInvalid, AuthRevoked, ApiDisabled)


@dataclass(frozen=True, slots=True)
class Proved:
    """Credentials as they are to be kept, and what is known of the account.

    `consumer` is who agreed, as the provider names them. `works`: the provider has accepted the credentials; otherwise
    it has not refused them.
    """

    credentials: StoredCredentials = field(repr=False)
    account: Account
    consumer: str | None = None
    works: bool = False


class Prover:
    """Proves credentials of every scheme. Call it while no transaction is open. `timeout` is seconds for the check."""

    timeout = CHECK_SECONDS

    def __init__(self, *, endpoint: TokenEndpoint, transport: Transport, clock: Clock) -> None:
        self._endpoint = endpoint
        self._transport = transport
        self._clock = clock
        self.look_ups = AccountLookUps(transport, clock)

    async def prove(
        self,
        definition: Definition,
        app: OAuthClient | None,
        account: Account,
        credentials: StoredCredentials | Unbought,
        *,
        issued: IssuedTokens | None = None,
    ) -> Proved:
        """What to keep of these credentials.

        `app` is the builder's client, for schemes that have one; `issued` is the answer that the tokens were in, where
        the caller has bought them.

        Raises:
            CredentialsRefused: the provider does not accept them, in its words.
            AccountIncomplete: it does not tell something of the account that is needed.
            ProviderNotAsked: it gives no answer, and without one there is no access token or no account.
            InvalidInputs, UnusableCredentials, UnusableValue: they cannot be made into requests.
        """
        account = account.fitting(definition, optional=told_later(definition))
        try:
            stored, answer = await self._bought(definition, app, account, credentials)
            answer = issued or answer
            if answer is not None:
                account = _told_by_token(definition, account, answer)
            _require_told(definition, account)
            account, seen = await self.look_ups.make(
                definition, account, stored, override=self._endpoint.override(definition)
            )
            account = account.fitting(definition)
            works = await self._check(definition, account, stored) or seen
        except ProviderError as error:
            secrets = (*secrets_of(credentials), *(() if app is None else (app.client_secret,)))
            raise _problem(definition, error, secrets) from None
        return Proved(stored, account, None if answer is None else answer.consumer, works)

    async def _bought(
        self,
        definition: Definition,
        app: OAuthClient | None,
        account: Account,
        given: StoredCredentials | Unbought,
    ) -> tuple[StoredCredentials, IssuedTokens | None]:
        """The credentials with an access token, where the scheme has one, and the answer that it was in."""
        inputs = checked_inputs(definition, account.inputs, optional=told_later(definition))
        now, override = self._clock.now(), self._endpoint.override(definition)
        if isinstance(given, Unbought):
            request = first_request(
                definition, given.client, given.login, inputs, scopes=given.scopes or (), override=override
            )
            assert request is not None  # noqa: S101 - there is a client
            issued = await self._endpoint.ask(definition, request)
            # The scopes that were asked for are asked for again, however the provider words those that it granted.
            tokens = replace(kept(issued, now, scopes=None), scopes=given.scopes)
            return replace(tokens, client=given.client, login=given.login), issued
        if isinstance(given, CustomCredentials) and given.access is None:
            request = renewal_request(definition, app, inputs, given, now=now, override=override)
            if request is not None:
                issued = await self._endpoint.ask(definition, request)
                return replace(given, access=kept(issued, now, scopes=None).access), issued
        return given, None

    async def _check(self, definition: Definition, account: Account, credentials: StoredCredentials) -> bool:
        """Whether the provider accepts them. False where it cannot be told; raises a `ProviderError` if it refuses."""
        if definition.check is None:
            return False
        try:
            connector = Connector(
                definition,
                transport=self._transport,
                credentials=for_requests(definition.auth, credentials),
                inputs=account.inputs,
                base_url_override=self._endpoint.override(definition),
                clock=self._clock,
                timeout=self.timeout,
                max_bytes=LARGEST_ANSWER,
            )
            await connector.check()
        except _REFUSALS:
            raise
        except InvalidInputs:
            return False  # the base URL is made of what only some modules need
        except ProviderError as error:
            log.info("connection.unproven", provider=definition.name, error=error.kind.value, status=error.status)
            return False
        return True


async def health_check(connector: Connector) -> str | None:
    """Why the provider refuses the connector's credentials, or None if it accepts them.

    Raises `NoHealthCheck`, and `ProviderNotAsked` where it cannot be told.
    """
    definition = connector.definition
    if definition.check is None:
        raise NoHealthCheck(
            f"{definition.display} has no harmless request that would prove credentials.",
            remedy="The connection's status follows from what its reads meet.",
        )
    try:
        await connector.check()
    except _REFUSALS as error:
        return str(error)
    except ProviderError as error:
        raise ProviderNotAsked(
            f"{definition.display} does not say whether the credentials are good: {error.message[:_LONGEST_WORDS]}",
            remedy="Try again in a moment." if error.retryable else "Look at the account at the provider.",
            retryable=error.retryable,
        ) from None
    return None


def _told_by_token(definition: Definition, account: Account, issued: IssuedTokens) -> Account:
    """The account with what the answer of the token endpoint tells of it. Raises `AccountIncomplete`."""
    auth = definition.auth
    rules = auth.from_token if isinstance(auth, OAuth2) else _of_exchange(auth)
    if account.workspace_ref is None and issued.workspace is not None:
        account = account.with_workspace(issued.workspace)
    labels = {name: rule.label for name, rule in rules.facts.items()}
    told = account.with_facts(issued.facts, "token", definition=definition, labels=labels)
    try:
        return told.fitting(definition, optional=told_later(definition))
    except InvalidInputs as problem:
        raise AccountIncomplete(
            f"What {definition.display} tells of the account cannot be used: {problem.issues[0].detail}.",
            remedy="Connect another account, or look at the provider app at the provider.",
        ) from None


def _require_told(definition: Definition, account: Account) -> None:
    """Raise `AccountIncomplete` where an input is missing that comes with the access token, or with the customer."""
    known = checked_inputs(definition, account.inputs, optional=told_later(definition))
    missing = [
        each.name
        for each in definition.inputs
        if each.source in ("token", "callback") and not each.optional and not each.modules and each.name not in known
    ]
    if missing:
        why = "it is not told with the access token"
        raise AccountIncomplete(
            f"{definition.display} does not tell {' and '.join(missing)} of this account.",
            remedy="Connect another account; with tokens from elsewhere, send it in providerMetadata.",
            issues=[Issue(f"providerMetadata.{name}.value", why) for name in missing],
        )


def _of_exchange(auth: object) -> FromToken:
    return auth.token.from_token if isinstance(auth, CustomAuth) and auth.token is not None else FromToken()


def _problem(definition: Definition, error: ProviderError, secrets: tuple[str, ...]) -> Problem:
    words = redacted(error.message, secrets)[:_LONGEST_WORDS]
    if error.retryable:
        return ProviderNotAsked(
            f"{definition.display} could not be asked: {words}.",
            remedy="Try again in a moment.",
            retryable=True,
        )
    if error.status is None:
        return CredentialsRefused(
            f"{definition.display} cannot be asked: {words}", remedy="See that the account's address is right."
        )
    return CredentialsRefused(
        f"{definition.display} does not accept the credentials: {words}",
        remedy=f"Compare them with what {definition.display} shows, and see that they may do what is needed.",
    )
