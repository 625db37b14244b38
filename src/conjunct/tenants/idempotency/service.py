"""Keep the answers to requests with a key, and give them again."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from fastapi import Response
from sqlalchemy import ColumnElement, CursorResult, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.core.encryption import Keys
from conjunct.core.problems import Issue
from conjunct.kit.clock import Clock
from conjunct.kit.ids import new_id
from conjunct.tenants.idempotency.models import IdempotencyKeyRow
from conjunct.tenants.idempotency.problems import IdempotencyKeyReused, RequestInProgress

KEPT = timedelta(hours=24)
"""For how long an answer is given again."""
LEASE = timedelta(minutes=5)
"""After this a request that was never answered (its process was killed) may be done again."""

REPLAYED = "Idempotency-Replayed"

_SWEEP_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to handle a request; nobody else handles one of the same key meanwhile."""

    id: bytes
    holder: str


class IdempotencyService:
    """Answers are sealed with the master key: they may hold an API key, and a builder's belong to no project."""

    def __init__(self, database: Database, keys: Keys, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock

    async def claim(self, key_id: bytes, request: bytes) -> Claim | Response:
        """The right to handle this request, or the answer that it had before.

        Raises IdempotencyKeyReused when the key came with another request, RequestInProgress while another is handled.
        """
        claim = Claim(key_id, new_id())
        async with self._database.transaction() as session:
            if await self._take(session, claim, request):
                return claim
            row = await session.get(IdempotencyKeyRow, key_id)
            if row is not None and row.request != request:
                raise IdempotencyKeyReused(
                    "This key was sent before, with another path or body.",
                    remedy="Send a new key with every new request; repeat a key only with the very same request.",
                    issues=[Issue("Idempotency-Key", "belongs to another request", location="header")],
                )
            if row is None or row.answer is None:
                raise RequestInProgress(
                    "A request with this key is being handled right now.",
                    remedy="Wait for its answer, or send the same request again in a moment.",
                    retryable=True,
                    retry_after=self._clock.now() + timedelta(seconds=1),
                )
            return self._open(row.answer, key_id)

    async def keep(self, session: AsyncSession | None, claim: Claim, response: Response) -> None:
        """Keep the answer, on the transaction of what it answers if there is one.

        Raises RequestInProgress, so that the transaction is undone, when the claim ran out and somebody else has it.
        """
        if session is None:
            async with self._database.transaction() as own:
                await self._store(own, claim, response)
        elif not await self._store(session, claim, response):
            raise RequestInProgress("This request took too long, and was sent again meanwhile.", retryable=True)

    async def release(self, claim: Claim) -> None:
        """Give the right up: the request was refused, and may be mended and sent again."""
        async with self._database.transaction() as session:
            await session.execute(delete(IdempotencyKeyRow).where(_held_by(claim)))

    async def sweep(self) -> int:
        """Forget a bounded number of old answers; returns how many."""
        old = select(IdempotencyKeyRow.id).where(IdempotencyKeyRow.create_time < self._clock.now() - KEPT)
        statement = delete(IdempotencyKeyRow).where(IdempotencyKeyRow.id.in_(old.limit(_SWEEP_BATCH)))
        async with self._database.transaction() as session:
            return _count(await session.execute(statement))

    async def _take(self, session: AsyncSession, claim: Claim, request: bytes) -> bool:
        now = self._clock.now()
        values = {"request": request, "holder": claim.holder, "lease_until": now + LEASE, "create_time": now}
        statement = insert(IdempotencyKeyRow).values(id=claim.id, **values)
        statement = statement.on_conflict_do_update(
            index_elements=[IdempotencyKeyRow.id],
            set_={**values, "answer": None},
            where=or_(IdempotencyKeyRow.create_time < now - KEPT, _abandoned(now, request)),
        )
        return await session.scalar(statement.returning(IdempotencyKeyRow.id)) is not None

    async def _store(self, session: AsyncSession, claim: Claim, response: Response) -> bool:
        sealed = self._seal(response, claim.id)
        statement = update(IdempotencyKeyRow).where(_held_by(claim)).values(answer=sealed)
        return _count(await session.execute(statement)) == 1

    def _seal(self, response: Response, key_id: bytes) -> bytes:
        head = orjson.dumps({"status": response.status_code, "type": response.headers.get("content-type")})
        return self._keys.encrypt(zlib.compress(head + b"\n" + bytes(response.body)), answer_place(key_id))

    def _open(self, sealed: bytes, key_id: bytes) -> Response:
        head, _, body = zlib.decompress(self._keys.decrypt(sealed, answer_place(key_id))).partition(b"\n")
        told = orjson.loads(head)
        response = Response(body, told["status"], {REPLAYED: "true"})
        if told["type"] is not None:
            response.headers["content-type"] = told["type"]
        return response


def _abandoned(now: datetime, request: bytes) -> ColumnElement[bool]:
    return and_(
        IdempotencyKeyRow.answer.is_(None), IdempotencyKeyRow.lease_until < now, IdempotencyKeyRow.request == request
    )


def _held_by(claim: Claim) -> ColumnElement[bool]:
    return and_(IdempotencyKeyRow.id == claim.id, IdempotencyKeyRow.holder == claim.holder)


def answer_place(key_id: bytes) -> str:
    """What a kept answer is sealed for."""
    return f"idempotency_key:{key_id.hex()}:answer"


def _count(result: object) -> int:
    return result.rowcount if isinstance(result, CursorResult) else 0
