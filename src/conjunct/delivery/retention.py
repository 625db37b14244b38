"""Removing what is old: attempts, and messages given up or set aside when they expire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

BATCH = 5000

# Rows are added in the order of time, so that the oldest are the first by id and no index on time is needed.
_ATTEMPTS = text("""
with removed as (
    delete from delivery_attempt
    where id in (select id from delivery_attempt order by id limit :batch) and at < :before
    returning 1
)
select count(*) from removed
""")
_MESSAGES = text("""
with removed as (
    delete from delivery_message
    where (project_id, id) in (
        select project_id, id from delivery_message where expires_at <= :now
        order by expires_at limit :batch for update skip locked
    )
    returning 1
)
select count(*) from removed
""")


@dataclass(frozen=True, slots=True)
class Swept:
    """How many rows were removed."""

    attempts: int
    messages: int

    @property
    def is_full(self) -> bool:
        """Whether a batch was full, so that there may be more."""
        return BATCH in (self.attempts, self.messages)


async def sweep(session: AsyncSession, now: datetime, attempts_before: datetime) -> Swept:
    """Remove up to 5,000 old attempts and as many expired messages, of all projects: upkeep has no tenant."""
    attempts = await session.scalar(_ATTEMPTS, {"batch": BATCH, "before": attempts_before})
    messages = await session.scalar(_MESSAGES, {"batch": BATCH, "now": now})
    return Swept(int(attempts or 0), int(messages or 0))
