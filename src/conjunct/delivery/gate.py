"""Whether a destination takes messages now, as this process knows it, and how attempts change that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.delivery import metrics, repository
from conjunct.delivery.health import Health, Tally
from conjunct.delivery.repository import StoredDestination
from conjunct.kit.clock import Clock

REMEMBERED = timedelta(seconds=1)
_MAX_REMEMBERED = 10_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DisabledDestination:
    """A destination that was just switched off; `address` is its URL, or its type where it has none."""

    project_id: str
    destination_id: str
    name: str
    type: str
    address: str
    reason: str


DisabledListener = Callable[[AsyncSession, DisabledDestination], Awaitable[None]]
"""Hears of it on the transaction that switches the destination off."""


class Gate:
    """Remembers each destination's health for a second."""

    def __init__(self, database: Database, clock: Clock, probe_time: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._probe_time = probe_time
        self._known: dict[str, tuple[datetime, Health]] = {}
        self.listeners: list[DisabledListener] = []

    async def health(self, project_id: str, destination_id: str) -> Health:
        """The destination's health, at most a second old. One that was removed is disabled."""
        now = self._clock.now()
        known = self._known.get(destination_id)
        if known is not None and known[0] <= now < known[0] + REMEMBERED:
            return known[1]
        async with self._database.reading() as connection:
            health = await repository.read_health(connection, project_id, destination_id)
        return self._remember(destination_id, health or Health(enabled=False))

    async def admit(
        self, project_id: str, destination_id: str, health: Health | None = None
    ) -> Literal["open", "probe", "blocked"]:
        """Whether to send now: all, one message as the only probe, or nothing. `health` is what was read just now."""
        now = self._clock.now()
        if health is None:
            health = await self.health(project_id, destination_id)
        else:
            self._remember(destination_id, health)
        access = health.access(now)
        if access != "probe":
            return access
        until = now + self._probe_time
        async with self._database.transaction() as session:
            claimed = await repository.claim_probe(session, project_id, destination_id, now, until)
        self._remember(destination_id, replace(health, breaker_probe_until=until))
        return "probe" if claimed else "blocked"

    async def settle(self, session: AsyncSession, project_id: str, destination_id: str, tally: Tally) -> Health:
        """Count these attempts, on the caller's transaction; gives the health that follows.

        A success of a healthy destination changes nothing and costs no query.
        """
        known = self._known.get(destination_id)
        fine = known is not None and known[1].enabled and known[1].is_clean
        if known is not None and fine and not tally.failed and not tally.exhausted:
            return known[1]
        found = await repository.lock_health(session, project_id, destination_id)
        if found is None:
            return self._remember(destination_id, Health(enabled=False))
        before, name, type_name, address = found
        after = before.after(tally, self._clock.now())
        if after != before:
            await repository.save_health(session, project_id, destination_id, after)
        _tell(project_id, destination_id, tally, before, after)
        if before.enabled and not after.enabled:
            reason = after.disabled_reason or ""
            log.warning("destination.disabled", destination_id=destination_id, project_id=project_id, reason=reason)
            for listener in self.listeners:
                await listener(
                    session, DisabledDestination(project_id, destination_id, name, type_name, address, reason)
                )
        return self._remember(destination_id, after)

    async def current(self, session: AsyncSession, project_id: str, destination_id: str) -> Health:
        """The destination's health; nobody enables or disables it until the caller's transaction ends."""
        health = await repository.keep(session, project_id, destination_id)
        return self._remember(destination_id, health or Health(enabled=False))

    async def switch(self, session: AsyncSession, destination: StoredDestination, health: Health) -> None:
        """Enable or disable a destination that the caller's transaction has locked whole.

        That lock waits for all who set messages aside for it, and holds up those who are about to: so that none is set
        aside for a destination that is enabled.
        """
        await repository.save_health(session, destination.project_id, destination.id, health)
        self._remember(destination.id, health)

    def _remember(self, destination_id: str, health: Health) -> Health:
        if len(self._known) >= _MAX_REMEMBERED:
            self._known.clear()
        self._known[destination_id] = self._clock.now(), health
        return health


def _tell(project_id: str, destination_id: str, tally: Tally, before: Health, after: Health) -> None:
    """Log and count how these attempts have changed what is known of the destination."""
    about = {"project_id": project_id, "destination_id": destination_id}
    metrics.GIVEN_UP.add(by=tally.exhausted)
    if after.breaker_openings > before.breaker_openings:
        metrics.BREAKERS_OPENED.add()
        log.warning(
            "destination.breaker_opened",
            failures=after.consecutive_failures,
            until=after.breaker_open_until,
            **about,
        )
    elif before.breaker_openings and not after.breaker_openings:
        log.info("destination.recovered", failures=before.consecutive_failures, **about)
    if before.enabled and not after.enabled:
        metrics.DISABLED.add("gone" if tally.gone else "hopeless")
