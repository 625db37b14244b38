"""Delivery's jobs: the next attempt at one message, and the sweep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import structlog

from conjunct.core.database import Database
from conjunct.core.pacing import NoneLeft
from conjunct.delivery import metrics, payloads, retention, spool
from conjunct.delivery.channel import Channel
from conjunct.delivery.courier import Courier
from conjunct.delivery.destination_service import DestinationService
from conjunct.delivery.gate import Gate
from conjunct.delivery.health import Tally
from conjunct.delivery.messages import Attempt, Message
from conjunct.delivery.payloads import PayloadService
from conjunct.delivery.schedule import LONGEST_AGE, deferral, next_delay
from conjunct.delivery.spool import Spooled
from conjunct.delivery.terms import PLAIN, Terms
from conjunct.kit.clock import Clock
from conjunct.queue import Done, Engine, Handler, Job, NewJob, Outcome, Retry
from conjunct.tenants import ProjectKeys

log = structlog.get_logger(__name__)

RETRY = "delivery.retry"
SWEEP = "delivery.sweep"
SWEEP_KEPT = "delivery.sweep_kept"

# The schedule of a message says when it ends, and its job asks for every step uncounted. What counts are crashes and
# errors of our own, and these must not lose a message.
_MAX_JOB_ATTEMPTS = 1000

_AT_ONCE = 20
"""Messages of an ordered lane that one job tries one after another, and records together."""

_LONGEST_TURN = 5.0
"""Seconds after which it begins no more of them."""

_PATIENCE = 0.2
"""Seconds that a job waits for the limits itself: those of reads need its place."""


def retry_job(
    project_id: str, message_id: str, at: datetime | None, *, terms: Terms = PLAIN, lane: tuple[str, str] | None = None
) -> NewJob:
    """The job that tries a kept message, at once or later.

    Messages do not wait for one another, but for those of one `lane` (destination and ordering key) where the
    destination's terms ask for order: there the one in front is tried until it is delivered or given up.
    """
    ordered = None if lane is None or not terms.ordered else f"{project_id}/delivery/{lane[0]}/{lane[1]}"
    return NewJob(project_id, RETRY, message_id, lane=ordered, run_at=at, max_attempts=_MAX_JOB_ATTEMPTS)


_WORKERS_REMEMBERED = timedelta(seconds=30)
_LEAST_SLOW_SHARE = 2


class Retries:
    """Tries one kept message again: load, send, record, each without the others' resources.

    A project has at most `slow_places` tries at slow destinations on their way, which all workers share.
    """

    def __init__(
        self,
        *,
        database: Database,
        keys: ProjectKeys,
        engine: Engine,
        gate: Gate,
        courier: Courier,
        destinations: DestinationService,
        clock: Clock,
        rng: Random,
        timeout_seconds: float,
        slow_places: int,
    ) -> None:
        self._database = database
        self._keys = keys
        self._engine = engine
        self._gate = gate
        self._courier = courier
        self._destinations = destinations
        self._clock = clock
        self._rng = rng
        self._timeout_seconds = timeout_seconds
        self._slow_places = slow_places
        self._workers: tuple[datetime, int] | None = None

    async def handle(self, job: Job) -> Outcome:
        """One step in the schedule of the message that the job names."""
        spooled = await self._load(job)
        if spooled is None or spooled.next_at is None:
            return Done()
        now = self._clock.now()
        if spooled.next_at > now:  # the last step was recorded, but its worker died before it told the queue
            return _again(spooled.next_at - now, "not due yet")
        if not spooled.destination.health.enabled:
            return await self._set_aside(job, spooled)
        message = spooled.message
        access = await self._gate.admit(message.project_id, message.destination_id, spooled.destination.health)
        if access == "blocked":
            return await self._defer(job, spooled)
        channel = self._destinations.channel(spooled.keyring, spooled.destination)
        crowding = self._courier.crowding
        if access == "open" and crowding.is_full(message.project_id, message.destination_id, await self._slow_share()):
            wait = timedelta(seconds=crowding.wait(message.destination_id))
            return await self._hold_off(job, spooled, wait, "the destination is slow, and has enough to answer")
        with crowding.place(message.project_id, message.destination_id):
            try:
                if access == "open":
                    await self._courier.take(channel, until=self._courier.deadline(_PATIENCE))
            except NoneLeft as none_left:
                wait = timedelta(seconds=none_left.wait)
                return await self._hold_off(job, spooled, wait, "as many messages as the limit allows go out already")
            attempt = await self._courier.try_once(channel, message, spooled.attempts + 1, self._timeout_seconds)
            tried = [(spooled, attempt)]
            if channel.terms.ordered and attempt.answer.delivered:
                tried += await self._try_those_behind(channel, spooled)
        return await self._record(job, tried)

    async def _slow_share(self) -> int:
        """This process's part of the tries that a project may have on their way to slow destinations."""
        now = self._clock.now()
        if self._workers is None or not self._workers[0] <= now < self._workers[0] + _WORKERS_REMEMBERED:
            async with self._database.transaction() as session:
                self._workers = now, await self._engine.workers(session)
        return max(-(-self._slow_places // max(self._workers[1], 1)), _LEAST_SLOW_SHARE)

    async def _load(self, job: Job) -> Spooled | None:
        async with self._database.transaction() as session:
            keyring = await self._keys.keyring(session, job.tenant)
            spooled = await spool.open_message(session, keyring, job.tenant, job.ref_id)
            if spooled is not None and spooled.message.payloads:
                await payloads.offer_again(session, job.tenant, job.ref_id, self._clock.now())
        return spooled

    async def _try_those_behind(self, channel: Channel, front: Spooled) -> list[tuple[Spooled, Attempt]]:
        """Go on with the messages that wait behind a delivered one, up to the first that is not delivered.

        Their own jobs wait in the lane of this one, so that nobody else tries them meanwhile.
        """
        async with self._database.transaction() as session:
            behind = await spool.open_behind(session, front, self._clock.now(), _AT_ONCE)
            for each in behind:
                if each.message.payloads:
                    await payloads.offer_again(session, channel.project_id, each.message.id, self._clock.now())
        tried: list[tuple[Spooled, Attempt]] = []
        end = self._courier.deadline(_LONGEST_TURN)
        for each in behind:
            try:
                await self._courier.take(channel, until=self._courier.deadline(_PATIENCE))
            except NoneLeft:
                break
            attempt = await self._courier.try_once(channel, each.message, each.attempts + 1, self._timeout_seconds)
            tried.append((each, attempt))
            if not attempt.answer.delivered or self._courier.deadline(0) > end:
                break
        return tried

    async def _record(self, job: Job, tried: Sequence[tuple[Spooled, Attempt]]) -> Outcome:
        """Record attempts, of which all but the last have delivered their messages."""
        spooled, attempt = tried[-1]
        message, answer, now = spooled.message, attempt.answer, self._clock.now()
        delay = None if answer.delivered else next_delay(attempt.number, answer.retry_after, self._rng)
        tally = Tally(
            delivered=len(tried) - int(not answer.delivered),
            failed=int(not answer.delivered),
            exhausted=int(delay is None and not answer.delivered),
            gone=answer.gone,
        )
        async with self._database.transaction() as session:
            await self._engine.fence(session, job)
            removed = await spool.note(
                session,
                message.project_id,
                message.destination_id,
                [(each.message, attempt) for each, attempt in tried],
                waited=[attempt.at - each.create_time for each, attempt in tried],
            )
            if len(tried) > 1:
                others = [each for each in removed if each != job.ref_id]
                await self._engine.cancel(session, tenant=job.tenant, kind=RETRY, ref_ids=others)
            health = await self._gate.settle(session, message.project_id, message.destination_id, tally)
            if not answer.delivered:
                next_at = now + delay if delay is not None and health.enabled else None
                moved = await spool.move(
                    session,
                    spooled,
                    attempts=attempt.number,
                    next_at=next_at,
                    exhausted=delay is None,
                    last_error=answer.error,
                    now=now,
                )
                if delay is None:
                    log.warning("message.given_up", attempts=attempt.number, error=answer.error, **_about(message))
                if moved and next_at is not None and message.id == job.ref_id:
                    return _again(next_at - now, answer.error or "")
            await self._engine.finish(session, job)
        return Done()

    async def _defer(self, job: Job, spooled: Spooled) -> Outcome:
        """Wait, without an attempt, for a destination whose breaker is open; give up when it was open too long."""
        now = self._clock.now()
        message = spooled.message
        health = await self._gate.health(message.project_id, message.destination_id)
        blocked = health.blocked_until(now)
        delay = deferral(now - spooled.begin_time, blocked - now if blocked else timedelta(), self._rng)
        next_at = None if delay is None else now + delay
        async with self._database.transaction() as session:
            await self._engine.fence(session, job)
            if delay is None:
                await self._gate.settle(session, message.project_id, message.destination_id, Tally(exhausted=1))
            moved = await spool.move(
                session, spooled, attempts=spooled.attempts, next_at=next_at, exhausted=delay is None, now=now
            )
            if delay is None:
                log.warning("message.given_up", attempts=spooled.attempts, error="blocked", **_about(message))
            if moved and delay is not None:
                return _again(delay, "the destination takes nothing at present")
            await self._engine.finish(session, job)
        return Done()

    async def _hold_off(self, job: Job, spooled: Spooled, wait: timedelta, reason: str) -> Outcome:
        """Wait, without an attempt and however long it takes, because no more messages may go at present.

        Messages that can overtake one another ask the less often the longer they have waited: most would ask in vain.
        """
        metrics.HELD_OFF.add(spooled.destination.type)
        now = self._clock.now()
        delay = wait
        if not spooled.destination.terms.ordered:
            age = min(max(now - spooled.begin_time, timedelta()), LONGEST_AGE)
            delay = deferral(age, wait, self._rng) or wait
        async with self._database.transaction() as session:
            await self._engine.fence(session, job)
            if await spool.move(session, spooled, attempts=spooled.attempts, next_at=now + delay, now=now):
                return _again(delay, reason)
            await self._engine.finish(session, job)
        return Done()

    async def _set_aside(self, job: Job, spooled: Spooled) -> Outcome:
        """Keep the message, without further attempts, for the day that its destination is enabled again."""
        message = spooled.message
        async with self._database.transaction() as session:
            await self._engine.fence(session, job)
            if (await self._gate.current(session, message.project_id, message.destination_id)).enabled:
                return _again(timedelta(), "the destination was enabled again just now")
            await spool.move(session, spooled, attempts=spooled.attempts, next_at=None, now=self._clock.now())
            await self._engine.finish(session, job)
        return Done()


def _about(message: Message) -> dict[str, str | None]:
    """The ids that a line of the log tells of a message."""
    return {
        "message_id": message.id,
        "operation_id": message.operation_id,
        "destination_id": message.destination_id,
        "project_id": message.project_id,
    }


def _again(after: timedelta, error: str) -> Retry:
    return Retry(after, error, counted=False)


def sweep_handler(database: Database, kept: PayloadService, clock: Clock, attempts_kept: timedelta) -> Handler:
    """The handler that removes what is old, in small transactions, until nothing old is left."""

    async def handle(_job: Job) -> Outcome:
        now = clock.now()
        while True:
            async with database.transaction() as session:
                swept = await retention.sweep(session, now, now - attempts_kept)
            payloads_swept = await kept.remove_expired(now, retention.BATCH)
            if not swept.is_full and payloads_swept < retention.BATCH:
                return Done()

    return handle
