"""A read run as a value: what to read, how far it has come."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Self

from conjunct.actions.read.figures import Figures
from conjunct.actions.read.guarding import Guard
from conjunct.actions.read.models import ReadRunRow

ReadType = Literal["backfill", "scheduled", "triggered"]

JOB_MAX_ATTEMPTS = 1000
"""A run decides for itself when to give up; the queue's own limit only stops a job that kills every worker."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of a run is: the connector's token of it (None: the first), of live or of deleted records.

    A run that brings deleted records reads the live ones of its window first.
    """

    token: str | None = None
    deleted: bool = False

    def following(self, token: str | None, *, then_deleted: bool) -> Place | None:
        """Where the next page is, when that has this token; None at the run's end."""
        if token is not None:
            return Place(token, self.deleted)
        return Place(deleted=True) if then_deleted and not self.deleted else None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come: the next page to hand over, and the numbers of what was handed over.

    `new_watermark` is what the object's watermark becomes at the run's end; None leaves it alone.
    """

    place: Place
    page: int
    records: int
    failed: int
    estimated: int | None
    new_watermark: datetime | None = None
    guard: Guard = field(default_factory=Guard)
    figures: Figures = field(default_factory=Figures)

    def after_page(self, following: Place | None, *, records: int, failed: int) -> Self:
        """The progress when one more page has been handed over, and where the next one is (None: at the end)."""
        return replace(
            self,
            place=following or replace(self.place, token=None),
            page=self.page + 1,
            records=self.records + records,
            failed=self.failed + failed,
        )


@dataclass(frozen=True, slots=True)
class Run:
    """A read run. `since` and `until` are frozen when it begins; both are inclusive, None is without bound.

    `moved_at` is when it handed its last page over, or its first attempt began. `tries`, `waits` and `lost` are counted
    since then.
    """

    project_id: str
    operation_id: str
    installation_id: str
    object_name: str
    config_id: str
    read_type: str
    since: datetime | None
    until: datetime | None
    started: datetime
    active: bool
    tries: int
    waits: int
    lost: int
    restarts: int
    moved_at: datetime
    progress: Progress

    @classmethod
    def from_row(cls, row: ReadRunRow) -> Self:
        """The run that a row holds."""
        return cls(
            project_id=row.project_id,
            operation_id=row.operation_id,
            installation_id=row.installation_id,
            object_name=row.object_name,
            config_id=row.config_id,
            read_type=row.read_type,
            since=row.since,
            until=row.until,
            started=row.create_time,
            active=row.active,
            tries=row.tries,
            waits=row.waits,
            lost=row.lost,
            restarts=row.restarts,
            moved_at=row.moved_at or row.create_time,
            progress=Progress(
                Place(row.next_page, row.at_deleted),
                row.page,
                row.records,
                row.failed_records,
                row.estimated,
                row.new_watermark,
                Guard.of(row.guard),
                Figures.of(row.figures),
            ),
        )


def hold_of(installation_id: str, object_name: str) -> str:
    """The hold in which an installation's pages of one object wait to be asked for."""
    return f"read/{installation_id}/{object_name}"


def lane_of(project_id: str, installation_id: str, object_name: str) -> str:
    """The lane in which an installation's reads of one object follow one another."""
    return f"{project_id}/read/{installation_id}/{object_name}"
