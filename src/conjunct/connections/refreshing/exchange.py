"""One exchange with a provider: asked once, its answer kept whatever happens, its refusal noted when it is sure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.credentials import OAuthTokens, with_access
from conjunct.connections.metrics import REFRESHES
from conjunct.connections.problems import ConnectionNotFound, RefreshPending, RefreshRefused
from conjunct.connections.refreshing.claims import Claimed, Claimer
from conjunct.connections.refreshing.due import DueRenewals
from conjunct.connections.refreshing.journal import ExchangeJournal
from conjunct.connections.refreshing.storing import AnswerStore
from conjunct.connections.refreshing.times import RefreshTimes
from conjunct.connections.repository import ConnectionRepository
from conjunct.connections.state import ConnectionState
from conjunct.connections.tokens import TokenEndpoint, kept
from conjunct.connectors.errors import (
    AuthInvalid,
    AuthRevoked,
    MalformedAnswer,
    ProviderError,
    ServerFailed,
    Unreachable,
)
from conjunct.connectors.oauth import IssuedTokens
from conjunct.core.database import Database
from conjunct.core.persisting import persistently
from conjunct.kit.clock import Clock

MarkRefused = Callable[[AsyncSession, ConnectionState, str], Awaitable[object]]
"""Notes on the transaction that the provider refuses credentials of the state's version, and why."""

_AGAIN_SECONDS = 30.0
_CLIENT_REFUSED = frozenset({"invalid_client", "unauthorized_client"})
_OF_THE_CUSTOMER = "Let the customer connect again."
_OF_THE_CLIENT = "Look at the provider app's id and secret; every connection that was made with it needs them."

log = structlog.get_logger(__name__)


