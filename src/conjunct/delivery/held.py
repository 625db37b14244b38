"""Queries on messages that are held until they are asked for, and on the holds that they are in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.encryption import Keyring
from conjunct.delivery import spool
from conjunct.delivery.messages import Message
from conjunct.delivery.models import DeliveryHoldRow, DeliveryMessageRow

KEPT_HELD = timedelta(days=14)
"""How long a message waits to be asked for."""

# The row is locked from here on, so that messages of a hold are added and let go by one transaction after another.
_OPEN = text("""
insert into delivery_hold (project_id, name, owed, last_place) values (:project_id, :name, :asked, 0)
on conflict (project_id, name) do update set owed = delivery_hold.owed + excluded.owed
returning owed, last_place
""")

# What an earlier run of the same page has stored keeps its place.
_ADD = text("""
insert into delivery_message
    (project_id, destination_id, id, operation_id, body, size, records, state, attempts, expires_at, create_time,
     hold, place, ordering_key)
select :project_id, :destination_id, id, operation_id, body, octet_length(body), records, 'held', 0, :expires_at, :now,
    :hold, place, ordering_key
from unnest(
    cast(:ids as text[]), cast(:operation_ids as text[]), cast(:bodies as bytea[]), cast(:records as int[]),
    cast(:places as bigint[]), cast(:ordering_keys as text[])
) as new(id, operation_id, body, records, place, ordering_key)
where exists (select from destination d where d.project_id = :project_id and d.id = :destination_id)
order by place
on conflict (project_id, id) do nothing
""")

_OLDEST = text("""
select destination_id, id, ordering_key from delivery_message
where project_id = :project_id and hold = :hold and state = 'held' order by place limit :count for update
""")

_LET_GO = text("""
update delivery_message
set state = 'pending', next_at = :next_at, create_time = :now, hold = null, place = null,
    expires_at = case when cast(:next_at as timestamptz) is null then cast(:expires_at as timestamptz) end
where project_id = :project_id and id = any(cast(:ids as text[]))
""")

_SETTLE = text("""
update delivery_hold set owed = owed - :released, last_place = last_place + :added
where project_id = :project_id and name = :name
""")

_COUNTS = text("""
select h.name, h.owed, (
    select count(*) from delivery_message m
    where m.project_id = h.project_id and m.hold = h.name and m.state = 'held') as held
from delivery_hold h where h.project_id = :project_id and h.name = any(cast(:names as text[]))
""")


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold that this transaction has locked: how many messages are owed, and the place of the newest."""

    project_id: str
    name: str
    owed: int
    last_place: int


async def open_hold(session: AsyncSession, project_id: str, name: str, *, asked: int = 0) -> Hold:
    """Lock the hold, made where there is none; `asked` more messages are owed from now on."""
    row = (await session.execute(_OPEN, {"project_id": project_id, "name": name, "asked": asked})).one()
    return Hold(project_id, name, row.owed, row.last_place)


async def counts(session: AsyncSession, project_id: str, names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """How many messages each of the holds has, and how many it owes."""
    found = await session.execute(_COUNTS, {"project_id": project_id, "names": list(names)})
    return {row.name: (row.held, row.owed) for row in found}


async def add(
    session: AsyncSession, keyring: Keyring, hold: Hold, destination_id: str, messages: Sequence[Message], now: datetime
) -> None:
    """Keep messages in the hold, compressed and encrypted, in this order behind those that are there."""
    await session.execute(
        _ADD,
        {
            "project_id": hold.project_id,
            "destination_id": destination_id,
            "now": now,
            "expires_at": now + KEPT_HELD,
            "hold": hold.name,
            "ids": [message.id for message in messages],
            "operation_ids": [message.operation_id for message in messages],
            "bodies": [spool.seal(keyring, message) for message in messages],
            "records": [message.records for message in messages],
            "places": [hold.last_place + number for number, _ in enumerate(messages, 1)],
            "ordering_keys": [message.ordering_key for message in messages],
        },
    )


async def oldest(session: AsyncSession, hold: Hold, count: int) -> list[tuple[str, str, str]]:
    """Destination, id and ordering key of the oldest messages in the hold, at most so many, in their order."""
    values = {"project_id": hold.project_id, "hold": hold.name, "count": count}
    return [(row.destination_id, row.id, row.ordering_key) for row in await session.execute(_OLDEST, values)]


async def let_go(
    session: AsyncSession, project_id: str, ids: Sequence[str], *, next_at: datetime | None, now: datetime
) -> None:
    """Make held messages ordinary ones, whose first attempt is due at `next_at`; without it, once it is recovered."""
    values = {
        "project_id": project_id,
        "ids": list(ids),
        "next_at": next_at,
        "now": now,
        "expires_at": now + spool.KEPT_EXHAUSTED,
    }
    await session.execute(_LET_GO, values)


async def remove_messages(session: AsyncSession, project_id: str, ids: Sequence[str]) -> None:
    """Remove held messages that stand elsewhere now."""
    kept = DeliveryMessageRow
    await session.execute(delete(kept).where(kept.project_id == project_id, kept.id.in_(ids), kept.state == "held"))


async def settle(session: AsyncSession, hold: Hold, *, released: int, added: int = 0) -> None:
    """Note what was let go and added."""
    values = {"project_id": hold.project_id, "name": hold.name, "released": released, "added": added}
    await session.execute(_SETTLE, values)


async def held_bytes(session: AsyncSession, project_id: str, name: str) -> int:
    """Bytes of the messages in a hold; an index alone answers."""
    total = await session.scalar(
        text(
            "select coalesce(sum(size), 0) from delivery_message "
            "where project_id = :project_id and hold = :name and state = 'held'"
        ),
        {"project_id": project_id, "name": name},
    )
    return int(total or 0)


async def remove(session: AsyncSession, project_id: str, names: Sequence[str]) -> None:
    """Remove holds and what is in them."""
    kept, hold = DeliveryMessageRow, DeliveryHoldRow
    await session.execute(
        select(hold.name)
        .where(hold.project_id == project_id, hold.name.in_(names))
        .order_by(hold.name)
        .with_for_update()
    )
    await session.execute(delete(kept).where(kept.project_id == project_id, kept.hold.in_(names), kept.state == "held"))
    await session.execute(delete(hold).where(hold.project_id == project_id, hold.name.in_(names)))
