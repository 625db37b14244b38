"""The attempts that a worker holds: their tasks, and how they ended until that is stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial

import structlog

from conjunct.core import tracing
from conjunct.core.database import is_away
from conjunct.queue import metrics
from conjunct.queue.backoff import backoff
from conjunct.queue.jobs import Dead, Done, Handler, Job, LeaseLost, Outcome, Retry, Yield
from conjunct.queue.settlement import decide

log = structlog.get_logger(__name__)

Attempt = tuple[int, int]
"""A job's id and its attempts: one worker may meet the same job twice."""


class Attempts:
    """Runs handlers, one task a job. `ended` holds outcomes to store, oldest first; `news` is set when one comes."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers
        self._held: dict[Attempt, Job] = {}
        self._tasks: dict[Attempt, asyncio.Task[Outcome | None]] = {}
        self.ended: list[tuple[Job, Outcome]] = []
        self.news = asyncio.Event()

    def __len__(self) -> int:
        """How many slots are taken: by running handlers, and by outcomes that are not stored yet."""
        return len(self._held)

    @property
    def held(self) -> list[Job]:
        """All jobs whose lease must be kept."""
        return list(self._held.values())

    @property
    def running(self) -> list[asyncio.Task[Outcome | None]]:
        """The tasks of handlers that have not returned."""
        return list(self._tasks.values())

    def start(self, job: Job) -> None:
        """Run the job's handler."""
        attempt = job.id, job.attempts
        task = asyncio.create_task(_outcome(self._handlers.get(job.kind), job), name=job.kind)
        task.add_done_callback(partial(self._note, job, time.perf_counter()))
        self._held[attempt] = job
        self._tasks[attempt] = task

    def drop(self, attempt: Attempt) -> None:
        """Stop an attempt that others have taken over; its outcome does not count."""
        task = self._tasks.get(attempt)
        if task is not None:
            task.cancel()

    def stored(self, count: int) -> None:
        """The oldest `count` outcomes are stored: forget them and free their slots."""
        for job, _ in self.ended[:count]:
            self._held.pop((job.id, job.attempts), None)
        del self.ended[:count]

    def _note(self, job: Job, begun: float, task: asyncio.Task[Outcome | None]) -> None:
        attempt = job.id, job.attempts
        del self._tasks[attempt]
        returned = None if task.cancelled() else task.result()
        outcome = None if returned is None else decide(job, returned)
        metrics.ATTEMPTS.add(job.kind, metrics.outcome_of(outcome))
        metrics.SECONDS.observe(time.perf_counter() - begun, job.kind)
        if outcome is None:
            del self._held[attempt]
        else:
            self.ended.append((job, outcome))
        self.news.set()


async def _outcome(handler: Handler | None, job: Job) -> Outcome | None:
    """What the handler decided; a retry when it raised; None when the job is another's by now."""
    with tracing.span(f"job {job.kind}", "consumer", root=True) as span:
        outcome = await _handled(handler, job)
        span.note(
            {
                "conjunct.job.kind": job.kind,
                "conjunct.job.ref_id": job.ref_id,
                "conjunct.job.attempt": job.attempts,
                "conjunct.job.outcome": metrics.outcome_of(outcome),
                "conjunct.project_id": job.tenant,
            }
        )
        return outcome


async def _handled(handler: Handler | None, job: Job) -> Outcome | None:
    if handler is None:
        log.error("job.unknown_kind", **_facts(job))
        return Retry(backoff(job.attempts), f"no handler for jobs of kind {job.kind!r} in this worker")
    try:
        outcome = await handler(job)
    except LeaseLost:
        log.warning("job.lease_lost", **_facts(job))
        return None
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        log.warning("job.failed", error="the handler cancelled itself", **_facts(job))
        return Retry(backoff(job.attempts), "the handler cancelled itself")
    except Exception as error:
        if is_away(error) and not isinstance(error, TimeoutError):  # a time limit may be the handler's own
            log.warning("job.interrupted", error="the database did not answer", **_facts(job))
            return Retry(backoff(1), "the database did not answer", counted=False)
        log.exception("job.failed", **_facts(job))
        return Retry(backoff(job.attempts), f"{type(error).__name__}: {error}")
    if not isinstance(outcome, Done | Retry | Dead | Yield):
        log.error("job.no_outcome", returned=repr(outcome), **_facts(job))
        return Dead(f"the handler of {job.kind!r} returned {outcome!r} instead of an outcome")
    return outcome


def _facts(job: Job) -> dict[str, object]:
    return {
        "job_id": job.id,
        "tenant": job.tenant,
        "kind": job.kind,
        "ref_id": job.ref_id,
        "attempt": job.attempts,
        "max_attempts": job.max_attempts,
    }
