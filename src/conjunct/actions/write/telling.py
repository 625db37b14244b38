"""What is told of a write: its answer, the summary of its operation, and the lines of its log. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from conjunct.actions.write.schemas import (
    BatchAnswer,
    DryRun,
    ErrorMessage,
    PlannedRequest,
    WriteAnswer,
    WriteFailure,
    WriteResult,
)
from conjunct.connectors import HttpRequest, Written
from conjunct.operations import LogLine

Answer = WriteAnswer | WriteFailure | BatchAnswer

MOST_TOLD = 20
"""Records whose failures have lines of their own in the log."""


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """What became of the records of a write, in order; `trouble` is what stood in the way of all that were not done."""

    type: str
    is_batch: bool
    results: Sequence[Written]
    trouble: str | None = None

    @property
    def done(self) -> int:
        """How many records were written."""
        return sum(each.success for each in self.results)

    @property
    def succeeded(self) -> bool:
        """Whether at least one was."""
        return self.done > 0

    def answer(self, operation_id: str) -> Answer:
        """The answer of the specification."""
        errors = [ErrorMessage(message=text) for text in self.errors()]
        results = [self._result(each) for each in self.results]
        if self.is_batch:
            return BatchAnswer(
                operation_id=operation_id,
                success_count=self.done,
                failure_count=len(results) - self.done,
                results=results,
                errors=errors or None,
            )
        if self.succeeded:
            return WriteAnswer(operation_id=operation_id, result=results[0])
        return WriteFailure(operation_id=operation_id, errors=errors, result=results[0])

    def summary(self, object_name: str) -> str:
        """One line for people."""
        if not self.is_batch and not self.succeeded:
            return f"[{object_name}] {self.errors()[0]}"
        failed = len(self.results) - self.done
        counted = f"{self.done} of {len(self.results)} done" if failed else f"{self.done} done"
        return f"[{object_name}] {self.type}: {counted}"

    def log_lines(self, most: int = MOST_TOLD) -> list[LogLine]:
        """What happened; of records that were not written, the first so many."""
        lines = [
            LogLine(self._severity(), f"The {self.type}: {self.done} of {len(self.results)} done.", error=self.trouble)
        ]
        failed = [(place, each) for place, each in enumerate(self.results) if not each.success]
        for place, each in failed[:most] if self.is_batch else ():
            details = {"record": str(place), "state": each.state, **({"id": each.id} if each.id else {})}
            lines.append(LogLine("ERROR", "A record was not written.", error=_words(each), details=details))
        return lines

    def _severity(self) -> Literal["INFO", "WARNING", "ERROR"]:
        if self.done == len(self.results):
            return "INFO"
        return "WARNING" if self.succeeded else "ERROR"

    def errors(self) -> list[str]:
        """What to say of those that failed, the same words once; in a batch with the places of the records."""
        places: dict[str, list[str]] = {}
        for place, each in enumerate(self.results):
            if not each.success:
                text = _words(each) if each.faults or self.trouble is None else self.trouble
                places.setdefault(text if each.state != "unknown" else _unknown(text), []).append(str(place))
        if not self.is_batch:
            return list(places)
        everything = len(self.results)
        return [text if len(which) == everything else f"{_named(which)}: {text}" for text, which in places.items()]

    def _result(self, written: Written) -> WriteResult:
        is_there = written.success and self.type != "delete"
        data = dict(written.record) if written.record is not None and is_there else None
        return WriteResult(success=written.success, data=data, record_id=written.id if is_there else None)


def _words(written: Written) -> str:
    return "; ".join(dict.fromkeys(fault.message for fault in written.faults)) or "it was not tried"


def _unknown(text: str) -> str:
    return f"It is not known whether it was written; it is not tried again by itself. {text}"


def _named(places: Sequence[str]) -> str:
    return f"record {places[0]}" if len(places) == 1 else f"records {', '.join(places)}"


def dry_run(requests: Sequence[HttpRequest]) -> DryRun:
    """What a write would send."""
    planned = [
        PlannedRequest(method=each.method, url=each.url, headers=each.headers, body=_body(each.body))
        for each in requests
    ]
    return DryRun(requests=planned)


def _body(content: bytes | None) -> Any:
    if content is None:
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content.decode(errors="replace")


def written_line(outcome: WriteOutcome) -> list[LogLine]:
    """The ids of the records that were written, by their places: of an asynchronous write, no answer tells them."""
    ids = {str(place): each.id for place, each in enumerate(outcome.results) if each.success and each.id is not None}
    return [LogLine("INFO", "The ids of the records, by their places.", details=ids)] if ids else []


def repeats_line(places: Sequence[int]) -> list[LogLine]:
    """Which records were sent again although the answer to the time before was never heard."""
    if not places:
        return []
    said = "Sent again, as the answer to the time before was not heard; twice comes to once."
    return [LogLine("WARNING", said, details={"records": ", ".join(map(str, places))})]


def without_id(record: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a record that has its id among them."""
    return {name: value for name, value in record.items() if name != "id"}
