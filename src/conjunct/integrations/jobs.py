"""The integrations slice's upkeep: old uploads are removed."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.integrations.uploads import Uploads
from conjunct.queue import Done, Engine, Handler, Job, Outcome, Schedule

SWEEP = "uploads.sweep"


async def ensure_sweep(engine: Engine, session: AsyncSession) -> None:
    """Have the worker sweep once a day."""
    await engine.put_schedule(session, Schedule("", SWEEP, SWEEP, SWEEP, SWEEP, "17 3 * * *"))


def sweep_handler(uploads: Uploads) -> dict[str, Handler]:
    """The handler of the sweep, by its kind."""

    async def sweep(_job: Job) -> Outcome:
        await uploads.sweep()
        return Done()

    return {SWEEP: sweep}
