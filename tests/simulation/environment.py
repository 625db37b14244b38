"""A database and an event loop whose clocks stand still until the simulation moves them, all together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import asyncpg

from conjunct.app.migrate import migrate
from conjunct.core.database import Database
from conjunct.kit.ids import new_id
from tests.simulation.stepping import Process, SteppedDatabase, Stepper, VirtualLoop

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# A sequence, for what it says is seen by all transactions at once, those under way too. The functions come before
# PostgreSQL's own on the search path, so that the platform's statements ask them for the time.
_CLOCK = """
create schema simulated;
create sequence simulated.clock;
create function simulated.clock_timestamp() returns timestamptz stable language sql as
    $$ select timestamptz 'epoch' + last_value * interval '1 microsecond' from simulated.clock $$;
create function simulated.now() returns timestamptz stable language sql as
    $$ select timestamptz 'epoch' + last_value * interval '1 microsecond' from simulated.clock $$;
create table simulated.effect (
    id bigint generated always as identity primary key, job bigint, attempts int, worker text, finished bool
);
create table simulated.position (producer text primary key, pages int);
"""

T = TypeVar("T")


class HostClock:
    """A process's host's clock: the simulation's time, and as much ahead or behind as the process says."""

    def __init__(self, environment: Environment, process: Process) -> None:
        self._environment = environment
        self._process = process

    def now(self) -> datetime:
        """The present moment, as that host has it."""
        return self._environment.now + timedelta(seconds=self._process.skew)


class Environment:
    """What machines run on."""

    def __init__(self, loop: VirtualLoop, observer: asyncpg.Connection, url: str) -> None:
        self.loop = loop
        self.now = START
        self.steps = Stepper(loop, observer)
        self.database = SteppedDatabase(url, self.steps)
        self._observer = observer

    def run(self, work: Awaitable[T]) -> T:
        """What the coroutine gives."""
        return self.loop.run_until_complete(work)

    async def advance(self, seconds: float) -> None:
        """Let time pass, everywhere at once, and wait until everything is at rest."""
        self.now += timedelta(seconds=seconds)
        await self._tell()
        self.loop.seconds += seconds
        await self.steps.rest()

    async def look(self, statement: str, *values: Any) -> Sequence[asyncpg.Record]:
        """What a statement gives outside of all transactions."""
        rows: Sequence[asyncpg.Record] = await self._observer.fetch(statement, *values)
        return rows

    async def restart(self, *tables: str) -> None:
        """Empty these tables and begin at `START`."""
        self.now = START
        await self._tell()
        await self._observer.execute("".join(f"delete from {table};" for table in tables))

    async def _tell(self) -> None:
        await self._observer.fetchval("select setval('simulated.clock', $1)", (self.now - _EPOCH) // _MICROSECOND)


@contextmanager
def simulation(server_url: str) -> Iterator[Environment]:
    """An environment on a database of its own on that server, for the length of the block."""
    loop = VirtualLoop()
    name = "conjunct_simulated_" + new_id().replace("-", "")
    url = Database(server_url).url.set(database=name, drivername="postgresql").render_as_string(hide_password=False)
    try:
        loop.run_until_complete(_administer(server_url, f'create database "{name}"'))
        observer = loop.run_until_complete(_prepare(url, name))
        environment = Environment(loop, observer, url)
        try:
            yield environment
        finally:
            loop.run_until_complete(environment.database.dispose())
            loop.run_until_complete(observer.close())
            loop.run_until_complete(_administer(server_url, f'drop database "{name}" with (force)'))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _prepare(url: str, name: str) -> asyncpg.Connection:
    """Make the clock and the tables; gives a connection that observes."""
    connection = await asyncpg.connect(url)
    await connection.execute(_CLOCK)
    await connection.execute(f'alter database "{name}" set search_path = public, simulated, pg_catalog')
    await connection.execute(f'alter database "{name}" set synchronous_commit = off')  # nobody pulls its plug
    await connection.close()
    database = Database(url)
    await migrate(database)
    await database.dispose()
    observer: asyncpg.Connection = await asyncpg.connect(url)
    return observer


async def _administer(server_url: str, statement: str) -> None:
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(statement)
    finally:
        await asyncio.shield(connection.close())
