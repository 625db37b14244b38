"""Bulk API 2.0, queries: a job that finds, and results as CSV in as many parts as one likes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from functools import partial

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.salesforce.bodies import json_answer, read_object, text_in
from conjunct.simulators.salesforce.bulk_jobs import CSV, Jobs, invalid_job
from conjunct.simulators.salesforce.database import Database
from conjunct.simulators.salesforce.errors import SalesforceError
from conjunct.simulators.salesforce.soql import Finding, Queries

_LARGEST_PART = 50_000


class BulkQueryApi:
    """Answers `/jobs/query…`."""

    def __init__(self, database: Database, queries: Queries) -> None:
        self._database = database
        self._queries = queries
        self._jobs = Jobs(database, "V2Query", 0)
        self._findings: dict[str, Finding] = {}

    def routes(self, root: str) -> Sequence[Route]:
        """The routes below `root`."""
        one = f"{root}/jobs/query/{{id}}"
        return (
            Route("GET", f"{root}/jobs/query", self._jobs.all),
            Route("POST", f"{root}/jobs/query", self.create),
            Route("GET", one, self._jobs.get),
            Route("PATCH", one, self.change),
            Route("DELETE", one, partial(self.delete)),
            Route("GET", f"{one}/results", self.results, page=True),
        )

    def create(self, call: Call) -> Answer:
        """Start a query."""
        body = read_object(call.body)
        operation = body.get("operation")
        if operation not in ("query", "queryAll"):
            raise invalid_job(f"Unknown operation: {operation}")
        finding = self._queries.find(text_in(body, "query"), deleted=operation == "queryAll")
        if finding.query.counts or finding.ready is not None or finding.shape.children:
            message = "Aggregate and nested queries are not supported in Bulk V2 Query"
            raise SalesforceError(400, "API_ERROR", message)
        job = self._jobs.add(call, body, finding.records.kind.name)
        columns = self._queries.columns(finding)
        if any(way.field.type in ("address", "location") for _name, way in columns):
            job.fault = "FeatureNotEnabled : Selecting compound data not supported in Bulk Query"
        job.processed = 0 if job.fault else finding.total
        self._findings[job.id] = finding
        return json_answer(job.short())

    def change(self, call: Call) -> Answer:
        """Abort a job: nothing else can be done to it."""
        if read_object(call.body).get("state") != "Aborted":
            raise invalid_job("A query job can only be aborted")
        return self._jobs.abort(self._jobs.find(call))

    def delete(self, call: Call) -> Answer:
        """Forget a job and its results."""
        job = self._jobs.find(call)
        answer = self._jobs.delete(call)
        del self._findings[job.id]
        return answer

    def results(self, call: Call) -> Answer:
        """A part of the results, with the locator of the next one, `null` with the last."""
        job = self._jobs.finished(call)
        finding = self._findings[job.id]
        start, size = _start(call.query.get("locator")), _size(call.query.get("maxRecords"))
        if start and start >= finding.total:
            raise SalesforceError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        rows = [] if job.state != "JobComplete" else list(self._queries.rows(finding, start, size))
        header = [name for name, _way in self._queries.columns(finding)]
        end = start + len(rows)
        headers = {
            "Sforce-NumberOfRecords": str(len(rows)),
            "Sforce-Locator": _locator(end) if end < finding.total and rows else "null",
        }
        return Answer(200, job.write([header, *rows]), headers, CSV, records=len(rows))


def _locator(place: int) -> str:
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def _start(locator: str | None) -> int:
    if not locator or locator == "null":
        return 0
    try:
        text = base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    if not text.isdecimal() or len(text) > 12:
        raise SalesforceError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return int(text)


def _size(text: str | None) -> int:
    if text is None:
        return _LARGEST_PART
    if not text.isdecimal() or len(text) > 9 or int(text) == 0:
        raise invalid_job("maxRecords must be a positive number")
    return int(text)
