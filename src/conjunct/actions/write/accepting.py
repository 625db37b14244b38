"""Accepts asynchronous writes: keeps what is asked until it is done, gathers single records into batches."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.write.fitting import AcceptedWrite
from conjunct.actions.write.models import WriteRunRow
from conjunct.actions.write.problems import TooManyPendingWrites
from conjunct.actions.write.repository import WriteRepository
from conjunct.actions.write.schemas import MAX_BATCH, AutoBatchPolicy, RetryPolicy, WriteRequest
from conjunct.actions.write.store import WriteStore
from conjunct.kit.clock import Clock
from conjunct.operations import NewOperation, OperationService
from conjunct.queue import Engine, NewJob

RUN = "write.run"
GATHERED = "write.gathered"

FULL_BYTES = 4 * 1024 * 1024
"""A batch with so much gathers no more, however few its records."""

_OWN_TO_EACH = {"record", "associations", "idempotency_key", "auto_batch_policy", "retry_policy"}
"""Keys of a request that those of one batch need not have alike: its deadlines are those of the first."""


class Acceptor:
    """Takes asynchronous writes, on the caller's transaction."""

    def __init__(
        self, engine: Engine, operations: OperationService, store: WriteStore, clock: Clock, limit_bytes: int
    ) -> None:
        self._engine = engine
        self._operations = operations
        self._store = store
        self._clock = clock
        self._limit_bytes = limit_bytes

    async def accept(self, session: AsyncSession, accepted: AcceptedWrite, asked_name: str) -> str:
        """Keep a write to be done by a job; the id of its operation, or of that of the batch that it joins.

        Writes to one object of an installation are done in the order in which they were accepted, or gathered. Raises
        TooManyPendingWrites.
        """
        content = orjson.dumps(accepted.request.model_dump(mode="json", by_alias=True, exclude_none=True))
        await self._require_room(session, accepted.state.project_id, len(content))
        policy = accepted.request.auto_batch_policy
        if policy is not None:
            return await self._gather(session, accepted, asked_name, policy, content)
        hours = (accepted.request.retry_policy or RetryPolicy()).deadline_hours
        retried_for = timedelta(hours=hours)
        operation_id = await self._begin(
            session,
            accepted,
            asked_name,
            content,
            state="accepted",
            deadline=self._clock.now() + retried_for,
            retried_for=retried_for,
            records=len(accepted.request.entries),
        )
        await self._engine.enqueue(
            session, [_run_job(accepted.state.project_id, accepted.state.id, accepted.object_name, operation_id)]
        )
        return operation_id

    async def _require_room(self, session: AsyncSession, project_id: str, size: int) -> None:
        if await WriteRepository(session).pending_bytes(project_id) + size > self._limit_bytes:
            raise TooManyPendingWrites(
                f"More than {self._limit_bytes:,} bytes of this project wait to be written.",
                remedy="Wait until pending writes have ended, or write synchronously; see their operations for why "
                "they wait. The operator can raise CONJUNCT_PENDING_WRITES_LIMIT_BYTES.",
                retryable=True,
            )

    async def _gather(
        self, session: AsyncSession, accepted: AcceptedWrite, asked_name: str, policy: AutoBatchPolicy, content: bytes
    ) -> str:
        state, key = accepted.state, gather_key(asked_name, accepted.request)
        repository = WriteRepository(session)
        batch = await repository.gathering(state.project_id, state.id, key)
        if batch is None:
            closes = self._clock.now() + timedelta(minutes=policy.max_delay_minutes)
            operation_id = await self._begin(
                session,
                accepted,
                asked_name,
                content,
                state="gathering",
                gather_key=key,
                deadline=closes,
                retried_for=timedelta(hours=policy.retry_deadline_hours),
                records=1,
            )
            await self._engine.enqueue(session, [NewJob(state.project_id, GATHERED, operation_id, run_at=closes)])
            return operation_id
        await self._store.add_part(session, state.project_id, batch.operation_id, batch.records, content)
        batch.records += 1
        batch.size += len(content)
        if batch.records >= MAX_BATCH or batch.size >= FULL_BYTES:
            await self.close(session, batch)
            await self._engine.cancel(session, tenant=state.project_id, kind=GATHERED, ref_ids=[batch.operation_id])
        await session.flush()
        return batch.operation_id

    async def close(self, session: AsyncSession, batch: WriteRunRow) -> None:
        """Let a batch, which is locked, gather no more and be done."""
        batch.state = "accepted"
        batch.deadline = self._clock.now() + batch.retried_for
        await session.flush()
        job = _run_job(batch.project_id, batch.installation_id, batch.object_name, batch.operation_id)
        await self._engine.enqueue(session, [job])

    async def _begin(
        self,
        session: AsyncSession,
        accepted: AcceptedWrite,
        asked_name: str,
        content: bytes,
        *,
        state: str,
        deadline: datetime,
        retried_for: timedelta,
        records: int,
        gather_key: str | None = None,
    ) -> str:
        operation_id = await self._operations.start(session, operation_of(accepted))
        await WriteRepository(session).add(
            operation_id=operation_id,
            project_id=accepted.state.project_id,
            installation_id=accepted.state.id,
            object_name=accepted.object_name,
            asked_name=asked_name,
            state=state,
            gather_key=gather_key,
            deadline=deadline,
            retried_for=retried_for,
            records=records,
            size=len(content),
        )
        await self._store.add_part(session, accepted.state.project_id, operation_id, 0, content)
        return operation_id


def operation_of(accepted: AcceptedWrite) -> NewOperation:
    """The operation that a write is."""
    return NewOperation(
        project_id=accepted.state.project_id,
        integration_id=accepted.state.integration_id,
        installation_id=accepted.state.id,
        config_id=accepted.state.config_id,
        action_type="write",
        object_name=accepted.object_name,
    )


def gather_key(asked_name: str, request: WriteRequest) -> str:
    """The same for requests of one installation that can go in one batch."""
    alike = [asked_name, request.model_dump(mode="json", exclude=_OWN_TO_EACH)]
    return hashlib.sha256(orjson.dumps(alike, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _run_job(project_id: str, installation_id: str, object_name: str, operation_id: str) -> NewJob:
    return NewJob(project_id, RUN, operation_id, lane=f"{project_id}/write/{installation_id}/{object_name}")
