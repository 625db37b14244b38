"""The upkeep of idempotency keys: old ones are forgotten."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.queue import Done, Engine, Handler, Job, Outcome, Schedule
from conjunct.tenants.idempotency.service import IdempotencyService

SWEEP = "idempotency.sweep"


async def ensure_sweep(engine: Engine, session: AsyncSession) -> None:
    """Have the worker sweep every hour."""
    await engine.put_schedule(session, Schedule("", SWEEP, SWEEP, SWEEP, SWEEP, "41 * * * *"))


def sweep_handler(service: IdempotencyService) -> dict[str, Handler]:
    """The handler of the sweep, by its kind."""

    async def sweep(_job: Job) -> Outcome:
        while await service.sweep():
            pass
        return Done()

    return {SWEEP: sweep}
