"""The proxy: requests of the builder's own to a provider, with the customer's credentials. A raw ASGI application.

Bodies are streamed both ways and nothing of them is kept, but for a small request body, which may have to be sent
again with renewed credentials. What the provider answers goes back as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import structlog
from starlette.types import Receive, Scope, Send

from conjunct.actions.proxy.asking import read_wish
from conjunct.actions.proxy.bodies import IDLE_SECONDS, KEPT_BYTES, Body, CallerGone, read_body
from conjunct.actions.proxy.headers import single, to_caller, to_provider
from conjunct.actions.proxy.metrics import BYTES, REQUESTS, UNANSWERED
from conjunct.actions.proxy.paths import Target, read_target, require_allowed
from conjunct.actions.proxy.problems import (
    ProviderTooSlow,
    ProviderUnreachable,
    ProxyBodyTooLarge,
    ProxyThrottled,
)
from conjunct.actions.proxy.targets import Destination, Destinations
from conjunct.actions.proxy.usage import Usage
from conjunct.actions.proxy.watching import Watch
from conjunct.connectors import ProviderError
from conjunct.connectors.errors import HeldBack
from conjunct.connectors.passage import Opener, Request
from conjunct.core.egress import EgressError
from conjunct.core.problem_responses import MEDIA_TYPE, MethodNotAllowed, render, unavailable
from conjunct.core.problems import Problem
from conjunct.installations import InstallationNotFound, provider_problem
from conjunct.kit.ids import new_id
from conjunct.tenants import Authenticator

_METHOD = re.compile(r"[A-Z]{1,32}")
_REFUSED = 401
Header = tuple[bytes, bytes]

log = structlog.get_logger("conjunct.proxy")


class Proxy:
    """Passes requests through. `path` of its requests is that at the provider."""

    def __init__(
        self, *, authenticator: Authenticator, destinations: Destinations, opener: Opener, usage: Usage
    ) -> None:
        self._authenticator = authenticator
        self._destinations = destinations
        self._opener = opener
        self._usage = usage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = _Answer(send, new_id())
        try:
            await self._pass(scope, receive, answer)
        except CallerGone:
            UNANSWERED.add("caller gone")
        except Problem as problem:
            await answer.refuse(problem)
        except Exception as error:
            lost = unavailable(error)
            if lost is None:
                log.exception("proxy.failed", request_id=answer.request_id)
            await answer.refuse(lost or Problem("An unexpected error happened while the request was passed through."))

    def forget(self) -> None:
        """Look anew at where requests go; else what has changed counts within seconds."""
        self._destinations.forget()

    async def _pass(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        headers = single(scope["headers"])
        wish = read_wish(headers)
        caller = await self._authenticator.authenticate(
            api_key=headers.get("x-api-key"), bearer=_bearer(headers.get("authorization"))
        )
        caller.require_use("proxy")
        project_id = await self._authenticator.open_project(caller, wish.project)
        destination = await self._destinations.find(project_id, wish.asked)
        if caller.group_ref not in (None, destination.group_ref):
            raise InstallationNotFound(wish.asked.installation_id or wish.asked.group_ref)
        target = read_target(scope["raw_path"], scope["query_string"], encoded_slashes=destination.encoded_slashes)
        method = _method(scope)
        require_allowed(destination.rules, method, target)
        await _count(destination, keeps_pauses=wish.throttles)
        body = await read_body(scope, receive)
        request = _request(destination, method, target, scope, body)
        with Watch(receive, body):
            await self._relay(destination, request, body, answer, throttles=wish.throttles)

    async def _relay(
        self, destination: Destination, request: Request, body: Body, answer: _Answer, *, throttles: bool
    ) -> None:
        passage = destination.passage
        try:
            proven = await passage.proven()
            async with passage.open(self._opener, request, proven, idle_timeout=IDLE_SECONDS) as first:
                anew = None
                if first.status == _REFUSED:
                    anew = await _renewed(passage.proven_anew, proven)
                if anew is None or not body.is_kept:
                    await self._answer(destination, first, answer, throttles=throttles)
                    if first.status < 300:
                        await passage.accepted(proven)
                    return
            async with passage.open(self._opener, request, anew, idle_timeout=IDLE_SECONDS) as second:
                await self._answer(destination, second, answer, throttles=throttles)
        except ProviderError as error:
            raise provider_problem(error, doing="take the request") from None
        except EgressError as error:
            if not answer.has_begun:
                self._usage.note(destination, None)
            raise _unanswered(error) from None

    async def _answer(self, destination: Destination, given: Any, answer: _Answer, *, throttles: bool) -> None:
        """Pass on an answer, as it comes."""
        status, passage = given.status, destination.passage
        pause = await passage.heed(status, given.headers)
        headers = to_caller(given.headers)
        if throttles and pause and status >= 400:
            headers += _throttled(pause)
        await answer.begin(status, headers)
        sent = 0
        try:
            while chunk := await given.content.readany():
                sent += len(chunk)
                await answer.add(chunk, more=not given.content.at_eof())
        finally:
            REQUESTS.add(passage.provider, f"{status // 100}xx")
            BYTES.add(passage.provider, by=sent)
            self._usage.note(destination, status)
        await answer.end()


class _Answer:
    """What is answered to one request."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.has_begun = self._ended = False

    async def begin(self, status: int, headers: list[Header]) -> None:
        """Send the head of the answer."""
        headers.append((b"x-request-id", self.request_id.encode()))
        self.has_begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def add(self, chunk: bytes, *, more: bool) -> None:
        """Send a part of the body."""
        self._ended = not more
        await self._send({"type": "http.response.body", "body": chunk, "more_body": more})

    async def end(self) -> None:
        """Send the end of the body, unless its last part said so."""
        if not self._ended:
            await self.add(b"", more=False)

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem. Where the answer has begun it is left unfinished, so that the caller sees it break."""
        if self.has_begun:
            return
        content = render(problem, request_id=self.request_id)
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(content)).encode())]
        if problem.retry_after is not None:
            headers += _throttled((problem.retry_after - datetime.now(UTC)).total_seconds())
        await self.begin(problem.status, headers)
        await self.add(content, more=False)


async def _renewed(renew: Callable[[Any], Any], refused: Any) -> Any:
    try:
        return await renew(refused)
    except ProviderError:  # what the provider has answered says it better
        return None


async def _count(destination: Destination, *, keeps_pauses: bool) -> None:
    """Count the request against the provider's limits; they keep it back only where that is wanted."""
    try:
        await destination.passage.take(patience=0.0)
    except HeldBack as held:
        if keeps_pauses:
            seconds = held.retry_after or 1.0
            raise ProxyThrottled(
                "The provider has said that it takes no more requests for now, and was not asked.",
                remedy="Send the request again after the moment in X-Amp-Retry-After.",
                retryable=True,
                retry_after=datetime.now(UTC) + timedelta(seconds=seconds),
            ) from None


