"""Feeds: a destination's kept messages, pulled in the order in which they came to be there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.delivery import kept, payloads, repository
from conjunct.delivery.bell import FeedBell
from conjunct.delivery.kept import Kept
from conjunct.delivery.payloads import PayloadService
from conjunct.delivery.problems import CursorExpired, CursorUnknown, MessagesNotKept
from conjunct.delivery.repository import StoredDestination
from conjunct.kit.clock import Clock
from conjunct.tenants import ProjectKeys

LARGEST_PAGE = 100
LONGEST_WAIT = timedelta(seconds=20)
PAGE_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class Pulled:
    """Messages of a feed, each with its body as it would be sent now, the place to go on from, and if more is there."""

    messages: Sequence[tuple[Kept, bytes]]
    place: int
    has_more: bool


class FeedService:
    """Answers whoever pulls. Each look is a short transaction; nothing is held while a caller waits."""

    def __init__(self, database: Database, keys: ProjectKeys, payloads: PayloadService, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._payloads = payloads
        self._clock = clock
        self._bell = FeedBell(database.dsn)

    async def find(self, session: AsyncSession, project_id: str, name_or_id: str) -> StoredDestination:
        """The destination, if it keeps its messages; `DestinationNotFound`, `MessagesNotKept`."""
        destination = await repository.find(session, project_id, name_or_id)
        if not destination.terms.keep_hours:
            raise MessagesNotKept(destination.name)
        return destination

    async def pull(self, destination: StoredDestination, after: int | None, limit: int, wait: timedelta) -> Pulled:
        """The messages behind a place, or from the oldest on; where there is none, the first to come within `wait`.

        Raises `CursorExpired` when messages behind the place were removed, `CursorUnknown` for one that was never
        reached.
        """
        pulled = await self._look(destination, after, limit)
        if pulled.messages or not wait:
            return pulled
        async with self._bell.waiting(destination.id) as rung:
            try:
                async with asyncio.timeout(wait.total_seconds()):
                    while not pulled.messages:
                        pulled = await self._look(destination, after, limit)
                        if not pulled.messages:
                            await rung.wait()
                            rung.clear()
            except TimeoutError:
                return await self._look(destination, after, limit)
        return pulled

    async def _look(self, destination: StoredDestination, after: int | None, limit: int) -> Pulled:
        project_id, destination_id = destination.project_id, destination.id
        async with self._database.transaction() as session:
            await kept.place_new(session, project_id, destination_id)
            feed = await kept.see_feed(session, project_id, destination_id)
            if after is not None and after < feed.removed_place:
                raise CursorExpired(destination.name, destination.terms.keep_hours)
            if after is not None and after > feed.last_place:
                raise CursorUnknown
            if after is not None and after > feed.pulled_place:
                await kept.note_pulled(session, project_id, destination_id, after)
            place = feed.removed_place if after is None else after
            keyring = await self._keys.keyring(session, project_id)
            found = await kept.after(session, keyring, project_id, destination_id, place, limit, PAGE_BYTES)
            for each in found:
                if each.message.payloads:
                    await payloads.offer_again(session, project_id, each.message.id, self._clock.now())
        last = found[-1].place if found else place
        bodies = [(each, self._payloads.body_of(each.message)) for each in found]
        return Pulled(bodies, last, last < feed.last_place)
