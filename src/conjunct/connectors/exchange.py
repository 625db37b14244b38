"""Requests to a provider with a customer's credentials: kept fresh, hidden from errors, renewed once when refused.

None goes out before the provider's limits allow it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from conjunct.connectors import metrics
from conjunct.connectors.addresses import Address, with_query
from conjunct.connectors.answers import Response, Tells, raise_for_error
from conjunct.connectors.auth import SIGNATURE_HEADERS, Credentials, Proof, prove, signature
from conjunct.connectors.aws_signing import Signable
from conjunct.connectors.definition import Definition
from conjunct.connectors.definition_base import Request
from conjunct.connectors.errors import AuthInvalid, AuthRevoked, ProviderError
from conjunct.connectors.keeping import Keeper
from conjunct.connectors.limits import Limiter, pause_after_error, pause_after_success
from conjunct.connectors.plans import HttpRequest, compile_request
from conjunct.connectors.redaction import HIDDEN, redacted
from conjunct.connectors.telling import telling, telling_of_wait
from conjunct.connectors.traffic import Traffic
from conjunct.connectors.transport import Transport
from conjunct.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Proven:
    """Credentials with what they add to requests."""

    credentials: Credentials
    proof: Proof


@dataclass(frozen=True, slots=True)
class Answered:
    """A provider's answer to a request: headers (found in any letter case), and the parsed body."""

    headers: Mapping[str, str]
    body: Any
    status: int = 200


