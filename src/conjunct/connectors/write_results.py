"""What became of each record of a batch, read from the provider's one answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from conjunct.connectors.definition import ErrorRules
from conjunct.connectors.errors import MalformedAnswer
from conjunct.connectors.paths import JsonPath, parse_path
from conjunct.connectors.write_definition import BatchResults, Outcome
from conjunct.connectors.write_outcomes import Hidden, OutcomeReader, compile_outcome, id_in
from conjunct.connectors.write_query import WriteEntry, WriteFault, Written

Match = Literal["index", "id", "trace"]

SAID_NOTHING = WriteFault("the provider said nothing of this record")


@dataclass(frozen=True, slots=True)
class FailedReader:
    """A compiled `FailedRecords`."""

    at: JsonPath
    key_at: JsonPath | None
    reader: OutcomeReader

    def entries(self, body: Any) -> list[Any]:
        """What the list has."""
        found = self.at.find(body)
        return found if isinstance(found, list) else []

    def keys(self, entry: Any) -> list[str]:
        """Whose failure it is."""
        found = self.key_at.find(entry) if self.key_at is not None else None
        return [key for each in (found if isinstance(found, list) else [found]) if (key := id_in(each)) is not None]


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's answer to a batch; `is_success` by its status."""

    body: Any
    status: int
    hidden: Hidden

    @property
    def is_success(self) -> bool:
        """Whether it is an answer of success."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class ResultsReader:
    """A compiled `BatchResults`."""

    at: JsonPath | None
    match: Match
    key_at: JsonPath | None
    outcome: OutcomeReader
    failed: FailedReader | None
    statuses: frozenset[int]

    def by_place(self) -> ResultsReader:
        """The same where no traces are sent."""
        return replace(self, match="index", key_at=None)

    def tells(self, status: int, body: Any) -> bool:
        """Whether the answer of a failure tells what became of each record."""
        if status not in self.statuses:
            return False
        found = self.at.find(body) if self.at is not None else None
        if isinstance(found, list) and any(self.outcome.tells(each) for each in found):
            return True
        return self.failed is not None and any(self.failed.keys(each) for each in self.failed.entries(body))

    def read(self, answer: Answer, entries: Sequence[WriteEntry]) -> list[Written]:
        """What became of each, in order. Raises `MalformedAnswer` when the answer tells of none."""
        if self.at is None or answer.body is None:
            return [Written("done", entry.id) for entry in entries]
        results = self.at.find(answer.body)
        failures = self.failed.entries(answer.body) if self.failed is not None else []
        if not isinstance(results, list) and not failures:
            where = f"at '{'.'.join(self.at.steps)}'" if self.at.steps else "as the answer"
            raise MalformedAnswer(f"there is no list of results {where}", status=answer.status)
        told, refused, of_all = self._by_key(results), *self._refusals(failures, answer)
        keys = [self._key(place, entry) for place, entry in enumerate(entries)]
        if self.match == "trace":
            told |= self._in_turn(results, [key for key in keys if key not in told and key not in refused])
        return [
            self._one(told.get(key), refused.get(key), of_all, entry, answer)
            for key, entry in zip(keys, entries, strict=True)
        ]

    def _key(self, place: int, entry: WriteEntry) -> str | None:
        if self.match == "id":
            return entry.id if entry.id is not None else id_in(entry.external_id)
        return str(place)

    def _by_key(self, results: Any) -> dict[str | None, Any]:
        told: dict[str | None, Any] = {}
        for place, result in enumerate(results if isinstance(results, list) else ()):
            key = str(place) if self.key_at is None else id_in(self.key_at.find(result))
            if key is not None and result is not None:
                told.setdefault(key, result)
        return told

    def _in_turn(self, results: Any, left: list[str | None]) -> dict[str | None, Any]:
        """Results without their trace, for the records of which nothing else is said: in order, if they are as many.

        HubSpot repeats the trace of what fails, and not always of what does not.
        """
        key_at = self.key_at
        if key_at is None or not isinstance(results, list):
            return {}
        untraced = [each for each in results if each is not None and id_in(key_at.find(each)) is None]
        return dict(zip(left, untraced, strict=True)) if len(untraced) == len(left) else {}

    def _refusals(
        self, failures: list[Any], answer: Answer
    ) -> tuple[dict[str | None, tuple[WriteFault, ...]], tuple[WriteFault, ...]]:
        """The failures that stand beside the results, by record, and those that name none."""
        refused: dict[str | None, tuple[WriteFault, ...]] = {}
        of_all: tuple[WriteFault, ...] = ()
        if self.failed is None:
            return refused, of_all
        for failure in failures:
            fault = self.failed.reader.fault(failure, answer.status, answer.hidden)
            keys = self.failed.keys(failure)
            for key in keys:
                refused[key] = (*refused.get(key, ()), fault)
            if not keys:
                of_all = (*of_all, fault)
        return refused, of_all

    def _one(
        self,
        result: Any,
        refused: tuple[WriteFault, ...] | None,
        of_all: tuple[WriteFault, ...],
        entry: WriteEntry,
        answer: Answer,
    ) -> Written:
        known = entry.id
        if refused is not None:
            return Written("refused", known, faults=refused)
        if result is None:
            # Of a failure no record is done; of a success one may be, of which nothing is said.
            if of_all or not answer.is_success:
                return Written("refused", known, faults=of_all or (SAID_NOTHING,))
            return Written("unknown", known, faults=(SAID_NOTHING,))
        faults = self.outcome.faults(result, answer.status, answer.hidden)
        if faults:
            return Written("refused", known, faults=faults)
        return Written("done", self.outcome.id(result) or known, self.outcome.record(result))


def compile_results(rule: BatchResults, rules: ErrorRules) -> ResultsReader:
    """A reader of results. Raises `PathSyntaxError`."""
    failed = rule.failed
    return ResultsReader(
        at=parse_path(rule.at) if rule.told and rule.at is not None else None,
        match=rule.match,
        key_at=parse_path(rule.key_at) if rule.key_at is not None else None,
        outcome=compile_outcome(rule, rules),
        failed=FailedReader(
            parse_path(failed.at),
            parse_path(failed.key_at) if failed.key_at is not None else None,
            compile_outcome(Outcome(message_at=failed.message_at, code_at=failed.code_at), rules),
        )
        if failed is not None
        else None,
        statuses=frozenset(rule.statuses),
    )
