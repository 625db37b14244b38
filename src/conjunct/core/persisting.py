"""Transactions that must come to pass, however long the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import structlog
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database

T = TypeVar("T")

PASSING = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What is raised while the database does not answer."""

_FAULTS = (IntegrityError, ProgrammingError, DataError)
_LONGEST_PAUSE = 5.0

log = structlog.get_logger(__name__)


async def persistently(
    database: Database, work: Callable[[AsyncSession], Awaitable[T]], *, attempt_seconds: float, **about: str
) -> T:
    """Do `work` in a transaction and give its result; again and again while the database does not answer.

    `work` may be done twice: the answer to a commit can be lost. An attempt that lasts longer than `attempt_seconds`,
    behind a lock say, is given up for the next one. `about` is told in the log.
    """
    pause = 0.1
    while True:
        try:
            async with asyncio.timeout(attempt_seconds), database.transaction() as session:
                return await work(session)
        except _FAULTS:
            raise
        except PASSING as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():  # what the library says of a connection that was cut off by it
                raise asyncio.CancelledError from None
            log.warning("database.work_retried", error=type(error).__name__, wait=pause, **about)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