class Exchange:
    """Sends the requests of one connector.

    Before each request `keeper` sees to it that the credentials are good ones; a request that the provider refuses for
    them is repeated once with renewed ones. `limiter` lets it go out when the provider's limits allow, waiting up to
    `patience` seconds. `timeout` is seconds a request, `max_bytes` the largest answer. Safe to use from several tasks.
    """

    def __init__(
        self,
        definition: Definition,
        *,
        transport: Transport,
        credentials: Credentials,
        keeper: Keeper,
        limiter: Limiter,
        patience: float,
        inputs: Mapping[str, str],
        address: Address,
        clock: Clock,
        timeout: float,
        max_bytes: int,
    ) -> None:
        self.definition = definition
        self.inputs = inputs
        self.address = address
        self.clock = clock
        self._transport = transport
        self._keeper = keeper
        self._limiter = limiter
        self._patience = patience
        self._proven = Proven(credentials, prove(definition.auth, credentials))
        self._timeout = timeout
        self._max_bytes = max_bytes
        self.traffic = Traffic()

    @property
    def is_guarded(self) -> bool:
        """Whether only the check tells that credentials are good: answers to other requests do not."""
        rule = self.definition.check
        return rule is not None and rule.guards_reads

    @property
    def secret_parameters(self) -> Mapping[str, str]:
        """The query parameters that prove who we are; they are not to be kept in page tokens."""
        return self._proven.proof.query

    @property
    def secret_headers(self) -> frozenset[str]:
        """The headers that prove who we are, in lower case: nothing else may set them."""
        return SIGNATURE_HEADERS | {name.lower() for name in self._proven.proof.headers}

    def shown(self, request: HttpRequest) -> HttpRequest:
        """The request as it would go out, with what proves who we are and all secrets hidden."""
        proof = self._proven.proof
        url = with_query(request.url, dict.fromkeys(proof.query, "hidden"))
        headers = {"Accept": "application/json", **request.headers, **dict.fromkeys(proof.headers, HIDDEN)}
        body = self.hidden(request.body.decode(errors="replace")).encode() if request.body is not None else None
        shown = {name: self.hidden(value) for name, value in headers.items()}
        return replace(request, url=self.hidden(url), headers=shown, body=body)

    def hidden(self, text: str) -> str:
        """The provider's words without the credentials."""
        return redacted(text, self._proven.credentials.secrets)

    async def send(self, request: HttpRequest, tells: Tells | None = None) -> Answered:
        """Send a request with good credentials. Raises `ProviderError` by its classes.

        An error that `tells` something is no error but an answer.
        """
        answer, credentials = await self._exchange(request, tells)
        if not self.is_guarded:
            await self._keeper.accepted(credentials)
        return answer

    async def check(self) -> None:
        """Prove that the credentials are good. Raises `AuthInvalid` and the other classes of `ProviderError`.

        Does nothing for a provider that has no harmless request to prove it with.
        """
        rule = self.definition.check
        if rule is None:
            return
        request = self.definition.once(
            "check",
            lambda: compile_request(
                Request(method=rule.method, path=rule.path), "rfc3339", headers=self.definition.headers
            ),
        )
        _, credentials = await self._exchange(request.build(self.inputs, self.address))
        await self._keeper.accepted(credentials)

    @contextmanager
    def hiding_secrets(self) -> Iterator[None]:
        """Take the credentials out of what errors repeat of the provider's answers."""
        with _hiding_secrets(self._proven):
            yield

    async def proven(self) -> Proven:
        """Credentials that are good now. Raises `ProviderError`, as `Keeper.fresh`."""
        return self._prove(await self._keeper.fresh())

    async def proven_anew(self, refused: Proven) -> Proven | None:
        """Others than those that the provider has just refused, or None. Raises `ProviderError`."""
        others = await self._keeper.renewed(refused.credentials)
        return None if others is None else self._prove(others)

    async def accepted(self, proven: Proven) -> None:
        """Hear that the provider took them, with whatever it was asked."""
        if not self.is_guarded:
            await self._keeper.accepted(proven.credentials)

    @property
    def limiter(self) -> Limiter:
        """Who counts the requests of this connection."""
        return self._limiter

    async def _exchange(self, request: HttpRequest, tells: Tells | None = None) -> tuple[Answered, Credentials]:
        """The answer, and the credentials that it was given for: renewed ones, where the provider refused the first."""
        proven = self._prove(await self._keeper.fresh())
        try:
            return await self._send(request, proven, tells), proven.credentials
        except AuthInvalid as error:
            others = await self._keeper.renewed(proven.credentials)
            if others is None:
                await self._keeper.refused(proven.credentials, error)
                raise
        except AuthRevoked as error:
            await self._keeper.refused(proven.credentials, error)
            raise
        renewed = self._prove(others)
        try:
            return await self._send(request, renewed, tells), renewed.credentials
        except (AuthInvalid, AuthRevoked) as error:
            await self._keeper.refused(renewed.credentials, error)
            raise

    def _prove(self, credentials: Credentials) -> Proven:
        if credentials is not self._proven.credentials:
            self._proven = Proven(credentials, prove(self.definition.auth, credentials))
        return self._proven

    async def _send(self, request: HttpRequest, proven: Proven, tells: Tells | None) -> Answered:
        name = self.definition.name
        with self.traffic.waiting(), telling_of_wait(name):
            await self._limiter.take(request.bucket, patience=self._patience)
        with _hiding_secrets(proven), telling(name, request.method) as asked:
            url = with_query(request.url, proven.proof.query)
            headers = {"Accept": "application/json", **request.headers, **proven.proof.headers}
            signable = Signable(request.method, url, headers, request.body)
            headers |= signature(self.definition.auth, proven.credentials, self.inputs, signable, self.clock.now())
            with self.traffic.requesting() as clocked:
                response: Response = await self._transport.request(
                    request.method,
                    url,
                    headers=headers,
                    body=request.body,
                    timeout=self._timeout,
                    max_bytes=self._max_bytes,
                )
                clocked.answered(response.headers)
            asked.answered(response.status)
            now, limits = self.clock.now(), self.definition.rate_limit
            try:
                wanted_as_it_is = request.raw and 200 <= response.status < 300
                body: Any = response.body
                if not wanted_as_it_is:
                    body = raise_for_error(response, self.definition.errors, limits, now, tells)
            except ProviderError as error:
                await self._pause(pause_after_error(error))
                raise
            await self._pause(pause_after_success(response.headers, limits, now))
        return Answered(response.headers, body, response.status)

    async def _pause(self, seconds: float | None) -> None:
        if seconds:
            metrics.PAUSES.add(self.definition.name)
            await self._limiter.pause(seconds)


@contextmanager
def _hiding_secrets(proven: Proven) -> Iterator[None]:
    try:
        yield
    except ProviderError as error:
        error.hide(proven.credentials.secrets)
        raise
