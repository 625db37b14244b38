"""The database: one engine a process, and transactions that the boundary opens and commits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

import asyncpg
import orjson
from sqlalchemy import DateTime, MetaData, Text, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, mapped_column

from conjunct.core.metrics import Counter

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 30.0
SHORTEST_IDLE_SECONDS = 5.0

# asyncpg says InternalClientError where the server ends a connection in the moment at which it is used.
_AWAY = (OSError, PoolTimeout, InterfaceError, OperationalError, asyncpg.InternalClientError)
_SAID = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalClientError,
)

ERRORS = Counter(
    "database_errors_total",
    "Statements that failed, by SQLSTATE, or by the kind of error where the server gave none.",
    ("sqlstate",),
)

Id = Annotated[str, mapped_column(Text(collation="C"))]
"""An id or a reference as text; compared bytewise, so that an index on it is small and fast."""

Timestamp = Annotated[datetime, mapped_column(DateTime(timezone=True))]
"""A moment in time, always with its zone (UTC)."""

HISTORY = {"autovacuum_vacuum_scale_factor": 0.02, "autovacuum_vacuum_threshold": 10_000}
"""Storage of a large table whose oldest rows are removed all the time: vacuumed before a fifth of it is dead."""


class Base(DeclarativeBase):
    """Base of every table. A slice's tables stand in its `models` module."""

    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )
    type_annotation_map = {dict[str, Any]: JSONB, list[str]: JSONB, list[Any]: JSONB}  # noqa: RUF012


def _dump_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _count_error(context: ExceptionContext) -> None:
    error = context.original_exception
    ERRORS.add(getattr(error, "sqlstate", None) or type(error).__name__)


class Database:
    """A pool of connections and the transactions made on it.

    >>> async with database.transaction() as session:
    ...     await session.execute(...)

    A transaction commits when its block ends and rolls back when the block raises. Nothing inside commits. The server
    ends one in which nothing has been asked for `idle` seconds (5 at least), and lets go of its locks: a process that
    froze, or a host that is gone without a word, must not hold others up for as long as a connection may last.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        application_name: str = "conjunct",
        idle: float = IDLE_SECONDS,
    ) -> None:
        self.url = make_url(url).set(drivername="postgresql+asyncpg")
        self.engine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=30,
            pool_pre_ping=False,
            hide_parameters=True,  # from logs, and from exceptions, whose words are logged
            json_serializer=_dump_json,
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": CONNECT_SECONDS,
                "server_settings": {
                    "application_name": application_name,
                    "jit": "off",
                    "idle_in_transaction_session_timeout": f"{max(idle, SHORTEST_IDLE_SECONDS):.0f}s",
                },
            },
        )
        event.listen(self.engine.sync_engine, "handle_error", _count_error)
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=False)

    @property
    def dsn(self) -> str:
        """The plain `postgresql://` address with its password, for a raw asyncpg connection."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed as a whole when the block ends."""
        async with self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for single statements that only read: no transaction, so one round trip each."""
        async with self._autocommit.connect() as connection:
            yield connection

    async def dispose(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database does not answer, or has ended the connection: the same may do later.

    An `OSError` is taken for that, for connecting raises no other.
    """
    if isinstance(error, DBAPIError) and error.orig is not None:
        said = error.connection_invalidated or isinstance(error.orig.__cause__, _SAID)
    else:
        said = False
    return said or isinstance(error, _AWAY)


def rfc3339(column: str) -> str:
    """SQL for a timestamp column as RFC 3339 text in UTC with microseconds, such as `2026-01-31T09:30:00.000000Z`."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
