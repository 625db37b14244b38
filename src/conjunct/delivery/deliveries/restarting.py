"""Queries that let messages begin their schedule anew, under their ids and with their bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.delivery.spool import KEPT_EXHAUSTED
from conjunct.kit.ids import new_id

BATCH = 500

_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)

_RECOVERABLE = """
m.project_id = :project_id and m.destination_id = :destination_id
    and (m.state = 'pending' and m.next_at is null or m.state = 'exhausted' and :exhausted)
    and (cast(:until as timestamptz) is null or m.create_time < :until)
"""

_COUNT = text(f"select count(*) from delivery_message m where {_RECOVERABLE} and m.create_time >= :since")  # noqa: S608

_BEGIN = text("""
insert into delivery_recovery
    (id, project_id, destination_id, since, until, exhausted, messages, batch_time, batch_number, past_time,
     past_number, create_time)
values
    (:id, :project_id, :destination_id, :since, :until, :exhausted, :messages, :start, 0, :start, 0, :now)
""")
_FORGET = text("""
delete from delivery_recovery
where project_id = :project_id and destination_id = :destination_id and end_time < :before
""")
_FIND = text("""
select destination_id, until, exhausted, batch_time, batch_number, past_time, past_number from delivery_recovery
where project_id = :project_id and id = :id and end_time is null
for no key update
""")
_ADVANCE = text("""
update delivery_recovery
set recovered = recovered + :count, batch_time = past_time, batch_number = past_number, past_time = :past_time,
    past_number = :past_number
where project_id = :project_id and id = :id
""")
_END = text("update delivery_recovery set end_time = :now where project_id = :project_id and id = :id")

# What is locked is being changed by somebody else, who then knows what becomes of it.
_NEXT = text(f"""
select m.id, m.create_time, m.number, m.ordering_key from delivery_message m
where {_RECOVERABLE}
    and m.create_time >= :past_time and (m.create_time, m.number) > (:past_time, cast(:past_number as bigint))
order by m.create_time, m.number limit :limit
for update skip locked
""")  # noqa: S608 - constants

_UNTRIED = text("""
select count(*) from delivery_message m
where m.project_id = :project_id and m.destination_id = :destination_id
    and m.create_time between :batch_time and :past_time
    and (m.create_time, m.number) > (:batch_time, cast(:batch_number as bigint))
    and (m.create_time, m.number) <= (:past_time, cast(:past_number as bigint))
    and m.state = 'pending' and m.attempts = 0 and m.next_at is not null
""")

_RESTART = text("""
update delivery_message
set state = 'pending', attempts = 0, next_at = :now, expires_at = null, restart_time = :now
where project_id = :project_id and id = any(cast(:ids as text[]))
""")

_LOCK = text("""
select state, next_at, ordering_key from delivery_message
where project_id = :project_id and destination_id = :destination_id and id = :id for update
""")
_HASTEN = text("update delivery_message set next_at = :now where project_id = :project_id and id = :id")


@dataclass(frozen=True, slots=True)
class Recovery:
    """How far a recovery has come: everything up to (`past_time`, `past_number`); see `DeliveryRecoveryRow`."""

    id: str
    project_id: str
    destination_id: str
    until: datetime | None
    exhausted: bool
    batch_time: datetime
    batch_number: int
    past_time: datetime
    past_number: int

    @property
    def _values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    async def untried(self, session: AsyncSession) -> int:
        """How many messages of the last batch have not been tried yet."""
        return int(await session.scalar(_UNTRIED, self._values) or 0)

    async def next_batch(self, session: AsyncSession) -> Sequence[Any]:
        """The next messages to recover, in the order in which they were kept; locked."""
        return (await session.execute(_NEXT, {**self._values, "limit": BATCH})).all()

    async def advance(self, session: AsyncSession, batch: Sequence[Any]) -> None:
        """Note that this batch was recovered."""
        last = batch[-1]
        values = {"count": len(batch), "past_time": last.create_time, "past_number": last.number}
        await session.execute(_ADVANCE, {"project_id": self.project_id, "id": self.id, **values})

    async def end(self, session: AsyncSession, now: datetime) -> None:
        """Note that nothing is left to do."""
        await session.execute(_END, {"project_id": self.project_id, "id": self.id, "now": now})


async def begin(
    session: AsyncSession,
    project_id: str,
    destination_id: str,
    *,
    since: datetime | None,
    until: datetime | None,
    exhausted: bool,
    now: datetime,
) -> tuple[str, int]:
    """Note a recovery that is to be done; gives its id and how many messages there are for it now."""
    start = since or _BEFORE_ALL
    of = {"project_id": project_id, "destination_id": destination_id}
    asked = {**of, "until": until, "exhausted": exhausted}
    found = int(await session.scalar(_COUNT, {**asked, "since": start}) or 0)
    recovery_id = new_id()
    values = {**asked, "id": recovery_id, "since": since, "start": start, "messages": found, "now": now}
    await session.execute(_FORGET, {**of, "before": now - KEPT_EXHAUSTED})
    await session.execute(_BEGIN, values)
    return recovery_id, found


async def find(session: AsyncSession, project_id: str, recovery_id: str) -> Recovery | None:
    """A recovery that has not ended, locked; None when it has, or its destination was removed."""
    row = (await session.execute(_FIND, {"project_id": project_id, "id": recovery_id})).one_or_none()
    return None if row is None else Recovery(recovery_id, project_id, *row)


async def restart(session: AsyncSession, project_id: str, ids: Sequence[str], now: datetime) -> None:
    """Let messages begin their schedule anew, the first try being due now."""
    await session.execute(_RESTART, {"project_id": project_id, "ids": list(ids), "now": now})


async def lock(session: AsyncSession, project_id: str, destination_id: str, message_id: str) -> Any:
    """State, next attempt and ordering key of a message that waits for the destination, locked; None without one."""
    values = {"project_id": project_id, "destination_id": destination_id, "id": message_id}
    return (await session.execute(_LOCK, values)).one_or_none()


async def hasten(session: AsyncSession, project_id: str, message_id: str, now: datetime) -> None:
    """Let the next attempt of a message be due now."""
    await session.execute(_HASTEN, {"project_id": project_id, "id": message_id, "now": now})
