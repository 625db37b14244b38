"""What processes count that is no slice's own."""

from __future__ import annotations

from conjunct.core.metrics import FAST, Counter, Gauge, Histogram

UNKNOWN = "unknown"
"""The label of requests whose method or route there is not."""

REQUESTS = Counter("http_requests_total", "Requests answered by the API.", ("method", "route", "status"))
REQUEST_SECONDS = Histogram(
    "http_request_seconds", "How long the API took to answer requests.", ("method", "route"), bounds=FAST
)
BUILD = Gauge("build_info", "1, with the version and the kind of process (api or worker).", ("version", "process"))
LOOP_LAG = Histogram(
    "event_loop_lag_seconds", "How much later than asked for the event loop of this process came back.", bounds=FAST
)
CONNECTIONS = Gauge(
    "database_connections", "This process's connections to the database: in_use, and the limit.", ("state",)
)
PLATFORM_KNOWN = Gauge(
    "platform_known", "1 where what the whole platform has to do could be asked of the database, else 0. API only."
)
