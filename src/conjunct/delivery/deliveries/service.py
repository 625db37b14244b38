"""What a builder sees of deliveries, and how they steer them: list, disable, enable, recover, replay."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.paging import Items, Page
from conjunct.delivery import kept, payloads, repository, spool
from conjunct.delivery.deliveries import listing, restarting, vitals
from conjunct.delivery.deliveries.jobs import recover_job
from conjunct.delivery.deliveries.listing import Filters
from conjunct.delivery.gate import Gate
from conjunct.delivery.health import BY_CALL, Health
from conjunct.delivery.jobs import RETRY, retry_job
from conjunct.delivery.problems import DeliveryNotFound, DestinationDisabled, MessageHeld, MessageNotKept
from conjunct.delivery.repository import StoredDestination
from conjunct.kit.clock import Clock
from conjunct.queue import Engine
from conjunct.tenants import ProjectKeys
from conjunct.tenants.audit import note_change


class Deliveries:
    """Deliveries of one destination, named or by its id, on the caller's transaction."""

    def __init__(self, *, keys: ProjectKeys, engine: Engine, gate: Gate, clock: Clock) -> None:
        self._keys = keys
        self._engine = engine
        self._gate = gate
        self._clock = clock

    async def page(
        self, session: AsyncSession, project_id: str, name_or_id: str, page: Page, filters: Filters
    ) -> Items:
        """A page of the destination's deliveries, newest first."""
        destination = await repository.find(session, project_id, name_or_id)
        return await listing.page_of(session, project_id, destination.id, page, filters)

    async def get(self, session: AsyncSession, project_id: str, name_or_id: str, message_id: str) -> str:
        """A delivery with its attempts, as JSON; `DeliveryNotFound`."""
        destination = await repository.find(session, project_id, name_or_id)
        return await self._shown(session, destination, message_id)

    async def vitals(self, session: AsyncSession, project_id: str, name_or_id: str) -> str:
        """The destination's health, as JSON."""
        destination = await repository.find(session, project_id, name_or_id)
        return await vitals.vitals(session, project_id, destination.id, self._clock.now())

    async def disable(self, session: AsyncSession, project_id: str, name_or_id: str, note: str | None) -> str:
        """Send nothing to the destination from now on; gives its health. One that is disabled stays as it is."""
        destination = await repository.find(session, project_id, name_or_id, for_update=True)
        note_change(resource_id=destination.id, name=destination.name)
        reason = f"{BY_CALL} {note}" if note else BY_CALL
        await self._gate.switch(session, destination, destination.health.disabled(reason, self._clock.now()))
        return await vitals.vitals(session, project_id, destination.id, self._clock.now())

    async def enable(self, session: AsyncSession, project_id: str, name_or_id: str) -> str:
        """Send to the destination again, as to one that never failed; gives its health.

        What was set aside meanwhile goes on in the background. What was given up waits to be recovered.
        """
        destination = await repository.find(session, project_id, name_or_id, for_update=True)
        note_change(resource_id=destination.id, name=destination.name)
        await self._gate.switch(session, destination, Health())
        if not destination.health.enabled:
            await self._begin(session, destination, None, None, exhausted=False)
        return await vitals.vitals(session, project_id, destination.id, self._clock.now())

    async def recover(
        self,
        session: AsyncSession,
        project_id: str,
        name_or_id: str,
        since: datetime | None,
        until: datetime | None,
    ) -> tuple[str, int]:
        """Try again, in the background, what was given up or set aside; gives the recovery's id and how many there are.

        Only messages made from `since` on and before `until`. A disabled destination is enabled. Who calls says that
        the destination is well, so that the breaker is closed.
        """
        destination = await repository.find(session, project_id, name_or_id, for_update=True)
        health = destination.health.closed() if destination.health.enabled else Health()
        await self._gate.switch(session, destination, health)
        recovery_id, messages = await self._begin(session, destination, since, until, exhausted=True)
        note_change(resource_id=destination.id, name=destination.name, messages=messages)
        return recovery_id, messages

    async def replay(self, session: AsyncSession, project_id: str, name_or_id: str, message_id: str) -> str:
        """Send one message again now, under its id; gives the delivery. It is not sent twice for two calls at once.

        Raises `DeliveryNotFound`, `DestinationDisabled`, `MessageHeld`, `MessageNotKept`.
        """
        destination = await repository.find(session, project_id, name_or_id)
        health = await self._gate.current(session, project_id, destination.id)
        note_change(resource_kind="delivery", resource_id=message_id, destination=destination.name)
        if not destination.terms.pushes:
            await self._shown(session, destination, message_id)
            raise MessageNotKept(message_id)
        if not health.enabled:
            raise DestinationDisabled(destination.name)
        row = await restarting.lock(session, project_id, destination.id, message_id)
        if row is None:
            await self._send_kept(session, destination, message_id)
        elif row.state == "held":
            raise MessageHeld(message_id)
        elif row.state == "exhausted" or row.next_at is None:
            await restarting.restart(session, project_id, [message_id], self._clock.now())
            await self._enqueue(session, destination, message_id, row.ordering_key)
        elif row.next_at > self._clock.now():
            await self._hasten(session, destination, message_id)
        return await self._shown(session, destination, message_id)

    async def _begin(
        self,
        session: AsyncSession,
        destination: StoredDestination,
        since: datetime | None,
        until: datetime | None,
        *,
        exhausted: bool,
    ) -> tuple[str, int]:
        recovery_id, messages = await restarting.begin(
            session,
            destination.project_id,
            destination.id,
            since=since,
            until=until,
            exhausted=exhausted,
            now=self._clock.now(),
        )
        await self._engine.enqueue(session, [recover_job(destination.project_id, destination.id, recovery_id)])
        return recovery_id, messages

    async def _send_kept(self, session: AsyncSession, destination: StoredDestination, message_id: str) -> None:
        """Send a message that was delivered once, from what is kept of it for the feed."""
        project_id, now = destination.project_id, self._clock.now()
        keyring = await self._keys.keyring(session, project_id)
        message = await kept.open_kept(session, keyring, project_id, destination.id, message_id)
        if message is None:
            await self._shown(session, destination, message_id)  # one that never was is not found
            raise MessageNotKept(message_id)
        await payloads.offer_again(session, project_id, message_id, now)
        waiting = [spool.Waiting(message, 0, now, None)]
        if await spool.keep(session, keyring, project_id, destination.id, waiting, now):
            await self._enqueue(session, destination, message_id, message.ordering_key)

    async def _hasten(self, session: AsyncSession, destination: StoredDestination, message_id: str) -> None:
        """Let a message that waits for its next attempt be tried now; in an ordered lane, only the one in front."""
        await restarting.hasten(session, destination.project_id, message_id, self._clock.now())
        found = await self._engine.hasten(session, tenant=destination.project_id, kind=RETRY, ref_id=message_id)
        if not found and not destination.terms.ordered:  # its job is just being put back for later
            await self._enqueue(session, destination, message_id, "")

    async def _enqueue(
        self, session: AsyncSession, destination: StoredDestination, message_id: str, ordering_key: str
    ) -> None:
        lane = (destination.id, ordering_key)
        job = retry_job(destination.project_id, message_id, None, terms=destination.terms, lane=lane)
        await self._engine.enqueue(session, [job])

    async def _shown(self, session: AsyncSession, destination: StoredDestination, message_id: str) -> str:
        if "\x00" in message_id:  # which no text in Postgres has
            raise DeliveryNotFound(message_id)
        shown = await listing.one(session, destination.project_id, destination.id, message_id)
        if shown is None:
            raise DeliveryNotFound(message_id)
        return shown
