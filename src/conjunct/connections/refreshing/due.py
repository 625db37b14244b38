"""Which credentials are due to be renewed though nobody asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.connections.refreshing.journal import Turn

BATCH = 1000
_LONGEST_PAUSE = timedelta(minutes=10)

# Written as the partial indexes of `connection` have it. What is after `:after`, by id, of each kind.
_DUE = text(f"""
SELECT project_id, id FROM (
    (SELECT project_id, id FROM connection
     WHERE used AND refresh_at <= :by AND status <> 'bad_credentials' AND id > :after ORDER BY id LIMIT {BATCH})
    UNION
    (SELECT project_id, id FROM connection
     WHERE keep_alive_at <= :by AND status <> 'bad_credentials' AND id > :after ORDER BY id LIMIT {BATCH})
    UNION
    (SELECT c.project_id, c.id FROM token_exchange e
     JOIN connection c ON c.id = e.connection_id AND c.version = e.version
     WHERE e.look_at <= clock_timestamp() AND c.status <> 'bad_credentials' AND c.id > :after
     ORDER BY c.id LIMIT {BATCH})
) due ORDER BY id LIMIT {BATCH}
""")  # noqa: S608 - a constant

_VERSION = text("""
SELECT version FROM connection c
WHERE project_id = :project_id AND id = :id AND status <> 'bad_credentials' AND (
    (used AND refresh_at <= :by) OR keep_alive_at <= :by OR EXISTS (
        SELECT FROM token_exchange e
        WHERE e.connection_id = c.id AND e.version = c.version AND e.look_at <= clock_timestamp()
    )
)
""")

# Half of what is left: soon, and often before the end. From then on, whoever needs the token asks for it.
_POSTPONE = text("""
UPDATE connection SET
    refresh_at = CASE
        WHEN refresh_at IS NULL OR refresh_at > :by THEN refresh_at
        WHEN access_token_expires_at > :now THEN CAST(:now AS timestamptz) + greatest(
            CAST(:pause AS interval), least((access_token_expires_at - :now) / 2, CAST(:longest AS interval))
        )
    END,
    keep_alive_at = CASE
        WHEN keep_alive_at > :by THEN keep_alive_at
        WHEN keep_alive_at IS NOT NULL
            THEN CAST(:now AS timestamptz) + greatest(CAST(:pause AS interval), CAST(:longest AS interval))
    END
WHERE project_id = :project_id AND id = :id AND version = :version AND (refresh_at <= :by OR keep_alive_at <= :by)
""")

_NEVER = text("""
UPDATE connection SET refresh_at = NULL, keep_alive_at = NULL
WHERE project_id = :project_id AND id = :id AND version = :version
""")

# What is left of exchanges of credentials that were replaced meanwhile.
_TIDY = text("""
DELETE FROM token_exchange e USING connection c
WHERE c.id = e.connection_id AND c.version > e.version AND e.look_at < clock_timestamp() - interval '1 hour'
""")


class DueRenewals:
    """When renewals are due. `by` and `now` are by the clock that the tokens' ends are told by."""

    def __init__(self, session: AsyncSession | AsyncConnection) -> None:
        self._session = session

    async def page(self, by: datetime, after: str) -> Sequence[tuple[str, str]]:
        """Project and id of connections of all projects that are due by then, `BATCH` at most, by their ids.

        They are in use and their access token ends soon; or their refresh token dies if it stays unused; or an
        exchange of theirs was interrupted.
        """
        rows = await self._session.execute(_DUE, {"by": by, "after": after})
        return [(row.project_id, row.id) for row in rows]

    async def version(self, project_id: str, connection_id: str, by: datetime) -> int | None:
        """The version of the credentials, if they are due by then."""
        values = {"project_id": project_id, "id": connection_id, "by": by}
        found: int | None = (await self._session.execute(_VERSION, values)).scalar_one_or_none()
        return found

    async def postpone(self, turn: Turn, now: datetime, pause: float, horizon: timedelta) -> None:
        """What was due could not be renewed now: it is due again after `pause` seconds or more."""
        values: dict[str, Any] = {"now": now, "by": now + horizon, "longest": _LONGEST_PAUSE}
        values |= {"pause": timedelta(seconds=pause), "version": turn.version}
        await self._session.execute(_POSTPONE, {"project_id": turn.project_id, "id": turn.connection_id, **values})

    async def never(self, project_id: str, connection_id: str, version: int) -> None:
        """These credentials cannot be renewed."""
        await self._session.execute(_NEVER, {"project_id": project_id, "id": connection_id, "version": version})

    async def tidy(self) -> None:
        """Forget exchanges that do not matter any more."""
        await self._session.execute(_TIDY)
