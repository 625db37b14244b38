"""The words of the queue: a job to be done, a job being done, and how it ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

DEFAULT_MAX_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to enqueue.

    `tenant` is the project's id and `ref_id` names the domain row that says what to do. Of the jobs with one `lane`
    at most one is not waiting; the others wait behind it, oldest first. A lane is the whole
    deployment's, so its text begins with the tenant. `run_at` delays the job. `unique` skips it when its lane has
    any unfinished job.
    """

    tenant: str
    kind: str
    ref_id: str
    lane: str | None = None
    run_at: datetime | None = None
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    unique: bool = False

    def __post_init__(self) -> None:
        if self.unique and self.lane is None:
            raise ValueError("a unique job needs a lane, within which it is the only one")
        if self.max_attempts < 1:
            raise ValueError("a job needs at least one attempt")
        if self.run_at is not None and self.run_at.tzinfo is None:
            raise ValueError("run_at needs a time zone")


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a job, as its handler sees it. `attempts` counts this one; `worker` is who runs it."""

    id: int
    tenant: str
    lane: str | None
    kind: str
    ref_id: str
    attempts: int
    max_attempts: int
    worker: str


@dataclass(frozen=True, slots=True)
class Done:
    """The job is finished."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The job shall run again `after` that time; it keeps its lane meanwhile.

    A counted retry of the last attempt ends the job as dead. Waiting for someone else, such as a provider's rate
    limit, is no failure: `counted=False` leaves the number of attempts that remain as it was.
    """

    after: timedelta
    error: str
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Dead:
    """The job can never succeed; it is kept with its error for inspection."""

    error: str


@dataclass(frozen=True, slots=True)
class Yield:
    """The job has had its turn and makes room: it goes on after jobs that have not, and those that yielded before it.

    It is no failure, and counts as no attempt. So that it never starves, one job in ten is one that yielded, however
    many others wait.
    """


Outcome = Done | Retry | Dead | Yield

Handler = Callable[[Job], Awaitable[Outcome]]
"""Does one attempt at a job. It may run more than once for one job, so it is idempotent. Raising means `Retry`."""


class LeaseLost(Exception):
    """This attempt is no longer the job's running one: another worker has taken it over. Give up, write nothing."""
