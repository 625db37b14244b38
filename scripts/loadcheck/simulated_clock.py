"""A clock that runs faster than the machine's, for Python and for one PostgreSQL database alike.

Conjunct asks two clocks for the time: the `Clock` that it is given, and the database's `now()` and `clock_timestamp()`.
In a database with these functions in a schema that its connections search before PostgreSQL's own, both tell the same
simulated time. What waits for the network, such as timeouts, goes on in the machine's time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

import asyncpg

_SCHEMA = """
create schema simulated;
create function simulated.now() returns timestamptz stable language sql as $$ {now} $$;
create function simulated.clock_timestamp() returns timestamptz volatile language sql as $$ {clock_timestamp} $$;
do $$ begin
    execute format('alter database %I set search_path = public, simulated, pg_catalog', current_database());
end $$;
"""


@dataclass(frozen=True, slots=True)
class SimulatedClock:
    """Tells `base` at the machine's moment `began` (Unix seconds), and from then on is `factor` times as fast.

    With a factor of 0 it stands still. It can be handed to other processes.
    """

    base: datetime
    factor: float = 0.0
    began: float = 0.0

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return self.at(time.time())

    def at(self, moment: float) -> datetime:
        """What it tells at a moment of the machine's clock."""
        return (self.base + timedelta(seconds=(moment - self.began) * self.factor)).astimezone(UTC)

    def real_seconds(self, span: timedelta) -> float:
        """How long that much simulated time takes."""
        return span.total_seconds() / self.factor

    def started(self, factor: float) -> Self:
        """This clock, running from now on."""
        return replace(self, base=self.now(), factor=factor, began=time.time())

    def _sql(self, function: str) -> str:
        base = f"timestamptz '{self.base.isoformat()}'"
        began = f"to_timestamp({self.began!r})"
        return f"select {base} + (pg_catalog.{function}() - {began}) * {self.factor!r}::float8"

    async def install(self, connection: asyncpg.Connection) -> None:
        """Have an empty database tell this time to all connections that are made from now on."""
        parts = {name: self._sql(name) for name in ("now", "clock_timestamp")}
        await connection.execute(_SCHEMA.format(**parts))

    async def replace_in(self, connection: asyncpg.Connection) -> None:
        """Have a database that tells a simulated time tell this one."""
        for name in ("now", "clock_timestamp"):
            volatility = "stable" if name == "now" else "volatile"
            await connection.execute(
                f"create or replace function simulated.{name}() returns timestamptz {volatility} language sql "
                f"as $$ {self._sql(name)} $$"
            )


@dataclass
class HandedClock:
    """Tells what `clock` does, which a process is handed when the time begins to run."""

    clock: SimulatedClock

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return self.clock.now()
