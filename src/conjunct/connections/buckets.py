"""The rows that all processes count a connection's requests in: lots taken from a bucket, and the pause it is in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.problems import ConnectionNotFound
from conjunct.connections.repository import ConnectionRepository
from conjunct.connectors.definition import Bucket
from conjunct.core.database import Database
from conjunct.kit.slots import Lot, Window, take_lot

# The moment is the database's, once the row is ours: the clocks of hosts differ, and the wait for the row takes time.
# A crash of the database may lose the last lots, which is no worse than limits that were kept a moment less well.
_TAKE = text("""
    WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true))
    SELECT b.slot, b.taken FROM relaxed, connection_bucket b
    WHERE b.project_id = :project_id AND b.connection_id = :connection_id AND b.name = :name
    FOR UPDATE OF b""")
_MAKE = text("""
    INSERT INTO connection_bucket (project_id, connection_id, name, slot, taken)
    SELECT project_id, id, :name, 0, '[]' FROM connection WHERE project_id = :project_id AND id = :connection_id
    ON CONFLICT DO NOTHING""")
_NOW = text("""
    SELECT extract(epoch FROM clock_timestamp())::float8 AS now, throttled_until FROM connection
    WHERE project_id = :project_id AND id = :connection_id""")
_SET = text("""
    UPDATE connection_bucket SET slot = :slot, taken = CAST(:taken AS jsonb)
    WHERE project_id = :project_id AND connection_id = :connection_id AND name = :name""")


@dataclass(frozen=True, slots=True)
class Taken:
    """A lot, and until when, as far as is known, the provider takes no requests at all."""

    lot: Lot
    throttled_until: datetime | None


class Buckets:
    """The buckets of one connection. Each method is a short transaction of its own. Raises `ConnectionNotFound`."""

    def __init__(self, database: Database, project_id: str, connection_id: str) -> None:
        self._database = database
        self._key = {"project_id": project_id, "connection_id": connection_id}

    async def take(self, name: str, bucket: Bucket, wanted: int) -> Taken:
        """What the bucket has of the wanted requests; by the database's clock."""
        async with self._database.transaction() as session:
            window = await self._window(session, name)
            known = (await session.execute(_NOW, self._key)).first()
            if known is None:
                raise ConnectionNotFound(self._key["connection_id"])
            after, lot = take_lot(window, bucket, known.now, wanted)
            if lot.requests:
                taken = "[" + ",".join(map(str, after.taken)) + "]"
                await session.execute(_SET, {**self._key, "name": name, "slot": after.slot, "taken": taken})
        return Taken(lot, known.throttled_until)

    async def throttled_until(self) -> datetime | None:
        """Until when the provider takes no requests, if there is such a moment."""
        async with self._database.reading() as connection:
            known = (await connection.execute(_NOW, self._key)).first()
        if known is None:
            raise ConnectionNotFound(self._key["connection_id"])
        moment: datetime | None = known.throttled_until
        return moment

    async def throttle(self, until: datetime) -> None:
        """Have nobody send anything until then."""
        async with self._database.transaction() as session:
            await ConnectionRepository(session).throttle(self._key["project_id"], self._key["connection_id"], until)

    async def _window(self, session: AsyncSession, name: str) -> Window:
        """The bucket's window; its row is locked from then on."""
        key = {**self._key, "name": name}
        row = (await session.execute(_TAKE, key)).first()
        if row is None:
            await session.execute(_MAKE, key)
            row = (await session.execute(_TAKE, key)).first()
        if row is None:
            raise ConnectionNotFound(self._key["connection_id"])
        return Window(row.slot, tuple(row.taken))
