"""Queries on attempts and on the messages that wait: one statement for any number of them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import ScalarSelect, func, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from conjunct.core.encryption import Keyring
from conjunct.delivery import metrics
from conjunct.delivery.messages import Attempt, Message
from conjunct.delivery.models import DeliveryMessageRow, DeliveryPayloadRow, DestinationRow
from conjunct.delivery.payloads import open_payload
from conjunct.delivery.repository import STORED, StoredDestination, stored

KEPT_EXHAUSTED = timedelta(days=14)
_FAST_COMPRESSION = 1
_LARGEST_INT = 2**31 - 1

# A message that was stored by an earlier run of the same page and is delivered now needs no retry.
_NOTE = text("""
with noted as (
    insert into delivery_attempt
        (project_id, destination_id, operation_id, message_id, number, status, error, elapsed_ms, latency_ms, records,
         bytes, at)
    select :project_id, :destination_id, *
    from unnest(
        cast(:operation_ids as text[]), cast(:message_ids as text[]), cast(:numbers as int[]),
        cast(:statuses as int[]), cast(:errors as text[]), cast(:elapsed as int[]), cast(:latencies as int[]),
        cast(:records as int[]), cast(:bytes as int[]), cast(:ats as timestamptz[])
    )
)
delete from delivery_message where project_id = :project_id and id = any(cast(:delivered as text[]))
returning id
""")

# What an earlier run of the same page has stored keeps its place in the schedule. Where the destination was removed
# meanwhile, its messages go with it.
_KEEP = text("""
insert into delivery_message
    (project_id, destination_id, id, operation_id, body, size, records, state, attempts, next_at, expires_at,
     last_error, create_time, ordering_key)
select :project_id, :destination_id, id, operation_id, body, octet_length(body), records, 'pending', attempts, next_at,
    case when next_at is null then cast(:expires_at as timestamptz) end, last_error, :now, ordering_key
from unnest(
    cast(:ids as text[]), cast(:operation_ids as text[]), cast(:bodies as bytea[]), cast(:records as int[]),
    cast(:attempts as int[]), cast(:next_ats as timestamptz[]), cast(:last_errors as text[]),
    cast(:ordering_keys as text[])
) with ordinality as new(id, operation_id, body, records, attempts, next_at, last_error, ordering_key, turn)
where exists (select from destination d where d.project_id = :project_id and d.id = :destination_id)
order by turn
on conflict (project_id, id) do nothing
returning id
""")

_MOVE = text("""
update delivery_message
set attempts = :attempts, state = :state, next_at = :next_at, expires_at = :expires_at,
    last_error = coalesce(:last_error, last_error)
where project_id = :project_id and id = :id and attempts = :before and state = 'pending'
returning id
""")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message to keep: how often it was tried, when next (None: not until its destination is recovered), and why."""

    message: Message
    attempts: int
    next_at: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Spooled:
    """A kept message and its destination. `begin_time` is when its present schedule began."""

    message: Message
    attempts: int
    next_at: datetime | None
    create_time: datetime
    begin_time: datetime
    destination: StoredDestination
    keyring: Keyring = field(repr=False)


async def note(
    session: AsyncSession,
    project_id: str,
    destination_id: str,
    tried: Sequence[tuple[Message, Attempt]],
    *,
    waited: Sequence[timedelta] = (),
) -> list[str]:
    """Add attempts, and drop the messages among them that are delivered; the ids of those that had been kept.

    `waited` is how long before each of these attempts its message was handed over; nothing without it.
    """
    waits = waited or [timedelta()] * len(tried)
    latencies = [wait.total_seconds() + attempt.answer.elapsed for wait, (_, attempt) in zip(waits, tried, strict=True)]
    for latency, (_, attempt) in zip(latencies, tried, strict=True):
        if attempt.answer.delivered:
            metrics.LATENCY.observe(latency)
    removed = await session.scalars(
        _NOTE,
        {
            "project_id": project_id,
            "destination_id": destination_id,
            "operation_ids": [message.operation_id for message, _ in tried],
            "message_ids": [message.id for message, _ in tried],
            "numbers": [attempt.number for _, attempt in tried],
            "statuses": [attempt.answer.status for _, attempt in tried],
            "errors": [attempt.answer.error for _, attempt in tried],
            "elapsed": [_milliseconds(attempt.answer.elapsed) for _, attempt in tried],
            "latencies": [_milliseconds(latency) for latency in latencies],
            "records": [message.records for message, _ in tried],
            "bytes": [len(message.body) for message, _ in tried],
            "ats": [attempt.at for _, attempt in tried],
            "delivered": [message.id for message, attempt in tried if attempt.answer.delivered],
        },
    )
    return list(removed)


async def keep(
    session: AsyncSession,
    keyring: Keyring,
    project_id: str,
    destination_id: str,
    waiting: Sequence[Waiting],
    now: datetime,
) -> set[str]:
    """Keep messages, compressed and encrypted; the ids of those that were not kept already."""
    added = await session.scalars(
        _KEEP,
        {
            "project_id": project_id,
            "destination_id": destination_id,
            "now": now,
            "expires_at": now + KEPT_EXHAUSTED,
            "ids": [each.message.id for each in waiting],
            "operation_ids": [each.message.operation_id for each in waiting],
            "bodies": [seal(keyring, each.message) for each in waiting],
            "records": [each.message.records for each in waiting],
            "attempts": [each.attempts for each in waiting],
            "next_ats": [each.next_at for each in waiting],
            "last_errors": [each.last_error for each in waiting],
            "ordering_keys": [each.message.ordering_key for each in waiting],
        },
    )
    return set(added)


