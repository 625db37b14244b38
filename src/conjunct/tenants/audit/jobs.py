"""The upkeep of the audit log: old entries are forgotten."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.queue import Done, Engine, Handler, Job, Outcome, Schedule
from conjunct.tenants.audit.service import AuditLog

SWEEP = "audit.sweep"


async def ensure_sweep(engine: Engine, session: AsyncSession) -> None:
    """Have the worker sweep once a day."""
    await engine.put_schedule(session, Schedule("", SWEEP, SWEEP, SWEEP, SWEEP, "37 3 * * *"))


def sweep_handler(log: AuditLog) -> dict[str, Handler]:
    """The handler of the sweep, by its kind."""

    async def sweep(_job: Job) -> Outcome:
        while await log.sweep():
            pass
        return Done()

    return {SWEEP: sweep}
