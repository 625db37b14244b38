"""The queue's tables: jobs, the schedules that make jobs, and the workers that run them.

A job is narrow: what it works on is the domain row that `ref_id` names. Every state has its own partial index, so
that delayed, waiting and dead jobs cost a claim nothing. A finished job is deleted as it is acknowledged: its
history is the domain's (an operation, a delivery), and the table stays as small as the work that is left.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, PrimaryKeyConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp

CHURN = {
    "fillfactor": 85,
    "autovacuum_vacuum_scale_factor": 0.02,
    "autovacuum_vacuum_threshold": 1000,
    "autovacuum_analyze_scale_factor": 0.05,
}
"""Storage of a table whose rows live for seconds: room for new versions beside the old, and early vacuums."""


class JobRow(Base):
    """One piece of work. The `state` is one of

    - `ready`: may be claimed now;
    - `yielded`: may be claimed too, after the ready ones: it has made room for them;
    - `running`: held by `worker` until `lease_until`;
    - `delayed`: becomes ready at `run_at`;
    - `waiting`: behind another job of its lane, which is in one of the states above;
    - `dead`: given up, kept with its `error` for inspection.
    """

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("state in ('ready', 'yielded', 'running', 'delayed', 'waiting', 'dead')", name="state"),
        Index("job_ready_idx", "tenant", "id", postgresql_where=text("state = 'ready'")),
        Index("job_yielded_idx", "tenant", "id", postgresql_where=text("state = 'yielded'")),
        Index("job_running_idx", "tenant", postgresql_where=text("state = 'running'")),
        Index("job_delayed_idx", "run_at", postgresql_where=text("state = 'delayed'")),
        Index("job_waiting_idx", "lane", "id", postgresql_where=text("state = 'waiting'")),
        Index("job_dead_idx", "ended_at", postgresql_where=text("state = 'dead'")),
        Index("job_ref_idx", "tenant", "ref_id", postgresql_where=text("state in ('delayed', 'waiting')")),
        Index(
            "job_lane_key",
            "lane",
            unique=True,
            postgresql_where=text("lane is not null and state in ('ready', 'yielded', 'running', 'delayed')"),
        ),
        {"postgresql_with": CHURN},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    tenant: Mapped[Id]
    lane: Mapped[Id | None]
    kind: Mapped[Id]
    ref_id: Mapped[Id]
    state: Mapped[Id]
    run_at: Mapped[Timestamp] = mapped_column(server_default=func.now())
    lease_until: Mapped[Timestamp | None]
    worker: Mapped[Id | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    max_attempts: Mapped[int]
    ended_at: Mapped[Timestamp | None]
    error: Mapped[Id | None]


class ScheduleRow(Base):
    """A recurring job. `next_at` is null when the schedule has no next moment; it then never fires."""

    __tablename__ = "schedule"
    __table_args__ = (
        PrimaryKeyConstraint("tenant", "key"),
        Index("schedule_next_at_idx", "next_at"),
        {"postgresql_with": CHURN},
    )

    tenant: Mapped[Id]
    key: Mapped[Id]
    lane: Mapped[Id]
    kind: Mapped[Id]
    ref_id: Mapped[Id]
    cron: Mapped[Id]
    timezone: Mapped[Id]
    next_at: Mapped[Timestamp | None]


class WorkerRow(Base):
    """A worker process; `beat_at` is when it was last known to live."""

    __tablename__ = "worker"
    __table_args__ = ({"postgresql_with": {"fillfactor": 50}},)

    id: Mapped[Id] = mapped_column(primary_key=True)
    host: Mapped[Id]
    pid: Mapped[int]
    started_at: Mapped[Timestamp] = mapped_column(server_default=func.now())
    beat_at: Mapped[Timestamp] = mapped_column(server_default=func.now())
