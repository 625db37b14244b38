"""Delivery: hand messages over at once where it goes well, and keep what could not be delivered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from random import Random

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.core.egress import Egress
from conjunct.core.storage import Storage
from conjunct.delivery import kept, kept_retention, repository, retention, spool
from conjunct.delivery.backlog import Backlog, backlog
from conjunct.delivery.channel import Channel
from conjunct.delivery.courier import Courier
from conjunct.delivery.deliveries.jobs import RECOVER, Recoveries
from conjunct.delivery.deliveries.service import Deliveries
from conjunct.delivery.destination_service import DestinationService
from conjunct.delivery.feeds import FeedService
from conjunct.delivery.gate import DisabledListener, Gate
from conjunct.delivery.health import Health, Tally
from conjunct.delivery.holds import Holds
from conjunct.delivery.jobs import RETRY, SWEEP, SWEEP_KEPT, Retries, retry_job, sweep_handler
from conjunct.delivery.messages import Message, Payload, Result
from conjunct.delivery.options import DeliveryOptions
from conjunct.delivery.payloads import PayloadService
from conjunct.delivery.rates import Rates
from conjunct.delivery.schedule import deferral, next_delay
from conjunct.delivery.terms import Terms
from conjunct.kit.clock import Clock, SystemClock
from conjunct.queue import Engine, Handler, Schedule
from conjunct.tenants import ProjectKeys

_PROBE_SLACK = timedelta(seconds=10)


class DeliveryService:
    """What producers of messages ask for. A producer

    1. opens the destination (`open_channel`), and again when the channel `is_stale`;
    2. tries its messages over the network (`attempt`), no transaction being open;
    3. records the results (`record`) in the transaction that moves its own cursor on.

    A crash before step 3 repeats the messages with the same ids. Messages that shall wait to be asked for are added to
    a hold (`holds`) in that transaction, in place of steps 2 and 3.
    """

    def __init__(
        self,
        *,
        database: Database,
        keys: ProjectKeys,
        egress: Egress,
        engine: Engine,
        storage: Storage,
        options: DeliveryOptions,
        clock: Clock | None = None,
        rng: Random | None = None,
    ) -> None:
        self._database = database
        self._engine = engine
        self._options = options
        self._clock = clock = clock or SystemClock()
        self._rng = rng = rng or Random()  # noqa: S311 - jitter is no secret
        self.destinations = DestinationService(keys=keys, egress=egress, options=options, clock=clock)
        self.payloads = PayloadService(
            database=database, keys=keys, storage=storage, public_url=options.public_url, clock=clock
        )
        self.feeds = FeedService(database, keys, self.payloads, clock)
        self.holds = Holds(keys, engine, clock, options.spool_limit_bytes)
        self._gate = Gate(database, clock, timedelta(seconds=options.timeout) + _PROBE_SLACK)
        self._courier = Courier(
            gate=self._gate,
            rates=Rates(database, options.messages_per_second),
            payloads=self.payloads,
            clock=clock,
            concurrency=options.concurrency,
        )
        self.deliveries = Deliveries(keys=keys, engine=engine, gate=self._gate, clock=clock)
        self._recoveries = Recoveries(database=database, engine=engine, gate=self._gate, clock=clock)
        self._retries = Retries(
            database=database,
            keys=keys,
            engine=engine,
            gate=self._gate,
            courier=self._courier,
            destinations=self.destinations,
            clock=clock,
            rng=rng,
            timeout_seconds=options.timeout,
            slow_places=max(options.project_slots // 2, 1),
        )

    def on_disabled(self, listener: DisabledListener) -> None:
        """Call `listener` on the transaction that switches a destination off."""
        self._gate.listeners.append(listener)

    def handlers(self) -> Mapping[str, Handler]:
        """The jobs of delivery, for the worker."""
        return {
            RETRY: self._retries.handle,
            RECOVER: self._recoveries.handle,
            SWEEP: sweep_handler(self._database, self.payloads, self._clock, self._options.attempts_kept),
            SWEEP_KEPT: kept_retention.sweep_handler(self._database, self._clock, self._options.spool_limit_bytes),
        }

    async def ensure_schedules(self, session: AsyncSession) -> None:
        """Have the worker sweep every few minutes."""
        sweeps = [Schedule("", kind, kind, kind, kind, "*/5 * * * *") for kind in (SWEEP, SWEEP_KEPT)]
        await self._engine.put_schedule(session, *sweeps)

    async def open_channel(self, session: AsyncSession, project_id: str, name_or_id: str) -> Channel:
        """Open a destination for sending; `DestinationNotFound`."""
        return await self.destinations.open_channel(session, project_id, name_or_id)

    async def store_payload(self, channel: Channel, message_id: str, content: bytes) -> Payload:
        """Keep a body too large for a message. No transaction is open.

        Its `placeholder` then stands in the message where the download link belongs, and the payload in
        `Message.payloads`.
        """
        return await self.payloads.store(channel.keyring, channel.project_id, message_id, content)

    async def attempt(self, channel: Channel, messages: Sequence[Message]) -> list[Result]:
        """Try each message once, several at a time; nothing is raised for a failure. No transaction is open."""
        return await self._courier.try_all(channel, messages, self._options.first_timeout)

    async def record(self, session: AsyncSession, results: Sequence[Result]) -> None:
        """Store what came of the messages: every attempt, and the messages that are to be tried again.

        Recording the same messages once more, after a crash, keeps one chain of retries for each.
        """
        in_order = sorted(results, key=_destination_of)  # one order everywhere: destinations are locked here
        for (project_id, destination_id), group in groupby(in_order, key=_destination_of):
            await self._record(session, project_id, destination_id, list(group))

    async def enqueue(self, session: AsyncSession, messages: Sequence[Message]) -> None:
        """Keep messages that a worker tries first, soon after the caller's transaction commits.

        For messages that are made within a transaction, where nothing can be sent. From then on they go the way of
        messages whose first attempt failed: those for a disabled destination are held, and those for a destination
        that was removed go with it.
        """
        in_order = sorted({message.id: message for message in messages}.values(), key=_destination)
        for (project_id, destination_id), group in groupby(in_order, key=_destination):
            health = await repository.keep(session, project_id, destination_id)
            if health is None:
                continue
            terms, new = await repository.find_terms(session, project_id, destination_id), list(group)
            await self._keep_for_feed(session, project_id, destination_id, new, terms)
            if terms.pushes:
                now = self._clock.now()
                at = health.blocked_until(now) or now if health.enabled else None
                waiting = [spool.Waiting(message, 0, at, None) for message in new]
                await self._keep(session, project_id, destination_id, waiting, terms)

    async def keep_payload(
        self, session: AsyncSession, project_id: str, message_id: str, content: bytes, part: int = 0
    ) -> Payload:
        """Keep a body too large for a message that is to be enqueued on the same transaction; see `store_payload`.

        `part` tells several payloads of one message apart.
        """
        keyring = await self.destinations.keyring(session, project_id)
        return await self.payloads.keep(session, keyring, project_id, message_id, content, part)

    async def keep_destination(self, session: AsyncSession, project_id: str, destination_id: str) -> bool:
        """Let nobody remove the destination before the transaction ends; False when there is none."""
        return await repository.keep(session, project_id, destination_id) is not None

    async def spool_bytes(self, session: AsyncSession, project_id: str, destination_id: str) -> int:
        """Bytes that wait for the destination; those given up, and those that are held, do not count.

        Where nothing is sent, they wait to be pulled.
        """
        terms = await repository.find_terms(session, project_id, destination_id)
        of = spool.waiting_bytes if terms.pushes else kept.unpulled_bytes
        return await of(session, project_id, destination_id)

    async def spool_is_full(self, session: AsyncSession, project_id: str, destination_id: str) -> bool:
        """Whether producers shall wait until some of what waits for the destination is delivered."""
        return await self.spool_bytes(session, project_id, destination_id) >= self._options.spool_limit_bytes

    async def backlog(self, session: AsyncSession) -> Backlog:
        """What waits in all projects together, for those who watch the whole."""
        return await backlog(session)

    async def is_disabled(self, session: AsyncSession, project_id: str, destination_id: str) -> bool:
        """Whether the destination is switched off, or gone: what is for it is set aside."""
        health = await repository.read_health(await session.connection(), project_id, destination_id)
        return health is None or not health.enabled

    async def sweep(self, session: AsyncSession, now: datetime) -> retention.Swept:
        """Remove a bounded number of old attempts and messages. The payloads of those follow in the sweep's job."""
        return await retention.sweep(session, now, now - self._options.attempts_kept)

    async def _record(
        self, session: AsyncSession, project_id: str, destination_id: str, results: Sequence[Result]
    ) -> None:
        terms = results[-1].terms
        await self._keep_for_feed(session, project_id, destination_id, [result.message for result in results], terms)
        if not terms.pushes:
            return
        tried = [(result.message, result.attempt) for result in results if result.attempt is not None]
        if tried:
            removed = await spool.note(session, project_id, destination_id, tried)
            if removed:
                await self._engine.cancel(session, tenant=project_id, kind=RETRY, ref_ids=removed)
        delivered = sum(result.delivered for result in results)
        gone = any(attempt.answer.gone for _, attempt in tried)
        tally = Tally(delivered=delivered, failed=len(tried) - delivered, gone=gone)
        if tried:
            health = await self._gate.settle(session, project_id, destination_id, tally)
        else:
            health = await self._gate.current(session, project_id, destination_id)
        undelivered = [self._waiting(result, health) for result in results if not result.delivered]
        if undelivered:
            await self._keep(session, project_id, destination_id, undelivered, terms)

    async def _keep_for_feed(
        self, session: AsyncSession, project_id: str, destination_id: str, messages: Sequence[Message], terms: Terms
    ) -> None:
        if terms.keep_hours:
            keyring = await self.destinations.keyring(session, project_id)
            await kept.add(session, keyring, project_id, destination_id, messages, self._clock.now())

    async def _keep(
        self,
        session: AsyncSession,
        project_id: str,
        destination_id: str,
        waiting: Sequence[spool.Waiting],
        terms: Terms,
    ) -> None:
        keyring = await self.destinations.keyring(session, project_id)
        now = self._clock.now()
        new = await spool.keep(session, keyring, project_id, destination_id, waiting, now)
        jobs = [
            retry_job(
                project_id,
                each.message.id,
                each.next_at if each.next_at > now else None,
                terms=terms,
                lane=(destination_id, each.message.ordering_key),
            )
            for each in waiting
            if each.next_at is not None and each.message.id in new
        ]
        await self._engine.enqueue(session, jobs)

    def _waiting(self, result: Result, health: Health) -> spool.Waiting:
        attempt = result.attempt
        attempts, error = (0, None) if attempt is None else (attempt.number, attempt.answer.error)
        if not health.enabled:
            return spool.Waiting(result.message, attempts, None, error)
        now = self._clock.now()
        if attempt is not None:
            delay = next_delay(attempt.number, attempt.answer.retry_after, self._rng)
        elif result.terms.ordered:  # its first try is the queue's
            delay = (health.blocked_until(now) or now) - now
        else:
            blocked = health.blocked_until(now)
            delay = deferral(timedelta(), blocked - now if blocked else timedelta(), self._rng)
        return spool.Waiting(result.message, attempts, None if delay is None else now + delay, error)


def _destination(message: Message) -> tuple[str, str]:
    return message.project_id, message.destination_id


def _destination_of(result: Result) -> tuple[str, str]:
    return _destination(result.message)
