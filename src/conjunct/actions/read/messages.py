"""How the entries of a page become messages of at most 300 KB."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import orjson

from conjunct.connectors.errors import MalformedAnswer
from conjunct.delivery import Message, Payload
from conjunct.installations import InstallationState, ReadObject

MAX_BYTES = 300_000
"""Largest body of a message, in bytes."""

TOGETHER = 50
"""Entries that are written as JSON at once, where they fit: quicker than one by one."""

_INFO_BYTES = 100


@dataclass(frozen=True, slots=True)
class Envelope:
    """What all messages of a run have in common; `head` is the JSON before the numbers and the records.

    `ordering_key` names the installation's object, whose messages have an order among themselves.
    """

    project_id: str
    destination_id: str
    operation_id: str
    head: bytes
    ordering_key: str = ""

    def message(self, page: int, index: int, entries: list[bytes], count: int) -> Message:
        """A message of so many entries, encoded one by one or several with commas between them."""
        info = b'"resultInfo":{"type":"inline","numRecords":%d},"result":[' % count
        records = b",".join(entries)
        identity = message_id(self.operation_id, page, index, records)
        return self._message(identity, b"".join((self.head, info, records, b"]}")), count)

    def message_by_link(self, message_id: str, payload: Payload) -> Message:
        """A message whose one record is kept apart; the receiver downloads it as a JSON array."""
        info = b'"resultInfo":{"type":"url","numRecords":1,"downloadUrl":"%s"}}' % payload.placeholder.encode()
        return self._message(message_id, self.head + info, 1, payload)

    def _message(self, message_id: str, body: bytes, records: int, payload: Payload | None = None) -> Message:
        return Message(
            id=message_id,
            project_id=self.project_id,
            destination_id=self.destination_id,
            operation_id=self.operation_id,
            body=body,
            records=records,
            payloads=() if payload is None else (payload,),
            ordering_key=self.ordering_key,
        )


@dataclass(frozen=True, slots=True)
class Large:
    """A record that is too large for a message, as the JSON array that its receiver downloads."""

    message_id: str
    content: bytes


def make_envelope(
    state: InstallationState,
    read_object: ReadObject,
    *,
    destination_id: str,
    operation_id: str,
    read_type: str,
    started: datetime,
) -> Envelope:
    """The common part of a run's messages, as the specification's `WebhookMessage`."""
    head: dict[str, Any] = {
        "projectId": state.project_id,
        "provider": state.provider,
        "groupRef": state.group_ref,
        "groupName": state.group_name,
        "consumerRef": state.consumer_ref,
        "consumerName": state.consumer_name,
        "installationId": state.id,
        "installationUpdateTime": state.update_time or state.create_time,
        "objectName": read_object.delivered_name,
        "operationId": operation_id,
        "operationTime": started,
        "action": "read",
        "readType": read_type,
    }
    if state.workspace:
        head["workspace"] = state.workspace
    if read_object.mapped_name:
        head["rawObjectName"] = read_object.object_name
    encoded = orjson.dumps(head, option=orjson.OPT_UTC_Z)
    key = f"{state.id}/{read_object.object_name}"
    return Envelope(state.project_id, destination_id, operation_id, encoded[:-1] + b",", key)


def message_id(operation_id: str, page: int, index: int, entries: bytes) -> str:
    """The id of a message: its operation, its place, and a digest of its records.

    A repeat after a crash has the same id, so that a receiver can drop it. If the provider's data has changed between,
    the page may hold other records: then it has another id, so that a receiver drops nothing that is new.
    """
    digest = hashlib.sha1(entries, usedforsecurity=False).hexdigest()[:12]  # twice as fast as blake2b where CPUs help
    return f"msg_{operation_id.replace('-', '')}_{page}_{index}_{digest}"


def pack(
    envelope: Envelope, page: int, entries: Iterable[dict[str, Any]], *, at_most: int | None = None
) -> Iterator[Message | Large]:
    """The messages of one page: as many entries in each as fit (or `at_most`), and those apart that fit into none.

    Raises `MalformedAnswer` for a record that is none of JSON.
    """
    room = MAX_BYTES - len(envelope.head) - _INFO_BYTES
    batch: list[bytes] = []
    size = count = index = 0
    left = iter(entries)
    while some := list(islice(left, min(TOGETHER, at_most or TOGETHER))):
        together = _encoded(some)[1:-1]
        fits = size + len(together) + 1 <= room and (at_most is None or count + len(some) <= at_most)
        for encoded, records in [(together, len(some))] if fits else [(_encoded(each), 1) for each in some]:
            if len(encoded) > room:
                yield Large(message_id(envelope.operation_id, page, index, encoded), b"[" + encoded + b"]")
                index += 1
                continue
            if batch and (size + len(encoded) + 1 > room or count == at_most):
                yield envelope.message(page, index, batch, count)
                batch, size, count, index = [], 0, 0, index + 1
            batch.append(encoded)
            size += len(encoded) + 1
            count += records
    if batch:
        yield envelope.message(page, index, batch, count)


def _encoded(entries: dict[str, Any] | list[dict[str, Any]]) -> bytes:
    try:
        return orjson.dumps(entries)
    except orjson.JSONEncodeError as error:
        raise MalformedAnswer(f"a record cannot be written as JSON: {error}") from None