class _Overtaken(Exception):
    """The turn is another's by now."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Does exchanges that are claimed. It opens transactions of its own and asks the provider between them."""

    claimer: Claimer
    endpoint: TokenEndpoint
    store: AnswerStore
    mark_refused: MarkRefused
    clock: Clock
    times: RefreshTimes

    async def run(self, database: Database, claimed: Claimed) -> bool:
        """Renew the credentials; whether that is done. False: another has taken over, and is to be waited for.

        Raises `RefreshRefused`, `RefreshPending`, `ConnectionNotFound`.
        """
        try:
            claimed, issued = await self._ask(database, claimed)
        except _Overtaken:
            return False
        except ProviderError as error:
            return await self._fail(database, claimed, error)
        except Exception:
            await self._end(database, claimed, lost=True, pause=_AGAIN_SECONDS)
            raise
        credentials = with_access(claimed.credentials, kept(issued, self.clock.now(), scopes=None))
        stored = await self.store.keep(database, claimed, credentials)
        self._log("connection.refreshed" if stored else "connection.refresh_superseded", claimed)
        REFRESHES.add(claimed.state.provider, "refreshed" if stored else "superseded")
        return True

    async def _ask(self, database: Database, claimed: Claimed) -> tuple[Claimed, IssuedTokens]:
        if time.monotonic() - claimed.begun > self.times.lease - self.times.asking:
            await self._go_on(database, claimed)  # the claim took so long that it might end before the answer
        try:
            return claimed, await self.endpoint.ask(claimed.definition, claimed.request)
        except AuthRevoked:
            other = self.claimer.without_refresh_token(claimed)
            if other is None:
                raise
        await self._go_on(database, claimed)
        return other, await self.endpoint.ask(other.definition, other.request)

    async def _go_on(self, database: Database, claimed: Claimed) -> None:
        """Begin the lease anew. Raises `_Overtaken`."""
        async with database.transaction() as session:
            if not await self._journal(session).extend(claimed.turn, self.times.lease):
                raise _Overtaken

    async def _fail(self, database: Database, claimed: Claimed, error: ProviderError) -> bool:
        self._log("connection.refresh_failed", claimed, error=error.kind.value, status=error.status)
        REFRESHES.add(claimed.state.provider, error.kind.value)
        name = claimed.definition.display
        if isinstance(error, AuthRevoked) or (_is_of_client(error) and not claimed.is_client_ours):
            return await self._refuse(database, claimed, error)
        lost = isinstance(error, MalformedAnswer | ServerFailed) or (isinstance(error, Unreachable) and error.sent)
        pause = max(_AGAIN_SECONDS, min(error.retry_after or 0.0, 3600.0))
        if not await self._end(database, claimed, lost=lost or claimed.interrupted, pause=pause):
            return False
        if error.retryable:
            raise RefreshPending(claimed.state.id, f"{name} could not be asked for a new one: {error.message}")
        remedy = _OF_THE_CLIENT if _is_of_client(error) else f"{_OF_THE_CUSTOMER} {_OF_THE_CLIENT}"
        raise RefreshRefused(f"{name} gave no new access token: {error.message}", remedy=remedy)

    async def _end(self, database: Database, claimed: Claimed, *, lost: bool, pause: float) -> bool:
        """Give the turn back, and have upkeep wait; whether it still was ours."""

        async def give_back(session: AsyncSession) -> bool:
            if not await self._is_current(session, claimed):
                return False
            journal = self._journal(session)
            if not await (journal.leave(claimed.turn, pause) if lost else journal.end(claimed.turn)):
                return False
            await DueRenewals(session).postpone(claimed.turn, self.clock.now(), pause, self.times.horizon)
            return True

        return await self._persistently(database, claimed, give_back)

    async def _refuse(self, database: Database, claimed: Claimed, error: ProviderError) -> bool:
        if claimed.taken_over and await self._has_come_late(database, claimed):
            return True
        name = claimed.definition.display
        why = error.message
        if claimed.interrupted and isinstance(claimed.credentials, OAuthTokens) and claimed.is_client_ours:
            why = (
                f"A refresh was interrupted before its answer was known, and {name} does not accept its refresh token "
                f"any more, which it seems to have replaced then. {name} says: {error.message}"
            )

        async def note(session: AsyncSession) -> bool:
            if not await self._is_current(session, claimed) or not await self._journal(session).end(claimed.turn):
                return False
            await self.mark_refused(session, claimed.state, why)
            return True

        if not await self._persistently(database, claimed, note):
            return False
        raise RefreshRefused(f"{name} gave no new access token: {why}", remedy=_OF_THE_CUSTOMER)

    async def _has_come_late(self, database: Database, claimed: Claimed) -> bool:
        """Wait for the answer of who had the turn before; whether there are newer credentials now."""
        turn = claimed.turn
        try:
            await self._go_on(database, claimed)
        except _Overtaken:
            return False
        end = time.monotonic() + self.times.late
        while time.monotonic() < end:
            await asyncio.sleep(self.times.look[0])
            async with database.reading() as reading:
                found = await self._journal(reading).look(turn.project_id, turn.connection_id)
            if found is None:
                raise ConnectionNotFound(turn.connection_id)
            if found.version != turn.version:
                return True
        return False

    async def _is_current(self, session: AsyncSession, claimed: Claimed) -> bool:
        """Whether the credentials are still those; nobody changes them until the transaction ends."""
        turn = claimed.turn
        state = await ConnectionRepository(session).find(turn.project_id, turn.connection_id, lock=True)
        return state is not None and state.version == turn.version

    async def _persistently(
        self, database: Database, claimed: Claimed, work: Callable[[AsyncSession], Awaitable[bool]]
    ) -> bool:
        return await persistently(
            database, work, attempt_seconds=self.times.store_attempt, connection_id=claimed.state.id
        )

    def _journal(self, session: object) -> ExchangeJournal:
        return ExchangeJournal(session, self.store.files.folder_id, grace=self.times.grace)  # type: ignore[arg-type]

    def _log(self, event: str, claimed: Claimed, **more: object) -> None:
        seconds = round(time.monotonic() - claimed.begun, 3)
        state = claimed.state
        log.info(
            event,
            project_id=state.project_id,
            connection_id=state.id,
            provider=state.provider,
            seconds=seconds,
            **more,
        )


def _is_of_client(error: ProviderError) -> bool:
    """Whether it is the client that the provider does not accept, not the grant."""
    return isinstance(error, AuthInvalid) or error.code in _CLIENT_REFUSED