def _request(destination: Destination, method: str, target: Target, scope: Scope, body: Body) -> Request:
    passage = destination.passage
    if passage.signs_bodies and not body.is_kept:
        raise ProxyBodyTooLarge(
            f"This provider wants requests signed together with their bodies, and this one has more than "
            f"{KEPT_BYTES:,} bytes.",
            remedy="Send less at once.",
        )
    headers = to_provider(scope["headers"], passage.reserved_headers)
    return Request(method, target.below(passage.base_url), headers, body.content)


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    if _METHOD.fullmatch(method) is None or method in ("CONNECT", "TRACE"):
        raise MethodNotAllowed("This method is not passed through.", remedy="Use another one.")
    return method


def _bearer(authorization: str | None) -> str | None:
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _throttled(seconds: float) -> list[Header]:
    moment = datetime.now(UTC) + timedelta(seconds=max(0.0, seconds))
    text = format_datetime(moment, usegmt=True).replace("GMT", "UTC")
    return [(b"x-amp-retry-after", text.encode()), (b"x-amp-retryable", b"true")]


def _unanswered(error: EgressError) -> Problem:
    UNANSWERED.add(error.reason)
    remedy = (
        "It is not known whether the provider has done what was asked; look before you send it again."
        if error.sent
        else "Nothing has reached the provider; send it again."
    )
    kind = ProviderTooSlow if error.reason == "timeout" else ProviderUnreachable
    return kind(error.message, remedy=remedy, retryable=not error.sent)
