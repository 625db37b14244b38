"""What is asked of a connector that writes, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

WriteType = Literal["create", "update", "upsert", "delete"]


@dataclass(frozen=True, slots=True)
class WriteEntry:
    """A record to be written.

    `record` are values by the provider's field names, without the id. `id` says which record to update or delete.
    `external_id` says which to upsert, by the query's `external_id_field`. `associations` are in the provider's form.
    """

    record: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None
    external_id: Any = None
    associations: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class WriteQuery:
    """Which records of which object to write, and how.

    `headers` go with the requests; they never replace the definition's or those that prove who we are.
    `all_or_none`: when one record of a batch fails, all do. `idempotency_key` goes where the definition sends one.
    """

    object: str
    type: WriteType
    entries: tuple[WriteEntry, ...]
    external_id_field: str | None = None
    all_or_none: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class WriteFault:
    """Why a record was not written, in the provider's words."""

    message: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one record. `id` is None where the provider does not tell it; `record` is what it tells of it."""

    success: bool
    id: str | None = None
    record: Mapping[str, Any] | None = None
    faults: tuple[WriteFault, ...] = ()
