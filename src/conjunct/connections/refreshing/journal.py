"""Queries of exchanges: claims and what is known of them, by the database's clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.connections.schemas import AuthScheme, Status

# A claim of another data folder, whose files cannot be seen here, is left alone for longer.
_LAPSED = """e.claim_until + CASE WHEN e.folder <> :folder THEN CAST(:grace AS interval) ELSE interval '0' END
    < clock_timestamp()"""

_LOOK = text(f"""
SELECT c.version, c.status, c.auth_scheme, c.provider, c.access_token_expires_at,
    e.claim_id, e.claim_id IS NOT NULL AND {_LAPSED} AS lapsed
FROM connection c
LEFT JOIN token_exchange e ON e.connection_id = c.id AND e.version = c.version
WHERE c.project_id = :project_id AND c.id = :connection_id
""")  # noqa: S608 - a constant

# The connection's row is locked first, as by who stores tokens: a version that has just gone by is not claimed.
_CLAIM = text(f"""
WITH claimed AS MATERIALIZED (
    SELECT id, project_id, version FROM connection
    WHERE project_id = :project_id AND id = :connection_id AND version = :version
    FOR NO KEY UPDATE
)
INSERT INTO token_exchange AS e
    (connection_id, project_id, version, claim_id, claim_until, folder, interrupted, look_at, started)
SELECT id, project_id, version, :claim_id, clock_timestamp() + CAST(:lease AS interval), :folder, false,
    clock_timestamp() + CAST(:lease AS interval), clock_timestamp()
FROM claimed
ON CONFLICT (connection_id) DO UPDATE SET
    version = excluded.version, claim_id = excluded.claim_id, claim_until = excluded.claim_until,
    folder = excluded.folder, look_at = excluded.look_at,
    interrupted = e.version = excluded.version AND (e.interrupted OR e.claim_id IS NOT NULL),
    started = CASE WHEN e.version = excluded.version THEN e.started ELSE excluded.started END
WHERE e.version <> excluded.version OR e.claim_id IS NULL OR {_LAPSED}
RETURNING interrupted
""")  # noqa: S608 - a constant

_EXTEND = text("""
UPDATE token_exchange SET claim_until = clock_timestamp() + CAST(:lease AS interval),
    look_at = clock_timestamp() + CAST(:lease AS interval)
WHERE project_id = :project_id AND connection_id = :connection_id AND claim_id = :claim_id
RETURNING connection_id
""")

_END = text("""
DELETE FROM token_exchange
WHERE project_id = :project_id AND connection_id = :connection_id AND claim_id = :claim_id
RETURNING connection_id
""")

# Asked again after as long as it has been going on: soon at first, while the provider may still accept the old token.
_LEAVE = text("""
UPDATE token_exchange SET claim_id = NULL, claim_until = NULL, interrupted = true,
    look_at = clock_timestamp()
        + greatest(CAST(:pause AS interval), least(clock_timestamp() - started, interval '1 hour'))
WHERE project_id = :project_id AND connection_id = :connection_id AND claim_id = :claim_id
RETURNING connection_id
""")

_FORGET = text("""
DELETE FROM token_exchange WHERE project_id = :project_id AND connection_id = :connection_id AND version <= :version
""")


@dataclass(frozen=True, slots=True)
class Look:
    """What decides whether a connection's tokens are to be renewed, and who is at it: `claim_id`, None for nobody.

    `lapsed`: the claim's time is over.
    """

    version: int
    status: Status
    auth_scheme: AuthScheme
    provider: str
    access_token_expires_at: datetime | None
    claim_id: str | None
    lapsed: bool

    @property
    def is_free(self) -> bool:
        """Whether the exchange may be claimed."""
        return self.claim_id is None or self.lapsed

    def has_ended(self, now: datetime) -> bool:
        """Whether the access token's end, as far as it is known, is past."""
        return self.access_token_expires_at is not None and self.access_token_expires_at <= now


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is to renew which version of a connection's credentials."""

    project_id: str
    connection_id: str
    version: int
    claim_id: str

    @property
    def names(self) -> dict[str, str]:
        """What names it in statements."""
        return {"project_id": self.project_id, "connection_id": self.connection_id, "claim_id": self.claim_id}


class ExchangeJournal:
    """Exchanges, always within one project. `folder` names this process's data folder."""

    def __init__(self, session: AsyncSession | AsyncConnection, folder: str, *, grace: float = 0.0) -> None:
        self._session = session
        self._here = {"folder": folder, "grace": timedelta(seconds=grace)}

    async def look(self, project_id: str, connection_id: str) -> Look | None:
        """What there is, without a lock; None when there is no such connection."""
        values = {"project_id": project_id, "connection_id": connection_id, **self._here}
        row = (await self._session.execute(_LOOK, values)).one_or_none()
        return None if row is None else Look(*row)

    async def claim(self, turn: Turn, seconds: float) -> bool | None:
        """Take the turn, and note in the journal that the provider is about to be asked.

        None when it is another's, or the credentials are others; else whether an exchange of them was interrupted.
        """
        values: Mapping[str, Any] = {
            **turn.names,
            **self._here,
            "version": turn.version,
            "lease": timedelta(seconds=seconds),
        }
        interrupted: bool | None = (await self._session.execute(_CLAIM, values)).scalar_one_or_none()
        return interrupted

    async def extend(self, turn: Turn, seconds: float) -> bool:
        """Keep the turn for so long from now; whether it still was this claim's."""
        return await self._changed(_EXTEND, turn, lease=timedelta(seconds=seconds))

    async def end(self, turn: Turn) -> bool:
        """The provider has answered, and has changed nothing; whether it still was this claim's turn."""
        return await self._changed(_END, turn)

    async def leave(self, turn: Turn, pause: float) -> bool:
        """What the provider did is not known; upkeep asks again after `pause` seconds or more. Returns as `end`."""
        return await self._changed(_LEAVE, turn, pause=timedelta(seconds=pause))

    async def forget(self, project_id: str, connection_id: str, version: int) -> None:
        """The credentials of that version are renewed."""
        values = {"project_id": project_id, "connection_id": connection_id, "version": version}
        await self._session.execute(_FORGET, values)

    async def _changed(self, statement: Any, turn: Turn, **values: Any) -> bool:
        return (await self._session.execute(statement, {**turn.names, **values})).first() is not None
