"""Who needs a fresh token asks here: one flight for a connection in this process, one claim among all processes."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import structlog

from conjunct.connections.credentials import access_token
from conjunct.connections.notices import ConnectionNotices
from conjunct.connections.problems import ConnectionNotFound, RefreshPending, RefreshRefused
from conjunct.connections.provider_apps.service import ProviderAppService
from conjunct.connections.refreshing.claims import Claimer
from conjunct.connections.refreshing.exchange import Exchange, MarkRefused
from conjunct.connections.refreshing.files import ExchangeFiles
from conjunct.connections.refreshing.journal import ExchangeJournal, Look
from conjunct.connections.refreshing.storing import AnswerStore
from conjunct.connections.refreshing.times import RefreshTimes
from conjunct.connections.tokens import TokenEndpoint
from conjunct.connections.vault import Vault
from conjunct.connectors.auth_definition import CustomAuth
from conjunct.core.database import Database
from conjunct.core.persisting import PASSING
from conjunct.core.problems import Problem
from conjunct.kit.clock import Clock
from conjunct.providers import ProjectProviders

Refresh = Literal["force", "ifExpired"]

_RECOVER_AGAIN_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Refresher:
    """Renews access tokens. It opens transactions of its own; call it while none is open.

    `data_dir` is where answers are kept until they are stored; without it a crash in that moment loses them.
    """

    def __init__(
        self,
        *,
        vault: Vault,
        provider_apps: ProviderAppService,
        endpoint: TokenEndpoint,
        notices: ConnectionNotices,
        mark_refused: MarkRefused,
        providers: ProjectProviders,
        clock: Clock,
        data_dir: Path | None = None,
        times: RefreshTimes | None = None,
    ) -> None:
        self.times = times or RefreshTimes()
        self.clock = clock
        self.files = ExchangeFiles(data_dir)
        self._vault = vault
        self._providers = providers
        self._answers = AnswerStore(vault, self.files, notices, providers, self.times)
        self._claimer = Claimer(vault, provider_apps, endpoint, providers, clock, self.times, self.files.folder_id)
        self._exchange = Exchange(self._claimer, endpoint, self._answers, mark_refused, clock, self.times)
        self._flights: dict[tuple[str, str], asyncio.Task[int]] = {}

    async def ensure_fresh(
        self,
        database: Database,
        project_id: str,
        connection_id: str,
        refresh: Refresh,
        *,
        refused: str | None = None,
    ) -> None:
        """As `ConnectionService.ensure_fresh`. It costs one read where nothing is to be done."""
        seen = await self._look(database, project_id, connection_id)
        if not await self._can_end(database, project_id, seen):
            return
        if not seen.has_ended(self.clock.now()):
            if refused is not None and not await self._is_stored(database, project_id, connection_id, refused):
                return
            if refused is None and refresh == "ifExpired":
                return
        await self._renew(database, project_id, connection_id, seen)

    async def renew(self, database: Database, project_id: str, connection_id: str, version: int) -> None:
        """Renew the credentials of that version, unless that is done. Raises as `ensure_fresh`."""
        seen = await self._look(database, project_id, connection_id)
        if seen.version == version:
            await self._renew(database, project_id, connection_id, seen)

    async def recover(self, database: Database) -> None:
        """Store what earlier processes of this data folder were given and could not store."""
        await self._answers.recover_all(database)

    @asynccontextmanager
    async def at_work(self, database: Database, *, drain_seconds: float) -> AsyncIterator[None]:
        """Recover what was left, beside the block; at its end let exchanges under way end, for so long at most."""
        recovering = asyncio.create_task(self._recover_at_start(database))
        try:
            yield
        finally:
            recovering.cancel()
            await asyncio.wait({recovering, *self._flights.values()}, timeout=drain_seconds)

    async def _recover_at_start(self, database: Database) -> None:
        while True:
            try:
                return await self.recover(database)
            except PASSING as error:
                log.warning("connection.recovery_retried", error=type(error).__name__)
                await asyncio.sleep(_RECOVER_AGAIN_SECONDS)

    async def _renew(self, database: Database, project_id: str, connection_id: str, seen: Look) -> None:
        """Join the flight that renews what was seen, or begin it. Who goes away does not end it."""
        key = (project_id, connection_id)
        version = 0
        while version <= seen.version:
            flight = self._flights.get(key)
            if flight is None or flight.done():
                fly = self._fly(database, project_id, connection_id, seen)
                flight = self._flights[key] = asyncio.create_task(fly, name=f"connection.refresh {connection_id}")
                flight.add_done_callback(partial(self._landed, key))
            version = await asyncio.shield(flight)

    def _landed(self, key: tuple[str, str], flight: asyncio.Task[int]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        error = None if flight.cancelled() else flight.exception()
        if error is not None and not isinstance(error, Problem):
            log.error("connection.refresh_broken", connection_id=key[1], error=type(error).__name__)

    async def _fly(self, database: Database, project_id: str, connection_id: str, seen: Look) -> int:
        """Renew credentials of the version that was seen, here or in another process; gives the version that is then.

        Raises `RefreshRefused`, `RefreshPending`, `RefreshNotPossible`, `ConnectionNotFound`.
        """
        begun, (pause, longest), found = time.monotonic(), self.times.look, seen
        waited = 0.0
        while waited < self.times.patience:
            if await self._is_done(database, project_id, connection_id, found, waited):
                found = await self._look(database, project_id, connection_id)
                if found.version > seen.version:
                    return found.version
            await asyncio.sleep(pause)
            pause, waited = min(pause * 1.5, longest), time.monotonic() - begun
            found = await self._look(database, project_id, connection_id)
            if found.version > seen.version:
                return found.version
            if found.claim_id is None and found.status == "bad_credentials":
                raise RefreshRefused(
                    "The provider has just refused to give a new access token.",
                    remedy="Let the customer connect again.",
                )
        raise RefreshPending(connection_id)

    async def _is_done(
        self, database: Database, project_id: str, connection_id: str, found: Look, waited: float
    ) -> bool:
        """Do what can be done now: store an answer that was left, or ask the provider."""
        claim_id = found.claim_id
        has_waited = found.lapsed or waited >= self.times.file_after
        if claim_id is not None and has_waited and await self._answers.recover(database, claim_id):
            return True
        if not found.is_free:
            return False
        async with database.transaction() as session:
            claimed = await self._claimer.claim(
                session, project_id, connection_id, found.version, taken_over=claim_id is not None
            )
        return claimed is not None and await self._exchange.run(database, claimed)

    async def _look(self, database: Database, project_id: str, connection_id: str) -> Look:
        async with database.reading() as reading:
            journal = ExchangeJournal(reading, self.files.folder_id, grace=self.times.grace)
            found = await journal.look(project_id, connection_id)
        if found is None:
            raise ConnectionNotFound(connection_id)
        return found

    async def _is_stored(self, database: Database, project_id: str, connection_id: str, refused: str) -> bool:
        async with database.transaction() as session:
            stored = access_token(await self._vault.open(session, project_id, connection_id))
        return stored is not None and hmac.compare_digest(stored.text.encode(), refused.encode())

    async def _can_end(self, database: Database, project_id: str, found: Look) -> bool:
        """Whether there is an access token at all."""
        if found.auth_scheme == "none":
            async with database.reading() as reading:
                auth = (await self._providers.get(reading, project_id, found.provider)).auth
            return isinstance(auth, CustomAuth) and auth.token is not None
        return found.auth_scheme.startswith("oauth2/")
