"""What is counted of requests that are passed through."""

from __future__ import annotations

from conjunct.core.metrics import Counter

REQUESTS = Counter(
    "proxy_requests_total", "Requests passed through, by the class of the provider's answer.", ("provider", "status")
)
BYTES = Counter("proxy_answer_bytes_total", "Bytes of answers that were passed back.", ("provider",))
UNANSWERED = Counter(
    "proxy_requests_unanswered_total", "Requests passed through that got no whole answer, and why.", ("reason",)
)
