"""Keeps one connection's credentials good while a connector works with them, and notes what the provider says of them.

What is good by the clock is given from memory. A new access token is asked for once for all tasks that need one, and
what comes of it, a failure too, is told to all of them. No transaction is open meanwhile.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.problems import RefreshNotPossible, RefreshPending, RefreshRefused
from conjunct.connections.refreshing import Refresh
from conjunct.connections.schemas import Status
from conjunct.connectors.auth import Credentials
from conjunct.connectors.errors import AuthInvalid, AuthRevoked, ProviderError, TryAgain
from conjunct.core.database import Database
from conjunct.core.persisting import PASSING
from conjunct.kit.clock import Clock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """A connection's credentials, opened, with what was known of them then.

    `access_token` is the text of the token that they prove themselves with, if they do; `ends_at` its end, if known.
    `is_use_noted`: it need not be noted any more that they are in use.
    """

    credentials: Credentials
    access_token: str | None = field(repr=False)
    ends_at: datetime | None
    version: int
    status: Status
    is_use_noted: bool = True

    def is_good_at(self, moment: datetime) -> bool:
        """Whether they have not ended by then, as far as is known."""
        return self.ends_at is None or self.ends_at > moment


class HeldConnections(Protocol):
    """What a keeper asks of the connections; see `ConnectionService`."""

    async def hold(self, session: AsyncSession, project_id: str, connection_id: str) -> Held: ...

    async def ensure_fresh(
        self, project_id: str, connection_id: str, refresh: Refresh, *, refused: str | None = None
    ) -> None: ...

    async def mark_working(
        self, session: AsyncSession, project_id: str, connection_id: str, *, version: int | None = None
    ) -> bool: ...

    async def note_use(self, session: AsyncSession, project_id: str, connection_id: str, *, version: int) -> None: ...

    async def mark_bad_credentials(
        self,
        session: AsyncSession,
        project_id: str,
        connection_id: str,
        *,
        version: int | None = None,
        error: str = "",
        quietly: bool = False,
    ) -> bool: ...


class ConnectionKeeper:
    """The `Keeper` of one connection.

    Its methods may also raise `ConnectionNotFound`, when the connection is deleted meanwhile, and what opening raises.
    """

    def __init__(
        self,
        database: Database,
        connections: HeldConnections,
        project_id: str,
        connection_id: str,
        held: Held,
        clock: Clock,
    ) -> None:
        self._database = database
        self._connections = connections
        self._project_id = project_id
        self._connection_id = connection_id
        self._held = held
        self._clock = clock
        # They were bad before. A refresh gives them another chance, and that they miss it is no news.
        self._is_told = held.status == "bad_credentials"
        self._gone: ProviderError | None = None
        self._renewing: asyncio.Task[Held] | None = None
        # What is noted is news or not by what was noted before: the database must see it in the same order.
        self._noting = asyncio.Lock()

    async def fresh(self) -> Credentials:
        """See `Keeper`."""
        held = self._held
        if held.is_good_at(self._clock.now()):
            return held.credentials
        return (await self._renewed_once("ifExpired")).credentials

    async def renewed(self, refused: Credentials, /) -> Credentials | None:
        """See `Keeper`. Credentials that took the place of the refused ones meanwhile are others, too."""
        held = self._held
        if held.credentials == refused:
            held = await self._renewed_once("force")
        return None if held.credentials == refused else held.credentials

    async def accepted(self, credentials: Credentials, /) -> None:
        """See `Keeper`. It is written once for each version of the credentials, and only where it is news.

        While the database does not answer it is left to the next time: what the provider has answered, or done, must
        not be lost for it.
        """
        held = self._held
        if credentials is not held.credentials or (held.status == "working" and held.is_use_noted):
            return
        known = self._held = replace(held, status="working", is_use_noted=True)
        was_told, self._is_told = self._is_told, False
        try:
            await self._note(held)
        except PASSING as error:
            log.warning("connection.not_noted", connection=self._connection_id, error=str(error))
            if self._held is known:
                self._held, self._is_told = held, was_told

    async def _note(self, held: Held) -> None:
        async with self._noting, self._database.transaction() as session:
            if held.status != "working":
                await self._connections.mark_working(
                    session, self._project_id, self._connection_id, version=held.version
                )
            if not held.is_use_noted:
                await self._connections.note_use(session, self._project_id, self._connection_id, version=held.version)

    async def refused(self, credentials: Credentials, error: ProviderError, /) -> None:
        """See `Keeper`. Nothing is held against credentials that took the place of these meanwhile."""
        held = self._held
        if credentials != held.credentials:
            return
        self._held = replace(held, status="bad_credentials")
        quietly, self._is_told = self._is_told, True
        async with self._noting, self._database.transaction() as session:
            await self._connections.mark_bad_credentials(
                session,
                self._project_id,
                self._connection_id,
                version=held.version,
                error=str(error),
                quietly=quietly,
            )

    async def _renewed_once(self, refresh: Refresh) -> Held:
        """What there is after a refresh; who comes while it is under way waits for the same one."""
        if self._gone is not None:
            raise self._gone
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew(refresh))
            self._renewing.add_done_callback(self._over)
        return await asyncio.shield(self._renewing)

    def _over(self, renewing: asyncio.Task[Held]) -> None:
        self._renewing = None
        if not renewing.cancelled():
            renewing.exception()  # so that it counts as seen, should all who asked have gone away

    async def _renew(self, refresh: Refresh) -> Held:
        before = self._held
        refusal = None
        try:
            if before.access_token is not None:
                refused = before.access_token if refresh == "force" else None
                await self._connections.ensure_fresh(self._project_id, self._connection_id, refresh, refused=refused)
        except RefreshPending as pending:
            raise TryAgain(pending.detail) from None
        except RefreshNotPossible:
            log.info("connection.not_renewable", connection_id=self._connection_id)  # the provider has the last word
        except RefreshRefused as problem:
            refusal = problem.detail
        async with self._database.transaction() as session:
            held = await self._connections.hold(session, self._project_id, self._connection_id)
        if refusal is not None and held.version == before.version:
            self._gone = (AuthRevoked if held.status == "bad_credentials" else AuthInvalid)(refusal)
            raise self._gone
        # Whatever the clock says of them: there are no better ones now.
        self._held = held if held.is_good_at(self._clock.now()) else replace(held, ends_at=None)
        return self._held
