"""What is counted of requests to providers."""

from __future__ import annotations

from conjunct.core.metrics import FAST, Counter, Histogram

REQUESTS = Counter(
    "provider_requests_total",
    "Requests to providers, by the class of the answer's status (none without an answer) and the kind of error (none).",
    ("provider", "status", "error"),
)
SECONDS = Histogram("provider_request_seconds", "How long providers took to answer.", ("provider",), bounds=FAST)
WAITED = Counter("provider_wait_seconds_total", "Time that requests waited for a provider's limits.", ("provider",))
HELD_BACK = Counter(
    "provider_requests_held_back_total",
    "Requests not sent because a provider's limits allowed none soon.",
    ("provider",),
)
PAUSES = Counter("provider_pauses_total", "Times that a provider had us wait before the next request.", ("provider",))

NONE = "none"


def status_class(status: int | None) -> str:
    """The label for an answer's status."""
    return NONE if status is None else f"{status // 100}xx"
