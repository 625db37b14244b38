"""What is asked of a connector that writes, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from conjunct.connectors.errors import ERROR_CLASSES, ErrorKind, ProviderError
from conjunct.core.problems import Unprocessable

WriteType = Literal["create", "update", "upsert", "delete"]
WRITE_TYPES: tuple[WriteType, ...] = ("create", "update", "upsert", "delete")

WriteState = Literal["done", "refused", "untried", "unknown"]


class WriteNotSupported(Unprocessable):
    """The provider cannot write what is asked for, or not so."""

    slug = "write-not-supported"
    title = "The provider cannot write this"


@dataclass(frozen=True, slots=True)
class WriteEntry:
    """A record to be written.

    `record` are values by the provider's field names, without the id. `id` says which record to update or delete.
    `external_id` says which to upsert, by the query's `external_id_field`. `associations` are in the provider's form.
    `idempotency_key` goes where the definition sends one: the same for the same write, whenever it is tried again.
    """

    record: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None
    external_id: Any = None
    associations: Sequence[Mapping[str, Any]] | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class WriteQuery:
    """Which records of which object to write, and how.

    `headers` go with the requests that write; they never replace the definition's or those that prove who we are.
    `all_or_none`: when one of the records fails, all do.
    """

    object: str
    type: WriteType
    entries: tuple[WriteEntry, ...]
    external_id_field: str | None = None
    all_or_none: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WriteFault:
    """Why a record was not written, in the provider's words; `kind` is its class by the definition's rules."""

    message: str
    code: str | None = None
    kind: ErrorKind = ErrorKind.BAD_REQUEST

    @property
    def retryable(self) -> bool:
        """Whether it passes."""
        return ERROR_CLASSES[self.kind].retryable


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one record.

    `state`: it was done; the provider refused it; it was not tried, or turned away unseen; or it is unknown, because it
    was sent and no answer tells. `id` is None where the provider does not tell it; `record` is what it tells of it.
    `repeatable`: doing it twice comes to the same.
    """

    state: WriteState
    id: str | None = None
    record: Mapping[str, Any] | None = None
    faults: tuple[WriteFault, ...] = ()
    repeatable: bool = False

    @property
    def success(self) -> bool:
        """Whether it was done, for sure."""
        return self.state == "done"

    @property
    def may_be_tried_again(self) -> bool:
        """Whether trying it again may help, and cannot write it twice."""
        if self.state == "unknown":
            return self.repeatable
        return self.state == "untried" or (self.state == "refused" and any(fault.retryable for fault in self.faults))


@dataclass(frozen=True, slots=True)
class WriteManner:
    """How a query goes out: so many of its records under way at a time, and for each whether twice comes to once."""

    at_once: int
    repeatable: tuple[bool, ...]


class WriteInterrupted(Exception):
    """A write ended before its end, and something was written or may have been.

    `results` are in the order of the entries, one for each; `cause` is what stood in the way of the rest.
    """

    def __init__(self, results: Sequence[Written], cause: ProviderError) -> None:
        super().__init__(str(cause))
        self.results = tuple(results)
        self.cause = cause
