"""Bulk API 2.0, changes: a job takes CSV, carries it out row by row, and tells what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.salesforce import bulk_csv, errors
from conjunct.simulators.salesforce.bodies import json_answer, read_object, text_in
from conjunct.simulators.salesforce.bulk_jobs import CSV, Job, Jobs, invalid_job
from conjunct.simulators.salesforce.database import Database, read_id
from conjunct.simulators.salesforce.definitions import Record
from conjunct.simulators.salesforce.errors import SalesforceError
from conjunct.simulators.salesforce.store import Records
from conjunct.simulators.salesforce.writing import Writer

_OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
_MAX_BYTES = 150_000_000


@dataclass(slots=True)
class _Upload:
    """What a job was given, and what came of it."""

    external_id: str | None
    body: bytes | None = None
    header: list[str] = field(default_factory=list)
    successes: list[list[Any]] = field(default_factory=list)
    failures: list[list[Any]] = field(default_factory=list)
    unprocessed: list[list[str]] = field(default_factory=list)


class BulkIngestApi:
    """Answers `/jobs/ingest…`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = Writer(database, text=True)
        self._jobs = Jobs(database, "V2Ingest", 1_000_000)
        self._uploads: dict[str, _Upload] = {}

    def routes(self, root: str) -> Sequence[Route]:
        """The routes below `root`."""
        one = f"{root}/jobs/ingest/{{id}}"
        results: dict[str, Callable[[_Upload], list[list[Any]]]] = {
            "successfulResults": lambda upload: [["sf__Id", "sf__Created", *upload.header], *upload.successes],
            "failedResults": lambda upload: [["sf__Id", "sf__Error", *upload.header], *upload.failures],
            "unprocessedrecords": lambda upload: [upload.header, *upload.unprocessed],
            "unprocessedRecords": lambda upload: [upload.header, *upload.unprocessed],
        }
        return (
            Route("GET", f"{root}/jobs/ingest", self._jobs.all),
            Route("POST", f"{root}/jobs/ingest", self.create),
            Route("GET", one, self.get),
            Route("PATCH", one, self.change),
            Route("DELETE", one, self.delete),
            Route("PUT", f"{one}/batches", self.upload),
            *(Route("GET", f"{one}/{name}", partial(self.results, rows)) for name, rows in results.items()),
        )

    def create(self, call: Call) -> Answer:
        """Open a job for CSV to come."""
        body = read_object(call.body)
        operation = body.get("operation")
        if operation not in _OPERATIONS:
            raise invalid_job(f"Unknown operation: {operation}")
        records = self._database.find(text_in(body, "object"))
        if records is None:
            raise invalid_job(f"Unable to find object: {body['object']}")
        external_id = body.get("externalIdFieldName")
        if operation == "upsert":
            key = records.field(external_id) if isinstance(external_id, str) else None
            if key is None or not (key.external_id or key.type == "id"):
                raise invalid_job(f"The externalIdFieldName is not an external id of {records.kind.name}")
        job = self._jobs.add(call, body, records.kind.name)
        job.state = "Open"
        self._uploads[job.id] = _Upload(external_id if operation == "upsert" else None)
        return json_answer(self._told(job, job.short()))

    def get(self, call: Call) -> Answer:
        """A job, one state further."""
        job = self._jobs.find(call)
        job.look(self._database.now())
        return json_answer(self._told(job, job.to_wire() | {
            "numberRecordsFailed": job.failed if job.state in ("JobComplete", "Failed") else 0,
            "apiActiveProcessingTime": 0,
            "apexProcessingTime": 0,
        }))  # fmt: skip

    def upload(self, call: Call) -> Answer:
        """Take the CSV, once."""
        job = self._jobs.find(call)
        upload = self._uploads[job.id]
        if job.state != "Open" or upload.body is not None:
            raise SalesforceError(400, "INVALIDJOBSTATE", f"The job is in state {job.state} or has its data already")
        if len(call.body) > _MAX_BYTES:
            raise SalesforceError(400, "CLIENT_FAILURE", "The data is too large")
        upload.body = call.body
        return Answer(201)

    def change(self, call: Call) -> Answer:
        """Close a job, so that its rows are carried out, or abort it."""
        job = self._jobs.find(call)
        state = read_object(call.body).get("state")
        if state == "Aborted":
            return self._jobs.abort(job)
        if state != "UploadComplete":
            raise invalid_job(f"A job cannot be put into state {state}")
        if job.state != "Open":
            raise SalesforceError(400, "INVALIDJOBSTATE", f"Closing a job in state {job.state} is not allowed")
        self._carry_out(job, self._uploads[job.id])
        job.move("UploadComplete", self._database.now())
        return json_answer(self._told(job, job.short()))

    def delete(self, call: Call) -> Answer:
        """Forget a job and its results."""
        job = self._jobs.find(call)
        answer = self._jobs.delete(call)
        del self._uploads[job.id]
        return answer

    def results(self, rows: Callable[[_Upload], list[list[Any]]], call: Call) -> Answer:
        """What became of the rows, as CSV."""
        job = self._jobs.finished(call)
        found = rows(self._uploads[job.id])
        return Answer(200, job.write(found), content_type=CSV, records=len(found) - 1)

    def _told(self, job: Job, wire: dict[str, Any]) -> dict[str, Any]:
        upload = self._uploads[job.id]
        wire["contentUrl"] = f"services/data/{job.version}/jobs/ingest/{job.id}/batches"
        if upload.external_id:
            wire["externalIdFieldName"] = upload.external_id
        return wire

    def _carry_out(self, job: Job, upload: _Upload) -> None:
        """Do what the rows say. A row that cannot be done fails alone; a header that cannot be read, the whole job."""
        records = self._database.records(job.object_name)
        try:
            upload.header, rows = bulk_csv.read(upload.body or b"", bulk_csv.DELIMITERS[job.delimiter])
        except ValueError as fault:
            job.fault = f"InvalidBatch : Unable to read the CSV: {fault}"
            return
        upload.body = b""
        unknown = [name for name in upload.header if not _is_known(self._database, records, name)]
        if unknown:
            job.fault = f"InvalidBatch : Field name not found : {', '.join(unknown)}"
            upload.unprocessed = rows
            return
        for row in rows:
            cells = dict(zip(upload.header, row, strict=False))
            try:
                record_id, created = self._one(job, upload, records, cells)
            except SalesforceError as fault:
                text = f"{fault.code}:{fault.message}:{','.join(fault.fields or ())} --"
                upload.failures.append([_named(cells), text, *row])
            else:
                upload.successes.append([record_id, created, *row])
        job.processed, job.failed = len(rows), len(upload.failures)

    def _one(self, job: Job, upload: _Upload, records: Records, cells: dict[str, str]) -> tuple[str, bool]:
        values = _values(cells)
        if job.operation == "insert":
            return self._writer.create(records, values), True
        if upload.external_id and upload.external_id.lower() != "id":
            key = records.fields[upload.external_id.lower()]
            given = next((value for name, value in values.items() if name.lower() == key.name.lower()), None)
            if given is None:
                raise errors.invalid("MISSING_ARGUMENT", f"{key.name} not specified")
            return self._writer.upsert(records, key, given, values)
        given = _named(cells)
        long_id = read_id(given)
        if long_id is None and job.operation == "upsert" and not given:
            return self._writer.create(records, _without_id(values)), True
        if long_id is None:
            raise errors.malformed_id("Record ID", given, "Id")
        place = records.place(long_id)
        if place is None:
            raise errors.invalid("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if job.operation in ("delete", "hardDelete"):
            self._writer.delete(records, place)
        else:
            self._writer.update(records, place, _without_id(values))
        return long_id, False


def _is_known(database: Database, records: Records, name: str) -> bool:
    """Whether a column is a field, or an external id of a parent: `Account.External_Id__c`."""
    relation, _, key = name.partition(".")
    if not key:
        return records.field(name) is not None
    item = database.parents(records).get(relation.lower())
    parent = None if item is None else database.find(item.refers_to[0])
    return parent is not None and parent.field(key) is not None


def _values(cells: dict[str, str]) -> Record:
    """The row as a body of JSON would be: empty cells say nothing, `#N/A` clears a field."""
    values: Record = {}
    for name, cell in cells.items():
        if cell == "":
            continue
        value = None if cell == bulk_csv.NOTHING else cell
        relation, _, key = name.partition(".")
        values[relation] = {key: value} if key else value
    return values


def _named(cells: dict[str, str]) -> str:
    return next((cell for name, cell in cells.items() if name.lower() == "id"), "")


def _without_id(values: Record) -> Record:
    return {name: value for name, value in values.items() if name.lower() != "id"}
