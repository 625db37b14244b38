"""What reads count."""

from __future__ import annotations

from conjunct.core.metrics import SLOW, Counter, Histogram

RUNS = Counter("read_runs_total", "Read runs that ended, by type: success or failure.", ("type", "outcome"))
RUN_SECONDS = Histogram("read_run_seconds", "From the beginning of read runs to their ends.", ("type",), bounds=SLOW)
PAGES = Counter("read_pages_total", "Pages that were read and handed over.", ("provider", "type"))
RECORDS = Counter("read_records_total", "Records that were read and handed over.", ("provider", "type"))
RECORDS_LEFT_OUT = Counter(
    "read_records_left_out_total", "Records that could not be read and were left out.", ("provider", "type")
)
INTERRUPTIONS = Counter(
    "read_interruptions_total",
    "Times that a read run stopped, to go on later: the kind of the provider's error, held_back (its limits allow no "
    "more) or blocked (too much waits for the destination, or it takes nothing).",
    ("type", "reason"),
)
