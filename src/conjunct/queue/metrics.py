"""What workers count."""

from __future__ import annotations

from conjunct.core.metrics import SLOW, Counter, Gauge, Histogram
from conjunct.queue.jobs import Dead, Done, Outcome, Retry

ATTEMPTS = Counter(
    "job_attempts_total",
    "Attempts at jobs that this worker ended: done, retried (it failed), waits (for someone else), yielded (it made "
    "room for others), dead (it was given up) or lost (another worker has taken it over).",
    ("kind", "outcome"),
)
SECONDS = Histogram("job_seconds", "How long attempts at jobs took.", ("kind",), bounds=SLOW)
WAIT = Histogram(
    "job_wait_seconds",
    "How long jobs had been ready when this worker began them; not those that go on after they made room.",
    ("kind",),
    bounds=SLOW,
)
TAKEN_OVER = Counter("jobs_taken_over_total", "Jobs taken from workers that fell silent.", ("kind",))
SLOTS = Gauge("worker_slots", "Jobs that this worker runs at once, at most.")
RUNNING = Gauge("worker_jobs", "Jobs that this worker holds now.")
LATE = Histogram("schedule_late_seconds", "How late schedules were fired.", bounds=SLOW)
LOOP_FAILURES = Counter(
    "worker_database_failures_total", "Steps of the worker's loops for which the database did not answer.", ("loop",)
)
JOBS = Gauge("queue_jobs", "Jobs of all workers, by state.", ("state",))
OLDEST_READY = Gauge("queue_oldest_ready_seconds", "For how long the ready job that waits longest has been so.")


def outcome_of(outcome: Outcome | None) -> str:
    """The label for how an attempt ended; None is one that is another worker's by now."""
    match outcome:
        case None:
            return "lost"
        case Done():
            return "done"
        case Dead():
            return "dead"
        case Retry(counted=counted):
            return "retried" if counted else "waits"
        case _:
            return "yielded"
