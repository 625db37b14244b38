"""How the entries of a page become messages of at most 300 KB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from conjunct.delivery import Message
from conjunct.installations import InstallationState, ReadObject

MAX_BYTES = 300_000
"""Largest body of a message, in bytes."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What all messages of a run have in common; `head` is the JSON before the numbers and the records."""

    project_id: str
    destination_id: str
    operation_id: str
    head: bytes

    def message(self, page: int, index: int, entries: list[bytes]) -> Message:
        """A message of the encoded entries; its id derives from the operation and the place, so a repeat has it too."""
        info = b'"resultInfo":{"type":"inline","numRecords":%d},"result":[' % len(entries)
        body = b"".join((self.head, info, b",".join(entries), b"]}"))
        return Message(
            id=message_id(self.operation_id, page, index),
            project_id=self.project_id,
            destination_id=self.destination_id,
            operation_id=self.operation_id,
            body=body,
            records=len(entries),
        )

    def message_by_url(self, page: int, index: int, entry: bytes) -> Message:
        """A message whose one record is too large to go inside; delivery stores it and puts its address in."""
        info = b'"resultInfo":{"type":"url","numRecords":1,"downloadUrl":"'
        return Message(
            id=message_id(self.operation_id, page, index),
            project_id=self.project_id,
            destination_id=self.destination_id,
            operation_id=self.operation_id,
            body=b"".join((self.head, info)),
            records=1,
            payload=b"[" + entry + b"]",
        )


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
        "installationId": state.installation_id,
        "installationUpdateTime": state.update_time,
        "objectName": read_object.mapped_name or read_object.name,
        "operationId": operation_id,
        "operationTime": started,
        "action": "read",
        "readType": read_type,
    }
    if state.workspace:
        head["workspace"] = state.workspace
    if read_object.mapped_name:
        head["rawObjectName"] = read_object.name
    encoded = orjson.dumps(head, option=orjson.OPT_UTC_Z)
    return Envelope(state.project_id, destination_id, operation_id, encoded[:-1] + b",")


def message_id(operation_id: str, page: int, index: int) -> str:
    """The id of the message at this place of this operation, for ever."""
    return f"msg_{operation_id.replace('-', '')}_{page}_{index}"


def pack(envelope: Envelope, page: int, entries: Iterable[dict[str, Any]]) -> Iterator[Message]:
    """The messages of one page: as many entries in each as fit."""
    room = MAX_BYTES - len(envelope.head) - 100
    batch: list[bytes] = []
    size = index = 0
    for entry in entries:
        encoded = orjson.dumps(entry)
        if batch and size + len(encoded) + 1 > room:
            yield envelope.message(page, index, batch)
            batch, size, index = [], 0, index + 1
        if len(encoded) > room:
            yield envelope.message_by_url(page, index, encoded)
            index += 1
            continue
        batch.append(encoded)
        size += len(encoded) + 1
    if batch:
        yield envelope.message(page, index, batch)
