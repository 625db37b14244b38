"""Queries on the messages that can be pulled, and on how far each feed has come.

A reader that has seen one place must never find a message at an earlier one afterwards. Producers therefore add
messages without a place, in no order between their transactions and without waiting for one another. A message gets its
place when it is pulled or removed: one transaction at a time, which holds the feed's row and sees what is committed.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.encryption import Keyring
from conjunct.delivery import repository
from conjunct.delivery.messages import Message
from conjunct.delivery.models import DeliveryKeptRow, DeliveryPayloadRow
from conjunct.delivery.payloads import open_payload
from conjunct.delivery.spool import body_place, seal

CHANNEL = "conjunct_feed"
"""Notifications name the destination whose feed has something new."""

PLACED_AT_ONCE = 10_000
SEALED_BYTES_AT_ONCE = 5_000_000

# What an earlier run of the same page has stored is kept once.
_ADD = text(f"""
with added as (
    insert into delivery_kept
        (project_id, destination_id, id, operation_id, body, size, records, ordering_key, create_time)
    select :project_id, :destination_id, id, operation_id, body, octet_length(body), records, ordering_key, :now
    from unnest(
        cast(:ids as text[]), cast(:operation_ids as text[]), cast(:bodies as bytea[]), cast(:records as int[]),
        cast(:ordering_keys as text[])
    ) with ordinality as new(id, operation_id, body, records, ordering_key, turn)
    where exists (select from destination d where d.project_id = :project_id and d.id = :destination_id)
    order by turn
    on conflict (project_id, id) do nothing
    returning id
)
select pg_notify('{CHANNEL}', :destination_id) where exists (select from added)
""")  # noqa: S608 - the channel is a constant

_ADD_HELD = text(f"""
with added as (
    insert into delivery_kept
        (project_id, destination_id, id, operation_id, body, size, records, ordering_key, create_time)
    select project_id, destination_id, id, operation_id, body, size, records, ordering_key, :now
    from delivery_message
    where project_id = :project_id and destination_id = :destination_id and id = any(cast(:ids as text[]))
    order by number
    on conflict (project_id, id) do nothing
    returning id
)
select pg_notify('{CHANNEL}', :destination_id) where exists (select from added)
""")  # noqa: S608 - the channel is a constant

_HAS_UNPLACED = text("""
select exists (
    select from delivery_kept
    where project_id = :project_id and destination_id = :destination_id and place is null
)
""")
_MAKE_FEED = text("""
insert into delivery_feed (project_id, destination_id)
select project_id, id from destination where project_id = :project_id and id = :destination_id
on conflict do nothing
""")
_FEED = """
select last_place, removed_place, pulled_place from delivery_feed
where project_id = :project_id and destination_id = :destination_id
"""
_SEE_FEED, _LOCK_FEED = text(_FEED), text(_FEED + "for no key update")

_PLACE = text("""
with placed as (
    update delivery_kept k set place = :last_place + new.turn
    from (
        select id, row_number() over (order by number) as turn from (
            select id, number from delivery_kept
            where project_id = :project_id and destination_id = :destination_id and place is null
            order by number limit :count
        ) oldest
    ) new
    where k.project_id = :project_id and k.id = new.id
    returning k.id
)
update delivery_feed set last_place = last_place + (select count(*) from placed)
where project_id = :project_id and destination_id = :destination_id
returning last_place
""")

_PULLED = text("""
update delivery_feed set pulled_place = :place
where project_id = :project_id and destination_id = :destination_id and pulled_place < :place
""")

_WAITING = text("""
select coalesce(sum(size), 0) from (
    select size from delivery_kept
    where project_id = :project_id and destination_id = :destination_id and place is null
    union all
    select size from delivery_kept
    where project_id = :project_id and destination_id = :destination_id and place is not null
        and place > coalesce((select pulled_place from delivery_feed f where f.destination_id = :destination_id), 0)
) waiting
""")


@dataclass(frozen=True, slots=True)
class Feed:
    """The places of the newest message, of the newest removed one, and of the newest that a reader went on from."""

    last_place: int = 0
    removed_place: int = 0
    pulled_place: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept message, opened, where it stands in the feed, and since when it is kept."""

    message: Message
    place: int
    create_time: datetime


@dataclass(frozen=True, slots=True)
class _Sealed:
    row: Any = field(repr=False)

    def open(self, keyring: Keyring) -> Kept:
        row = self.row
        payloads = zip(row.payload_ids or (), row.payload_keys or (), strict=True)
        message = Message(
            id=row.id,
            project_id=row.project_id,
            destination_id=row.destination_id,
            operation_id=row.operation_id,
            body=zlib.decompress(keyring.decrypt(row.body, body_place(row.id))),
            records=row.records,
            payloads=tuple(open_payload(keyring, id_, key) for id_, key in payloads),
            ordering_key=row.ordering_key,
        )
        return Kept(message, row.place, row.create_time)


