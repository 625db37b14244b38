"""What the keys of a write request ask of one another: faults that no single key has. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Place = tuple[str | int, ...]

LONGEST_ID = 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a place of the body."""

    place: Place
    detail: str


def faults_of(body: Mapping[str, Any]) -> Iterator[Fault]:
    """Every fault between the keys of a body as it came. Keys that have faults of their own are not looked into."""
    record, batch = body.get("record"), body.get("batch")
    if record is None and batch is None:
        yield Fault(("record",), "is missing: give a record, or several as batch")
    elif record is not None and batch is not None:
        yield Fault(("batch",), "stands beside record: give one or the other")
    if body.get("type") in ("update", "delete"):
        yield from _missing_ids(str(body["type"]), record, batch)
    if body.get("type") == "delete":
        yield from _beyond_deletion(body)
    yield from _about_external_ids(body, record, batch)
    if batch is not None and body.get("associations") is not None:
        yield Fault(("associations",), "belong to a single record: in a batch, give each record its own")
    if body.get("autoBatchPolicy") is not None:
        yield from _beyond_auto_batching(body)


def _missing_ids(type_: str, record: Any, batch: Any) -> Iterator[Fault]:
    for place, each in _records(record, batch):
        if (fault := _fault_of_id(each.get("id"))) is not None:
            yield Fault((*place, "id"), f"{fault}: it says which record to {type_}")


def _about_external_ids(body: Mapping[str, Any], record: Any, batch: Any) -> Iterator[Fault]:
    name = body.get("externalIdField")
    if body.get("type") != "upsert":
        if name is not None:
            yield Fault(("externalIdField",), "is for the type upsert")
    elif name is None:
        yield Fault(("externalIdField",), "is missing: name the field whose value says which record to upsert")
    elif isinstance(name, str):
        for place, each in _records(record, batch):
            if (fault := _fault_of_id(each.get(name))) is not None:
                yield Fault((*place, name), f"{fault}: it says which record to upsert")


def _records(record: Any, batch: Any) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """The records that are such, with their places."""
    if isinstance(record, dict):
        yield ("record",), record
    for index, entry in enumerate(batch if isinstance(batch, list) else ()):
        if isinstance(entry, dict) and isinstance(entry.get("record"), dict):
            yield ("batch", index, "record"), entry["record"]


def _fault_of_id(value: Any) -> str | None:
    if value is None or value == "":
        return "is missing"
    if isinstance(value, bool) or not isinstance(value, str | int):
        return "must be a text or a whole number"
    return f"must have at most {LONGEST_ID} characters" if len(str(value)) > LONGEST_ID else None


def _beyond_deletion(body: Mapping[str, Any]) -> Iterator[Fault]:
    if body.get("batch") is not None:
        yield Fault(("batch",), "cannot be deleted: delete one record at a time")
    if body.get("mode") == "asynchronous":
        yield Fault(("mode",), "must be synchronous to delete")


def _beyond_auto_batching(body: Mapping[str, Any]) -> Iterator[Fault]:
    if body.get("mode") != "asynchronous":
        yield Fault(("autoBatchPolicy",), "needs the mode asynchronous")
    if body.get("batch") is not None:
        yield Fault(("autoBatchPolicy",), "is for single records, not for a batch")
    if body.get("type") == "delete":
        yield Fault(("autoBatchPolicy",), "is for create, update and upsert")
