"""Holds: messages that wait to be asked for, and what was asked for and is not there yet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.delivery import held, kept, repository
from conjunct.delivery.jobs import retry_job
from conjunct.delivery.messages import Message
from conjunct.kit.clock import Clock
from conjunct.queue import Engine
from conjunct.tenants import ProjectKeys


class Holds:
    """Holds of messages, by names that their producer gives them.

    A hold owes what was asked for beyond what it had. Whatever changes a hold does so in the caller's transaction, one
    after another: no message is let go twice, and none that is owed is held. What is let go goes the way of any kept
    message: a worker tries it first, soon after the commit.
    """

    def __init__(self, keys: ProjectKeys, engine: Engine, clock: Clock, limit_bytes: int) -> None:
        self._keys = keys
        self._engine = engine
        self._clock = clock
        self._limit_bytes = limit_bytes

    async def add(self, session: AsyncSession, project_id: str, name: str, messages: Sequence[Message]) -> None:
        """Hold messages, but let go at once as many as the hold owes, the oldest first.

        Those that it has already, after a crash, stay as they are. Those for a destination that was removed go with it.
        """
        if not messages:
            return
        keyring = await self._keys.keyring(session, project_id)
        hold = await held.open_hold(session, project_id, name)
        added = 0
        for destination_id, group in groupby(messages, key=_destination):
            there = held.Hold(hold.project_id, hold.name, hold.owed, hold.last_place + added)
            added += len(batch := list(group))
            await held.add(session, keyring, there, destination_id, batch, self._clock.now())
        await self._let_go(session, hold, added=added)

    async def ask(self, session: AsyncSession, project_id: str, name: str, count: int) -> int:
        """Let go of so many messages more, the oldest first: at once those that are held, the others as they come.

        Returns how many were let go at once.
        """
        hold = await held.open_hold(session, project_id, name, asked=count)
        return await self._let_go(session, hold)

    async def is_full(self, session: AsyncSession, project_id: str, name: str) -> bool:
        """Whether its producer shall wait until some of what is held is asked for."""
        return await held.held_bytes(session, project_id, name) >= self._limit_bytes

    async def has_any(self, session: AsyncSession, project_id: str, name: str) -> bool:
        """Whether anything is held."""
        return await held.held_bytes(session, project_id, name) > 0

    async def counts(self, session: AsyncSession, project_id: str, names: Sequence[str]) -> dict[str, tuple[int, int]]:
        """How many messages each hold has and owes, of those holds that there are."""
        return await held.counts(session, project_id, names)

    async def remove(self, session: AsyncSession, project_id: str, names: Sequence[str]) -> None:
        """Remove holds with all that they hold: nobody will ask for it any more."""
        if names:
            await held.remove(session, project_id, names)

    async def _let_go(self, session: AsyncSession, hold: held.Hold, *, added: int = 0) -> int:
        chosen = await held.oldest(session, hold, hold.owed) if hold.owed else []
        now = self._clock.now()
        for destination_id, group in groupby(sorted(chosen, key=_first), key=_first):
            keys = {message_id: key for _, message_id, key in group}
            health = await repository.keep(session, hold.project_id, destination_id)
            terms = await repository.find_terms(session, hold.project_id, destination_id)
            if terms.keep_hours:
                await kept.add_held(session, hold.project_id, destination_id, list(keys), now)
            if not terms.pushes:
                await held.remove_messages(session, hold.project_id, list(keys))
                continue
            # For a disabled destination they are set aside, as all that is for it.
            at = health.blocked_until(now) or now if health is not None and health.enabled else None
            await held.let_go(session, hold.project_id, list(keys), next_at=at, now=now)
            if at is not None:
                start = at if at > now else None
                jobs = [
                    retry_job(hold.project_id, each, start, terms=terms, lane=(destination_id, key))
                    for each, key in keys.items()
                ]
                await self._engine.enqueue(session, jobs)
        if chosen or added:
            await held.settle(session, hold, released=len(chosen), added=added)
        return len(chosen)


def _first(chosen: tuple[str, str, str]) -> str:
    return chosen[0]


def _destination(message: Message) -> str:
    return message.destination_id
