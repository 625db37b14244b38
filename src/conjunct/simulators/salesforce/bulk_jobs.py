"""What the two sorts of bulk job have in common: their states, and how they are told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from conjunct.simulators.contract import Answer, Call
from conjunct.simulators.salesforce import bulk_csv, ids, moments
from conjunct.simulators.salesforce.bodies import json_answer
from conjunct.simulators.salesforce.database import Database
from conjunct.simulators.salesforce.errors import SalesforceError

CSV = "text/csv;charset=UTF-8"
_PREFIX = "750"
_NEXT = {"UploadComplete": "InProgress", "InProgress": "JobComplete"}


@dataclass(slots=True)
class Job:
    """A job. It goes one state further each time that somebody looks, so that clients learn to wait."""

    id: str
    operation: str
    object_name: str
    kind: str
    version: str
    created: str
    user: str
    delimiter: str = "COMMA"
    ending: str = "LF"
    state: str = "UploadComplete"
    stamp: str = ""
    fault: str | None = None
    processed: int = 0
    failed: int = 0

    def look(self, now: int) -> None:
        """One state further; a job with a fault ends as failed."""
        following = _NEXT.get(self.state)
        if following is not None:
            self.move("Failed" if following == "JobComplete" and self.fault else following, now)

    def move(self, state: str, now: int) -> None:
        """Go to a state."""
        self.state, self.stamp = state, moments.write(now)

    def short(self) -> dict[str, Any]:
        """The job as it is told when it is made."""
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.object_name,
            "createdById": self.user,
            "createdDate": self.created,
            "systemModstamp": self.stamp,
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version.removeprefix("v")),
            "lineEnding": self.ending,
            "columnDelimiter": self.delimiter,
        }

    def to_wire(self) -> dict[str, Any]:
        """The job with how far it is."""
        done = self.state in ("JobComplete", "Failed")
        wire = self.short() | {
            "jobType": self.kind,
            "retries": 0,
            "totalProcessingTime": 100 if done else 0,
            "numberRecordsProcessed": self.processed if done else 0,
        }
        if self.fault is not None and done:
            wire["errorMessage"] = self.fault
        return wire

    def write(self, rows: Iterable[list[Any]]) -> bytes:
        """Rows as CSV in the job's own dialect."""
        return bulk_csv.write(rows, bulk_csv.DELIMITERS[self.delimiter], bulk_csv.ENDINGS[self.ending])


class Jobs:
    """The jobs of one sort, by id."""

    def __init__(self, database: Database, kind: str, first: int) -> None:
        self._database = database
        self._kind = kind
        self._given = first
        self._jobs: dict[str, Job] = {}

    def add(self, call: Call, body: dict[str, Any], object_name: str) -> Job:
        """A new job as a body describes it. Raises `SalesforceError`."""
        delimiter, ending = body.get("columnDelimiter", "COMMA"), body.get("lineEnding", "LF")
        if delimiter not in bulk_csv.DELIMITERS or ending not in bulk_csv.ENDINGS:
            raise invalid_job(f"Unknown columnDelimiter or lineEnding: {delimiter}, {ending}")
        if body.get("contentType", "CSV") != "CSV":
            raise invalid_job("Bulk API 2.0 supports CSV only")
        self._given += 1
        now = moments.write(self._database.now())
        job = Job(
            ids.make(_PREFIX, self._given), body["operation"], object_name, self._kind, call.params["version"], now,
            self._database.user, delimiter, ending, stamp=now,
        )  # fmt: skip
        self._jobs[job.id] = job
        return job

    def find(self, call: Call) -> Job:
        """The job that the path names. Raises `SalesforceError`."""
        job = self._jobs.get(ids.normalise(call.params["id"]) or "")
        if job is None:
            raise SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")
        return job

    def finished(self, call: Call) -> Job:
        """The job that the path names, whose results are there. Raises `SalesforceError`."""
        job = self.find(call)
        if job.state not in ("JobComplete", "Failed", "Aborted"):
            raise SalesforceError(400, "INVALIDJOBSTATE", f"The job is in state {job.state}: there are no results yet")
        return job

    def get(self, call: Call) -> Answer:
        """A job, one state further."""
        job = self.find(call)
        job.look(self._database.now())
        return json_answer(job.to_wire())

    def all(self, _call: Call) -> Answer:
        """Every job."""
        jobs = [job.to_wire() for job in self._jobs.values()]
        return json_answer({"done": True, "records": jobs, "nextRecordsUrl": None})

    def abort(self, job: Job) -> Answer:
        """End a job that is not at its end. Raises `SalesforceError`."""
        if job.state in ("JobComplete", "Failed", "Aborted"):
            raise SalesforceError(400, "INVALIDJOBSTATE", f"Aborting a job in state {job.state} is not allowed")
        job.move("Aborted", self._database.now())
        return json_answer(job.to_wire())

    def delete(self, call: Call) -> Answer:
        """Forget a job that is at its end. Raises `SalesforceError`."""
        job = self.find(call)
        if job.state in ("UploadComplete", "InProgress"):
            raise SalesforceError(400, "INVALIDJOBSTATE", f"Deleting a job in state {job.state} is not allowed")
        del self._jobs[job.id]
        return Answer(204)


def invalid_job(message: str) -> SalesforceError:
    """The job cannot be."""
    return SalesforceError(400, "INVALIDJOB", message)