async def add(
    session: AsyncSession,
    keyring: Keyring,
    project_id: str,
    destination_id: str,
    messages: Sequence[Message],
    now: datetime,
) -> None:
    """Keep messages to be pulled, compressed and encrypted; those that are kept already stay as they are."""
    values = {
        "project_id": project_id,
        "destination_id": destination_id,
        "now": now,
        "ids": [message.id for message in messages],
        "operation_ids": [message.operation_id for message in messages],
        "bodies": [seal(keyring, message) for message in messages],
        "records": [message.records for message in messages],
        "ordering_keys": [message.ordering_key for message in messages],
    }
    await session.execute(_ADD, values)


async def add_held(
    session: AsyncSession, project_id: str, destination_id: str, ids: Sequence[str], now: datetime
) -> None:
    """Keep messages that stand in the spool already, sealed as they are."""
    values = {
        "project_id": project_id,
        "destination_id": destination_id,
        "ids": list(ids),
        "now": now,
    }
    await session.execute(_ADD_HELD, values)


async def open_kept(
    session: AsyncSession, keyring: Keyring, project_id: str, destination_id: str, message_id: str
) -> Message | None:
    """The message as it was made, from what the destination keeps; None where it is not or no longer kept."""
    statement = _select(project_id, destination_id).where(DeliveryKeptRow.id == message_id)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else _Sealed(row).open(keyring).message


async def place_new(session: AsyncSession, project_id: str, destination_id: str) -> bool:
    """Give a place to up to 10,000 committed messages that have none; whether there may be more."""
    key = {"project_id": project_id, "destination_id": destination_id}
    if not await session.scalar(_HAS_UNPLACED, key):
        return False
    feed = await lock_feed(session, project_id, destination_id)
    # A statement of its own: it sees all that was committed until the row was ours.
    values = {**key, "last_place": feed.last_place, "count": PLACED_AT_ONCE}
    last_place = await session.scalar(_PLACE, values)
    return last_place is not None and last_place - feed.last_place >= PLACED_AT_ONCE


async def see_feed(session: AsyncSession, project_id: str, destination_id: str) -> Feed:
    """How far the feed has come."""
    key = {"project_id": project_id, "destination_id": destination_id}
    row = (await session.execute(_SEE_FEED, key)).one_or_none()
    return Feed() if row is None else Feed(*row)


async def lock_feed(session: AsyncSession, project_id: str, destination_id: str) -> Feed:
    """The feed, whose row nobody else changes till the transaction ends.

    The destination first, as whoever removes it does: the two never wait for one another.
    """
    await repository.keep(session, project_id, destination_id)
    key = {"project_id": project_id, "destination_id": destination_id}
    row = (await session.execute(_LOCK_FEED, key)).one_or_none()
    if row is None:
        await session.execute(_MAKE_FEED, key)
        row = (await session.execute(_LOCK_FEED, key)).one_or_none()
    return Feed() if row is None else Feed(*row)


async def note_pulled(session: AsyncSession, project_id: str, destination_id: str, place: int) -> None:
    """Note that a reader went on from this place."""
    await session.execute(_PULLED, {"project_id": project_id, "destination_id": destination_id, "place": place})


async def after(
    session: AsyncSession, keyring: Keyring, project_id: str, destination_id: str, place: int, limit: int, length: int
) -> list[Kept]:
    """The next messages behind a place: at most `limit`, and at most `length` bytes, but one if there is any."""
    kept = DeliveryKeptRow
    so_far = func.sum(kept.size).over(order_by=kept.place).label("so_far")
    near = (
        select(kept.id, kept.size, so_far)
        .where(kept.project_id == project_id, kept.destination_id == destination_id)
        .where(kept.place.is_not(None), kept.place > place)
        .order_by(kept.place)
        .limit(limit)
        .subquery()
    )
    chosen = select(near.c.id).where(near.c.so_far - near.c.size < SEALED_BYTES_AT_ONCE)
    statement = _select(project_id, destination_id).where(kept.id.in_(chosen)).order_by(kept.place)
    found: list[Kept] = []
    for row in (await session.execute(statement)).all():
        opened = _Sealed(row).open(keyring)
        length -= len(opened.message.body)
        if found and length < 0:
            break
        found.append(opened)
    return found


async def unpulled_bytes(session: AsyncSession, project_id: str, destination_id: str) -> int:
    """Bytes of the messages that no reader has gone on from; an index alone answers."""
    key = {"project_id": project_id, "destination_id": destination_id}
    return int(await session.scalar(_WAITING, key) or 0)


def _select(project_id: str, destination_id: str) -> Any:
    kept, payload = DeliveryKeptRow, DeliveryPayloadRow

    def parts(column: Any) -> Any:
        return (
            select(func.array_agg(aggregate_order_by(column, payload.part)))
            .where(payload.project_id == kept.project_id, payload.message_id == kept.id)
            .correlate(kept)
            .scalar_subquery()
        )

    return select(
        kept.id,
        kept.project_id,
        kept.destination_id,
        kept.operation_id,
        kept.body,
        kept.records,
        kept.ordering_key,
        kept.create_time,
        kept.place,
        parts(payload.id).label("payload_ids"),
        parts(payload.sealed_key).label("payload_keys"),
    ).where(kept.project_id == project_id, kept.destination_id == destination_id)
