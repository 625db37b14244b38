"""How much waits in delivery, of all projects together, for those who watch the whole."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# Indexes alone answer, and of each only what waits now is in them: what was delivered long ago costs nothing.
_BACKLOG = text("""
select pending.*, held.*, trouble.* from
    (select count(*) as pending, coalesce(sum(size), 0)::bigint as pending_bytes
     from delivery_message where state = 'pending') pending,
    (select count(*) as held, coalesce(sum(size), 0)::bigint as held_bytes
     from delivery_message where state = 'held') held,
    (select count(*) filter (where state = 'disabled') as disabled,
        count(*) filter (where state <> 'disabled') as breaker_open
     from destination where state = 'disabled' or breaker_open_until is not null) trouble
""")


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages that wait to be tried (or for their disabled destination) or to be asked for, in bytes as they are kept;

    destinations that are disabled, and those others whose circuit breaker is open.
    """

    pending: int
    pending_bytes: int
    held: int
    held_bytes: int
    disabled: int
    breaker_open: int


async def backlog(session: AsyncSession) -> Backlog:
    """What waits now. Its cost grows with it, so ask every few seconds, not every request."""
    return Backlog(*(await session.execute(_BACKLOG)).one())
