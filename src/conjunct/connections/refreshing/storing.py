"""Keeping what a provider gave: sealed in a file at once, then in the database."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.credentials import StoredCredentials, from_document, to_document
from conjunct.connections.notices import ConnectionNotices
from conjunct.connections.refreshing.claims import Claimed
from conjunct.connections.refreshing.files import ExchangeFiles, KeptAnswer, place_of
from conjunct.connections.refreshing.journal import ExchangeJournal, Turn
from conjunct.connections.refreshing.times import RefreshTimes
from conjunct.connections.repository import ConnectionRepository
from conjunct.connections.vault import Vault
from conjunct.connectors import Definition
from conjunct.core.database import Database
from conjunct.core.encryption import DecryptionFailed
from conjunct.core.persisting import persistently
from conjunct.core.problems import Problem
from conjunct.notifications import ConnectionRefreshed
from conjunct.providers import ProjectProviders

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AnswerStore:
    """Stores new credentials where those that they renew are still the connection's, whoever's turn it is."""

    vault: Vault
    files: ExchangeFiles
    notices: ConnectionNotices
    providers: ProjectProviders
    times: RefreshTimes

    async def keep(self, database: Database, claimed: Claimed, credentials: StoredCredentials) -> bool:
        """Keep the provider's answer; whether it is the connection's now. Tries for as long as the process lives."""
        turn = claimed.turn
        sealed = claimed.keyring.encrypt(to_document(credentials), place_of(turn.claim_id))
        try:
            await self.files.put(KeptAnswer(turn.claim_id, turn.project_id, turn.connection_id, turn.version, sealed))
        except OSError as error:  # the disk is full, say: the database is what counts
            log.warning("connection.exchange_not_kept", connection_id=turn.connection_id, error=error.strerror)
        stored = await persistently(
            database,
            lambda session: self._store(session, turn, claimed.definition, credentials),
            attempt_seconds=self.times.store_attempt,
            connection_id=turn.connection_id,
        )
        await self._remove(turn.claim_id)
        return stored

    async def recover(self, database: Database, claim_id: str) -> bool:
        """Store the answer that an earlier process has left in a file, if there is one; whether there was.

        An answer for credentials that were replaced, or whose connection is gone, is over: its file goes.
        """
        answer = await self.files.get(claim_id)
        if answer is None:
            return False
        about = {"connection_id": answer.connection_id, "project_id": answer.project_id}
        try:
            async with database.transaction() as session:
                stored = await self._store_kept(session, answer)
        except DecryptionFailed:
            log.exception("connection.exchange_unreadable", **about)
            return False
        await self._remove(claim_id)
        if stored:
            log.warning("connection.exchange_recovered", **about)
        return True

    async def recover_all(self, database: Database) -> None:
        """Store all answers that are in files."""
        for claim_id in await self.files.claims():
            try:
                await self.recover(database, claim_id)
            except Problem as problem:  # the provider's definition is gone, say: its connections are of no use either
                log.error("connection.exchange_unusable", claim_id=claim_id, problem=problem.slug)  # noqa: TRY400

    async def _store_kept(self, session: AsyncSession, answer: KeptAnswer) -> bool:
        state = await ConnectionRepository(session).find(answer.project_id, answer.connection_id)
        if state is None or state.version != answer.version:
            return False
        keyring = await self.vault.keyring(session, answer.project_id)
        credentials = from_document(keyring.decrypt(answer.sealed, answer.place))
        turn = Turn(answer.project_id, answer.connection_id, answer.version, answer.claim_id)
        definition = await self.providers.get(session, answer.project_id, state.provider)
        return await self._store(session, turn, definition, credentials)

    async def _store(
        self, session: AsyncSession, turn: Turn, definition: Definition, credentials: StoredCredentials
    ) -> bool:
        project_id, connection_id = turn.project_id, turn.connection_id
        columns = await self.vault.columns(session, project_id, connection_id, definition, credentials)
        if not await ConnectionRepository(session).renew(project_id, connection_id, turn.version, columns):
            return False
        await ExchangeJournal(session, self.files.folder_id).forget(project_id, connection_id, turn.version)
        await self.notices.publish(session, project_id, connection_id, ConnectionRefreshed)
        return True

    async def _remove(self, claim_id: str) -> None:
        try:
            await self.files.remove(claim_id)
        except OSError as error:  # it says nothing that is not stored; upkeep removes it
            log.warning("connection.exchange_file_left", error=error.strerror)
