"""Transactions commit as a whole at the end of their block, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, InternalError

from conjunct.core.database import Database, is_away, rfc3339

ADD = text("INSERT INTO org (id, label, default_team_id) VALUES (:id, 'Org', 'team')")


async def _orgs(database: Database) -> list[str]:
    async with database.reading() as connection:
        return list(await connection.scalars(text("SELECT id FROM org ORDER BY id")))


async def _add(database: Database, *ids: str) -> None:
    async with database.transaction() as session:
        for each in ids:
            await session.execute(ADD, {"id": each})


async def _add_and_fail(database: Database, org: str) -> None:
    async with database.transaction() as session:
        await session.execute(ADD, {"id": org})
        raise ZeroDivisionError


async def test_a_transaction_commits_when_its_block_ends(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(ADD, {"id": "a"})
        assert await _orgs(database) == []
        await session.execute(ADD, {"id": "b"})
    assert await _orgs(database) == ["a", "b"]


async def test_a_transaction_rolls_back_when_its_block_raises(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await _add_and_fail(database, "a")
    assert await _orgs(database) == []


async def test_a_failed_statement_leaves_nothing_of_its_transaction(database: Database) -> None:
    with pytest.raises(DBAPIError):
        await _add(database, "a", "a")
    assert await _orgs(database) == []


async def test_a_failed_statement_does_not_tell_what_it_was_to_store(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        await _add(database, "planted-s3cret\0")
    assert "org" in str(caught.value)
    assert "planted" not in str(caught.value)


async def test_connections_are_given_back(database: Database) -> None:
    """Many more blocks than the pool has connections, half of them failing."""
    for number in range(30):
        with pytest.raises(ZeroDivisionError):
            await _add_and_fail(database, str(number))
        async with database.reading() as connection:
            await connection.execute(text("SELECT 1"))
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_reading_opens_no_transaction(database: Database) -> None:
    async with database.reading() as connection:
        first = await connection.scalar(text("SELECT now()"))
        assert await connection.scalar(text("SELECT now()")) > first


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        (datetime(2026, 1, 31, 9, 30, tzinfo=UTC), "2026-01-31T09:30:00.000000Z"),
        (datetime(2026, 1, 31, 9, 30, 0, 1, tzinfo=UTC), "2026-01-31T09:30:00.000001Z"),
        (datetime(2026, 1, 31, 23, 30, tzinfo=timezone(timedelta(hours=-5))), "2026-02-01T04:30:00.000000Z"),
    ],
)
async def test_moments_are_told_in_utc_whatever_the_sessions_zone(
    database: Database, moment: datetime, told: str
) -> None:
    async with database.transaction() as session:
        await session.execute(text("SET LOCAL TIME ZONE 'Asia/Kolkata'"))
        shown = await session.scalar(text(f"SELECT {rfc3339('CAST(:moment AS timestamptz)')}"), {"moment": moment})
    assert shown == told


def test_the_password_is_in_the_dsn_and_nowhere_else() -> None:
    database = Database("postgresql://user:hush@host:5432/name")
    assert database.dsn == "postgresql://user:hush@host:5432/name"
    assert "hush" not in repr(database.engine)
    assert "hush" not in str(database.url)


async def test_a_process_that_froze_in_a_transaction_holds_its_locks_for_a_bounded_time(server_url: str) -> None:
    for idle, seconds in ((0.5, "5s"), (30.0, "30s")):  # no shorter than a loop may be held up
        database = Database(server_url, idle=idle)
        async with database.transaction() as session:
            assert await session.scalar(text("show idle_in_transaction_session_timeout")) == seconds
        await database.dispose()


def caused(kind: type[DBAPIError], cause: BaseException, *, lost: bool = False) -> DBAPIError:
    """An error as SQLAlchemy raises it of one by asyncpg."""
    adapted = Exception("adapted")
    adapted.__cause__ = cause
    return kind("select 1", {}, adapted, connection_invalidated=lost)


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (ConnectionRefusedError(), True),
        (FileNotFoundError("no socket"), True),
        (asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"), True),
        (caused(InternalError, asyncpg.InternalClientError("cannot switch to state 12")), True),
        (caused(DBAPIError, asyncpg.CannotConnectNowError("the database system is starting up")), True),
        (caused(DBAPIError, asyncpg.PostgresError("any"), lost=True), True),
        (caused(InternalError, asyncpg.InternalServerError("a fault of the server")), False),
        (caused(IntegrityError, asyncpg.UniqueViolationError("duplicate key")), False),
        (ValueError(), False),
    ],
)
def test_what_passes_by_itself_is_told_from_what_does_not(error: Exception, away: bool) -> None:
    assert is_away(error) is away