async def open_message(session: AsyncSession, keyring: Keyring, project_id: str, message_id: str) -> Spooled | None:
    """The pending message, opened, with its destination; None when it waits no more."""
    statement = _PENDING.where(DeliveryMessageRow.project_id == project_id, DeliveryMessageRow.id == message_id)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else _opened(row, keyring)


async def open_behind(session: AsyncSession, front: Spooled, now: datetime, limit: int) -> list[Spooled]:
    """The next messages of the same ordering key that were kept after this one, up to the first that is not due."""
    kept, message = DeliveryMessageRow, front.message
    number = select(kept.number).where(kept.project_id == message.project_id, kept.id == message.id).scalar_subquery()
    statement = (
        _PENDING.where(kept.project_id == message.project_id, kept.destination_id == message.destination_id)
        .where(kept.ordering_key == message.ordering_key, kept.number > number, kept.next_at.is_not(None))
        .order_by(kept.number)
        .limit(limit)
    )
    found = [_opened(row, front.keyring) for row in await session.execute(statement)]
    return list(takewhile(lambda each: each.next_at is not None and each.next_at <= now, found))


def _opened(row: Any, keyring: Keyring) -> Spooled:
    destination = stored(tuple(row))
    message = Message(
        id=row.message_id,
        project_id=destination.project_id,
        destination_id=destination.id,
        operation_id=row.operation_id,
        body=zlib.decompress(keyring.decrypt(row.body, body_place(row.message_id))),
        records=row.records,
        payloads=tuple(
            open_payload(keyring, id_, sealed_key)
            for id_, sealed_key in zip(row.payload_ids or (), row.payload_keys or (), strict=True)
        ),
        ordering_key=row.ordering_key,
    )
    return Spooled(message, row.attempts, row.next_at, row.kept_since, row.begun, destination, keyring)


def _parts(column: InstrumentedAttribute[Any]) -> ScalarSelect[Any]:
    """The values of a column of the message's payloads, as an array; null when it has none."""
    kept, payload = DeliveryMessageRow, DeliveryPayloadRow
    return (
        select(func.array_agg(aggregate_order_by(column, payload.part)))
        .where(payload.project_id == kept.project_id, payload.message_id == kept.id)
        .correlate(kept)
        .scalar_subquery()
    )


_PENDING = (
    select(
        *STORED,
        DeliveryMessageRow.id.label("message_id"),
        DeliveryMessageRow.operation_id,
        DeliveryMessageRow.body,
        DeliveryMessageRow.records,
        DeliveryMessageRow.ordering_key,
        DeliveryMessageRow.attempts,
        DeliveryMessageRow.next_at,
        DeliveryMessageRow.create_time.label("kept_since"),
        func.coalesce(DeliveryMessageRow.restart_time, DeliveryMessageRow.create_time).label("begun"),
        _parts(DeliveryPayloadRow.id).label("payload_ids"),
        _parts(DeliveryPayloadRow.sealed_key).label("payload_keys"),
    )
    .join_from(DeliveryMessageRow, DestinationRow, DestinationRow.id == DeliveryMessageRow.destination_id)
    .where(DeliveryMessageRow.state == "pending")
)


async def move(
    session: AsyncSession,
    spooled: Spooled,
    *,
    attempts: int,
    next_at: datetime | None,
    exhausted: bool = False,
    last_error: str | None = None,
    now: datetime,
) -> bool:
    """Move a message on in its schedule; False when another chain of retries has done so since it was opened."""
    moved = await session.scalar(
        _MOVE,
        {
            "project_id": spooled.message.project_id,
            "id": spooled.message.id,
            "before": spooled.attempts,
            "attempts": attempts,
            "state": "exhausted" if exhausted else "pending",
            "next_at": next_at,
            "expires_at": None if next_at is not None else now + KEPT_EXHAUSTED,
            "last_error": last_error,
        },
    )
    return moved is not None


async def waiting_bytes(session: AsyncSession, project_id: str, destination_id: str) -> int:
    """Bytes of the messages that wait for the destination; an index alone answers."""
    total = await session.scalar(
        text(
            "select coalesce(sum(size), 0) from delivery_message "
            "where project_id = :project_id and destination_id = :destination_id and state = 'pending'"
        ),
        {"project_id": project_id, "destination_id": destination_id},
    )
    return int(total or 0)


def _milliseconds(seconds: float) -> int:
    return min(max(round(seconds * 1000), 0), _LARGEST_INT)


def seal(keyring: Keyring, message: Message) -> bytes:
    """The message's body as it is kept: compressed, then encrypted."""
    return keyring.encrypt(zlib.compress(message.body, _FAST_COMPRESSION), body_place(message.id))


def body_place(message_id: str) -> str:
    """What a kept message's body is sealed for."""
    return f"delivery_message:{message_id}:body"
