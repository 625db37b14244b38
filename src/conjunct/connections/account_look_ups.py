"""What the provider is asked about a customer's account once, when it is connected: `after_connect`."""

from __future__ import annotations

import structlog

from conjunct.connections.account import Account, told_later
from conjunct.connections.credentials import StoredCredentials, for_requests, secrets_of
from conjunct.connections.problems import AccountIncomplete
from conjunct.connections.tokens import LARGEST_ANSWER
from conjunct.connectors import Definition, Transport
from conjunct.connectors.addresses import InvalidInputs, checked_inputs, endpoint, first_address, with_query
from conjunct.connectors.answers import raise_for_error
from conjunct.connectors.auth import Proof, prove
from conjunct.connectors.auth_definition import TokenFact
from conjunct.connectors.definition import LookUp
from conjunct.connectors.errors import BadRequest, ObjectMissing, ProviderError, ResourceNotFound
from conjunct.connectors.look_ups import looked_up
from conjunct.connectors.plans import HttpRequest, compile_request
from conjunct.connectors.templates import UNSET
from conjunct.kit.clock import Clock

log = structlog.get_logger(__name__)

_LONGEST_WORDS = 300


class AccountLookUps:
    """Makes a definition's look-ups. `timeout` is how many seconds the provider may take for each answer."""

    timeout = 10.0

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock

    async def make(
        self, definition: Definition, account: Account, credentials: StoredCredentials, *, override: str | None
    ) -> tuple[Account, bool]:
        """The account with the facts that the provider tells, and whether it has accepted the credentials meanwhile.

        Raises a `ProviderError` where an answer that is needed cannot be had, and `AccountIncomplete` where it does
        not say what is needed.
        """
        if not definition.after_connect:
            return account, False
        proof, accepted = prove(definition.auth, for_requests(definition.auth, credentials)), False
        for rule in definition.after_connect:
            try:
                inputs = checked_inputs(definition, account.inputs, optional=told_later(definition))
                facts = await self._facts(definition, rule, inputs, proof, override)
                accepted = True
                account = _with(definition, rule, account, facts)
            except (ProviderError, AccountIncomplete, InvalidInputs) as error:
                if isinstance(error, ProviderError):
                    error.hide(secrets_of(credentials))
                if not rule.optional:
                    raise _needed(definition, rule, error) from None
                log.info("connection.fact_not_told", provider=definition.name, facts=[*rule.take], error=_kind(error))
        return account, accepted

    async def _facts(
        self, definition: Definition, rule: LookUp, inputs: dict[str, str], proof: Proof, override: str | None
    ) -> dict[str, str]:
        request = _request(definition, rule, inputs, override)
        response = await self._transport.request(
            request.method,
            with_query(request.url, proof.query),
            headers={"Accept": "application/json", **request.headers, **proof.headers},
            body=request.body,
            timeout=self.timeout,
            max_bytes=LARGEST_ANSWER,
        )
        body = raise_for_error(response, definition.errors, definition.rate_limit, self._clock.now())
        return looked_up(rule, body, inputs)


def _request(definition: Definition, rule: LookUp, inputs: dict[str, str], override: str | None) -> HttpRequest:
    path = rule.request.path or ""
    plan = compile_request(rule.request, "rfc3339", headers=definition.headers)
    if override is None or not path.startswith(("https://", "http://")):
        return plan.build(inputs, first_address(definition, inputs, override))
    # What stands in for all of the provider's hosts stands in for one that is named in full, too.
    query = plan.query.render(inputs)
    url = with_query(endpoint(definition, path, inputs, override), {} if query is UNSET else query)
    return HttpRequest(plan.method, url, *plan.content(inputs))


def _with(definition: Definition, rule: LookUp, account: Account, facts: dict[str, str]) -> Account:
    """The account with these facts, which must be all that the look-up is for, and be usable."""
    untold = [name for name in rule.take if name not in facts]
    if untold and not rule.optional:
        raise AccountIncomplete(
            f"{definition.display} does not tell {' and '.join(untold)} of this account.",
            remedy="Connect an account that has what is looked for, or see that the credentials may read it.",
        )
    labels = {name: each.label for name, each in rule.take.items() if isinstance(each, TokenFact)}
    told = account.with_facts(facts, "provider", definition=definition, labels=labels)
    try:
        return told.fitting(definition, optional=told_later(definition))
    except InvalidInputs as problem:
        raise AccountIncomplete(
            f"What {definition.display} tells of the account cannot be used: {problem.issues[0].detail}.",
            remedy="Connect another account.",
        ) from None


def _needed(
    definition: Definition, rule: LookUp, error: ProviderError | AccountIncomplete | InvalidInputs
) -> Exception:
    """What an answer that cannot be done without means: the account is another than what is looked for, perhaps."""
    if isinstance(error, BadRequest | ResourceNotFound | ObjectMissing) and error.status is not None:
        words = error.message[:_LONGEST_WORDS]
        return AccountIncomplete(
            f"{definition.display} was asked for {' and '.join(rule.take)} of the account, and answered: {words}",
            remedy="See that the account is the right one, and that the credentials may read it.",
        )
    return error


def _kind(error: ProviderError | AccountIncomplete | InvalidInputs) -> str:
    return error.kind.value if isinstance(error, ProviderError) else error.slug
