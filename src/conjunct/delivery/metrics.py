"""What delivery counts."""

from __future__ import annotations

from conjunct.core.metrics import FAST, SLOW, Counter, Gauge, Histogram
from conjunct.delivery.destinations.contract import Answer

ATTEMPTS = Counter(
    "delivery_attempts_total",
    "Attempts at delivering messages, by the destination's type: delivered, the class of the refusal (3xx, 4xx, 5xx), "
    "or no_answer.",
    ("type", "outcome"),
)
ATTEMPT_SECONDS = Histogram("delivery_attempt_seconds", "How long attempts took.", ("type",), bounds=FAST)
LATENCY = Histogram(
    "delivery_latency_seconds",
    "From the moment that a message was handed over until its destination had accepted it.",
    bounds=(0.01, 0.05, *SLOW),
)
HELD_OFF = Counter(
    "deliveries_held_off_total", "Times that a limit of messages a second let a message wait for its turn.", ("type",)
)
GIVEN_UP = Counter("messages_given_up_total", "Messages given up after their last attempt.")
BREAKERS_OPENED = Counter("destination_breakers_opened_total", "Times that a destination's circuit breaker opened.")
DISABLED = Counter("destinations_disabled_total", "Destinations switched off because they were hopeless.", ("reason",))
MESSAGES = Gauge(
    "messages",
    "Messages that wait: pending (to be tried, or for a disabled destination) or held (until they are asked for).",
    ("state",),
)
MESSAGE_BYTES = Gauge("message_bytes", "Bytes of the messages that wait, as they are stored.", ("state",))
DESTINATIONS = Gauge(
    "destinations_in_trouble", "Destinations that are disabled or whose breaker is open.", ("trouble",)
)


def outcome_of(answer: Answer) -> str:
    """The label for how an attempt ended."""
    if answer.delivered:
        return "delivered"
    return "no_answer" if answer.status is None else f"{answer.status // 100}xx"
