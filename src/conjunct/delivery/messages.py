"""The words of delivery: a message, an attempt at delivering it, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from conjunct.delivery.destinations.contract import Answer
from conjunct.delivery.terms import PLAIN, Terms


@dataclass(frozen=True, slots=True)
class Payload:
    """A body kept apart from its message, which goes by a download link.

    A link is valid for minutes and a message may be sent hours later, so the link is made when the message is sent:
    `placeholder` stands in the message's body where the link belongs.
    """

    id: str
    signing_key: bytes = field(repr=False)

    @property
    def placeholder(self) -> str:
        """The text in whose place the link is put."""
        return f"conjunct:payload:{self.id}"


@dataclass(frozen=True, slots=True)
class Message:
    """What a destination shall get: a JSON body of at most 300 KB, holding so many records.

    `id` is derived from what the message is about, never random, so that a repeat after a crash has the same one. A
    destination that asks for order gets the messages of one `ordering_key` one after another.
    """

    id: str
    project_id: str
    destination_id: str
    operation_id: str | None
    body: bytes = field(repr=False)
    records: int
    payloads: tuple[Payload, ...] = ()
    ordering_key: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a message; `number` counts from 1."""

    number: int
    at: datetime
    answer: Answer


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a message just now. `attempt` is None when it was not sent, be it that the destination takes
    nothing at present, is sent nothing at all, or gets its messages one after another. `terms` are those it was handed
    over by.
    """

    message: Message
    attempt: Attempt | None
    terms: Terms = PLAIN

    @property
    def delivered(self) -> bool:
        """Whether the destination has accepted the message."""
        return self.attempt is not None and self.attempt.answer.delivered
