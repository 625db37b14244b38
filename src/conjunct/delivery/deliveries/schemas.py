"""Deliveries on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from conjunct.delivery.deliveries.listing import Status


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Delivery(_Wire):
    """A message that was handed over for a destination, and what became of it."""

    message_id: str = Field(description="As in the header `svix-id`.")
    operation_id: str | None = Field(None, description="The operation that made it; notifications have none.")
    status: Status = Field(
        description="`pending`: it is tried at `nextAttemptTime`. `delivered`: accepted. `exhausted`: given up after "
        "its last attempt, and kept until `expireTime`. `setAside`: its destination was disabled; kept as long. "
        "`held`: it waits to be asked for. `expired`: given up or set aside, and not kept any more."
    )
    attempt_count: int = Field(description="How often it was tried, in all.")
    records: int
    bytes: int | None = Field(None, description="The length of its body; not told before its first attempt.")
    create_time: datetime = Field(description="When it was handed over.")
    first_attempt_time: datetime | None = None
    last_attempt_time: datetime | None = None
    next_attempt_time: datetime | None = None
    expire_time: datetime | None = Field(None, description="Until when it is kept, and can be recovered.")
    delivered_time: datetime | None = None
    latency_ms: int | None = Field(None, description="From its handing over until it was accepted.")
    last_status_code: int | None = None
    last_error: str | None = Field(None, description="Why the last attempt failed.")
    last_latency_ms: int | None = Field(None, description="How long the last attempt took.")


class DeliveryAttempt(_Wire):
    """One try at a message."""

    number: int
    time: datetime
    delivered: bool
    status_code: int | None = None
    error: str | None = None
    latency_ms: int


class DeliveryWithAttempts(Delivery):
    """A delivery with its attempts, oldest first: the last 100 of them."""

    attempts: list[DeliveryAttempt]


class Waiting(_Wire):
    """Messages that wait, their bytes as they are stored, and when the oldest was handed over."""

    messages: int
    bytes: int
    oldest_time: datetime | None = None


class Latency(_Wire):
    """Milliseconds that successful attempts took."""

    p50: int
    p95: int
    p99: int


class LastHour(_Wire):
    """Attempts of the last hour, at most the newest 10,000."""

    attempts: int
    delivered: int
    success_share: float | None = Field(None, description="0 to 1.")
    latency_ms: Latency | None = None


class Recovery(_Wire):
    """Messages that are being tried again in the background, or were. It ends where its destination is disabled."""

    id: str
    since: datetime | None = None
    until: datetime | None = None
    messages: int = Field(description="How many there were when it was asked for.")
    recovered: int = Field(0, description="How many have begun their schedule anew.")
    create_time: datetime
    end_time: datetime | None = None


class DestinationHealth(_Wire):
    """How a destination does."""

    state: Literal["enabled", "disabled"]
    disabled_reason: str | None = None
    disabled_time: datetime | None = None
    failing_since: datetime | None = Field(
        None, description="When a message was first given up since the last success."
    )
    consecutive_failures: int
    breaker_open_until: datetime | None = Field(None, description="Until then nothing is sent: too much has failed.")
    pending: Waiting
    set_aside: Waiting
    exhausted: Waiting
    held: Waiting
    last_success_time: datetime | None = None
    last_failure_time: datetime | None = None
    last_hour: LastHour
    recovery: Recovery | None = Field(None, description="The newest one.")


class DisableDestination(_Wire):
    """Why the destination is disabled."""

    model_config = ConfigDict(extra="forbid")

    note: str | None = Field(None, max_length=500, description="Shown with the destination's health.")


class RecoverDeliveries(_Wire):
    """Which messages to try again, by when they were handed over; all without it."""

    model_config = ConfigDict(extra="forbid")

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class RecoveryStarted(_Wire):
    """A recovery that has begun; the destination's health tells how far it has come."""

    id: str
    messages: int = Field(description="How many are tried again.")
