"""The job that recovers what was given up or set aside for a destination: in batches, as fast as it is tried."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.delivery import repository
from conjunct.delivery.deliveries import restarting
from conjunct.delivery.deliveries.restarting import Recovery
from conjunct.delivery.gate import Gate
from conjunct.delivery.jobs import retry_job
from conjunct.kit.clock import Clock
from conjunct.queue import Done, Engine, Job, NewJob, Outcome, Retry

RECOVER = "delivery.recover"

PAUSE = timedelta(milliseconds=500)
_MAX_JOB_ATTEMPTS = 1000


def recover_job(project_id: str, destination_id: str, recovery_id: str) -> NewJob:
    """The job of a recovery; a destination's recoveries go one after another."""
    lane = f"{project_id}/delivery.recover/{destination_id}"
    return NewJob(project_id, RECOVER, recovery_id, lane=lane, max_attempts=_MAX_JOB_ATTEMPTS)


class Recoveries:
    """Recovers one batch at a run: each a transaction that also notes how far it has come.

    The next batch waits until at least half of the one before has been tried. So a destination that is slow, limited
    or down is not flooded, and no more than a batch and a half stands before what others have to do.
    """

    def __init__(self, *, database: Database, engine: Engine, gate: Gate, clock: Clock) -> None:
        self._database = database
        self._engine = engine
        self._gate = gate
        self._clock = clock

    async def handle(self, job: Job) -> Outcome:
        """One batch of the recovery that the job names."""
        async with self._database.transaction() as session:
            await self._engine.fence(session, job)
            recovery = await restarting.find(session, job.tenant, job.ref_id)
            pause = None if recovery is None else await self._go_on(session, recovery)
            if pause is not None:
                return Retry(pause, "more is to be recovered", counted=False)
            await self._engine.finish(session, job)
        return Done()

    async def _go_on(self, session: AsyncSession, recovery: Recovery) -> timedelta | None:
        """Recover the next batch if it is its time; gives how long to wait then, None at the end."""
        now = self._clock.now()
        health = await self._gate.current(session, recovery.project_id, recovery.destination_id)
        if not health.enabled:  # switched off meanwhile: the rest stays set aside, for the next call
            await recovery.end(session, now)
            return None
        if await recovery.untried(session) > restarting.BATCH // 2:
            blocked = health.blocked_until(now)
            return blocked - now if blocked else PAUSE
        batch = await recovery.next_batch(session)
        if not batch:
            await recovery.end(session, now)
            return None
        terms = await repository.find_terms(session, recovery.project_id, recovery.destination_id)
        await restarting.restart(session, recovery.project_id, [each.id for each in batch], now)
        await self._engine.enqueue(
            session,
            [
                retry_job(
                    recovery.project_id,
                    each.id,
                    None,
                    terms=terms,
                    lane=(recovery.destination_id, each.ordering_key),
                )
                for each in batch
            ],
        )
        await recovery.advance(session, batch)
        return PAUSE
