"""A queue on a real database, with leases short enough to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.queue import Handler, Job, NewJob, Options, Outcome, PostgresEngine, claims, settlement

OPTIONS = Options(
    slots=20,
    tenant_cap=20,
    lease=timedelta(seconds=1.5),
    heartbeat=timedelta(seconds=0.3),
    poll=timedelta(seconds=0.2),
    drain=timedelta(seconds=10),
)


class Queue:
    """The engine, and a look into its tables."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.engine = PostgresEngine(database, OPTIONS)
        self._walk = claims.Walk()

    def transaction(self) -> Any:
        return self.database.transaction()

    async def enqueue(self, *jobs: NewJob) -> int:
        async with self.transaction() as session:
            return await self.engine.enqueue(session, jobs)

    async def claim(self, size: int = 200, *, worker: str = "w", cap: int = 1000, **options: Any) -> list[Job]:
        """What a worker of that id would be given."""
        async with self.transaction() as session:
            lease = options.pop("lease", timedelta(minutes=1))
            taken = await claims.claim(session, worker=worker, size=size, lease=lease, tenant_cap=cap, **options)
        return taken.jobs

    async def claim_on(self, size: int = 1, *, worker: str = "w", cap: int = 1000) -> list[Job]:
        """What a worker of that id would be given that goes on from its last claim."""
        async with self.transaction() as session:
            jobs, self._walk = await claims.claim_on(
                session,
                self._walk,
                worker=worker,
                size=size,
                lease=timedelta(minutes=1),
                tenant_cap=cap,
                shard=0,
                shards=1,
            )
        return jobs

    async def settle(self, *ended: tuple[Job, Outcome]) -> set[str]:
        async with self.transaction() as session:
            return await settlement.settle(session, ended[0][0].worker, ended)

    async def run(self, step: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
        async with self.transaction() as session:
            return await step(session)

    async def execute(self, statement: str, **values: Any) -> Sequence[Any]:
        async with self.transaction() as session:
            result = await session.execute(text(statement), values)
            return result.all() if result.returns_rows else ()

    async def states(self) -> dict[str, str]:
        """The state of every job by its `ref_id`; finished ones are not there."""
        return {row.ref_id: row.state for row in await self.execute("select ref_id, state from job order by id")}

    async def until(self, condition: str, **values: Any) -> None:
        """Wait till a condition on the tables holds."""
        async with asyncio.timeout(30):
            while not (await self.execute(f"select {condition}", **values))[0][0]:  # noqa: ASYNC110 - other processes change it
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def worker(self, handlers: Mapping[str, Handler], **options: Any) -> AsyncIterator[asyncio.Event]:
        """A worker for the length of the block, then stopped; gives its `stop` event."""
        engine = PostgresEngine(self.database, replace(OPTIONS, **options))
        stop = asyncio.Event()
        task = asyncio.create_task(engine.run_worker(handlers, stop))
        try:
            yield stop
        finally:
            stop.set()
            async with asyncio.timeout(30):
                await task


@pytest.fixture
def queue(database: Database) -> Queue:
    return Queue(database)
