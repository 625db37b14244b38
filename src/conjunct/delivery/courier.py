"""Sending: bounded concurrency for each destination, and no more than a few tries at one that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from weakref import WeakValueDictionary

from conjunct.core import tracing
from conjunct.core.pacing import NoneLeft
from conjunct.delivery import metrics
from conjunct.delivery.channel import Channel
from conjunct.delivery.crowding import Crowding
from conjunct.delivery.destinations.contract import Answer, Outgoing
from conjunct.delivery.gate import Gate
from conjunct.delivery.health import THRESHOLD
from conjunct.delivery.messages import Attempt, Message, Result
from conjunct.delivery.payloads import PayloadService
from conjunct.delivery.rates import Rates
from conjunct.kit.clock import Clock

PATIENCE = 10.0
"""Seconds that the messages of a page wait for limits before they are kept for later."""


class Courier:
    """Tries messages over the network. Touches no table but to ask the gate and the rates."""

    def __init__(self, *, gate: Gate, rates: Rates, payloads: PayloadService, clock: Clock, concurrency: int) -> None:
        self._gate = gate
        self._rates = rates
        self._payloads = payloads
        self._clock = clock
        self._concurrency = concurrency
        self.crowding = Crowding()
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def take(self, channel: Channel, *, until: float) -> None:
        """Wait until a message may be sent by the limits in force; `NoneLeft` when none may by then (`deadline`)."""
        await self._rates.take(channel.project_id, channel.destination_id, channel.terms, until=until)

    def deadline(self, patience: float) -> float:
        """The moment so many seconds from now, for `take`."""
        return self._rates.deadline(patience)

    async def try_once(self, channel: Channel, message: Message, number: int, timeout_seconds: float) -> Attempt:
        """One try at one message, as its attempt of that number."""
        sender = channel.sender
        if sender is None:
            raise ValueError("nothing is sent to this destination")
        async with self._turn(channel.destination_id):
            at = self._clock.now()
            outgoing = Outgoing(message.id, self._payloads.body_of(message), at)
            with tracing.span("deliver", "client") as span, self.crowding.trying(channel.destination_id):
                answer = await sender.send(outgoing, timeout_seconds)
                _tell(span, channel, message, number, answer)
            return Attempt(number, at, answer)

    async def try_all(self, channel: Channel, messages: Sequence[Message], timeout_seconds: float) -> list[Result]:
        """A first try at each message, in no order; gives the results in the order of the messages.

        Messages stay untried while the destination takes nothing, and from the moment that it has failed 5 times in
        a row here, or that the limits let none go for 10 s; also where nothing is sent, and where messages go one
        after another, which is the queue's task.
        """
        results = [Result(message, None, channel.terms) for message in messages]
        if not messages or channel.sender is None or channel.terms.ordered:
            return results
        access = await self._gate.admit(channel.project_id, channel.destination_id)
        if access == "blocked":
            return results
        run = _Run(self, channel, results, timeout_seconds)
        if access == "probe":
            await run.work(iter(range(1)), counted=False)  # one of itself is no load
            if not results[0].delivered:
                return results
        left = iter(range(1 if access == "probe" else 0, len(results)))
        workers = min(self._concurrency, len(results))
        await asyncio.gather(*(run.work(left) for _ in range(workers)))
        return results

    def _turn(self, destination_id: str) -> asyncio.Semaphore:
        turn = self._turns.get(destination_id)
        if turn is None:
            turn = self._turns[destination_id] = asyncio.Semaphore(self._concurrency)
        return turn


def _tell(span: tracing.Span, channel: Channel, message: Message, number: int, answer: Answer) -> None:
    outcome = metrics.outcome_of(answer)
    metrics.ATTEMPTS.add(channel.destination_type, outcome)
    metrics.ATTEMPT_SECONDS.observe(answer.elapsed, channel.destination_type)
    if not span.is_open:
        return
    span.note(
        {
            "conjunct.project_id": channel.project_id,
            "conjunct.destination_id": channel.destination_id,
            "conjunct.destination.type": channel.destination_type,
            "conjunct.message_id": message.id,
            "conjunct.operation_id": message.operation_id,
            "conjunct.attempt": number,
            "http.response.status_code": answer.status,
        }
    )
    if not answer.delivered:
        span.fail(outcome)


class _Run:
    """First tries at one list of messages, which several tasks work off."""

    def __init__(self, courier: Courier, channel: Channel, results: list[Result], timeout_seconds: float) -> None:
        self._courier = courier
        self._channel = channel
        self._results = results
        self._timeout_seconds = timeout_seconds
        self._failures = 0
        self._until = courier.deadline(PATIENCE)

    async def work(self, left: Iterator[int], *, counted: bool = True) -> None:
        for place in left:
            if self._failures >= THRESHOLD:
                return
            try:
                if counted:
                    await self._courier.take(self._channel, until=self._until)
            except NoneLeft:
                return
            message = self._results[place].message
            attempt = await self._courier.try_once(self._channel, message, 1, self._timeout_seconds)
            self._results[place] = Result(message, attempt, self._channel.terms)
            self._failures = 0 if attempt.answer.delivered else self._failures + 1
